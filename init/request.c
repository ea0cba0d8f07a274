#include "init/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "config/config.h"
#include "config/nonces.h"
#include "config/plan_signer.h"
#include "config/url.h"
#include "init/usage.h"
#include "probes/http.h"
#include "probes/page.h"
#include "probes/probe.h"

#define MAX_BODY ((int64_t)16 << 20)

static const char *part_missing(const char *signer)
{
	char part[128];

	snprintf(part, sizeof part, "signers.%s.", signer);
	return config_spared(part);
}

/* 0: there is none to be seen. */
static pid_t find_supervisor(const char *config)
{
	static struct page copy; /* too large for a stack */
	const struct page *page = page_find(config);

	return page != NULL && page_read(page, &copy) ? copy.head.supervisor : 0;
}

/* The signer is the configuration's; without one, none is read. 0, or the exit code. */
static int sign(const struct options *options, struct plan_http *http)
{
	static const struct config_checks judges = {.spares = true};

	if (options->sign == NULL)
		return 0;
	const char *file = probe_config(options->config);
	const struct plan *plan = config_load(file, NULL, &judges, stderr);
	if (plan == NULL)
		return EX_CONFIG;
	if (!signers_use(plan, options->sign, http)) {
		fprintf(stderr, "tinysup: --request: no signer \"%s\" in the configuration\n", options->sign);
		return EX_CONFIG;
	}
	const char *missing = part_missing(options->sign), *wrong = signers_request_wrong(http);
	if (missing != NULL)
		fprintf(stderr, "tinysup: --request: %s\n", missing);
	else if (wrong != NULL)
		fprintf(stderr, "tinysup: --request: %s\n", wrong);
	if (plan->nonces != NULL)
		nonces_join(plan->nonces, find_supervisor(file));
	return missing != NULL ? EX_CONFIG : wrong != NULL ? EX_USAGE : 0;
}

int request_main(const struct options *options)
{
	static const struct plan_range accepted = {200, 299};
	struct check_result result = {.retry_after = MSEC_UNSET};
	struct plan_http http = {
	    .url = {.value = options->argument, .shown = options->argument},
	    .method = options->method,
	    .body = options->body,
	    .status = {.items = &accepted, .count = 1},
	    .max_body = MAX_BODY,
	    .slower_than = MSEC_UNSET,
	    .tls = {.verify = true},
	};

	if (options->argument == NULL) {
		usage_error(options->who, options->argv0, "needs a URL", "--request");
		return options->who->usage_code;
	}
	const char *wrong = url_wrong(options->argument);
	if (wrong != NULL || (wrong = http_url_wrong(options->argument)) != NULL) {
		fprintf(stderr, "tinysup: --request: expected a URL %s\n", wrong);
		return EX_USAGE;
	}
	if (options->method != NULL && !method_is_valid(options->method)) {
		fprintf(stderr, "tinysup: --request: expected a method in capitals, such as POST\n");
		return EX_USAGE;
	}
	int code = sign(options, &http);
	if (code != 0)
		return code;
	http_fetch(&http, options->probe.timeout, stdout, &result);
	if (fflush(stdout) != 0) /* the request was made: this must not read as a failure */
		fputs("tinysup: --request: cannot write the body\n", stderr);
	if (result.outcome == OUTCOME_OK)
		return EXIT_SUCCESS;
	fprintf(stderr, "tinysup: --request: %s\n", result.message);
	return EXIT_FAILURE;
}
