#include "init/emit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "config/config.h"
#include "config/emit.h"
#include "init/usage.h"
#include "probes/http.h"
#include "probes/tls.h"

int emit_main(const struct options *options)
{
	static const struct config_checks judges = {.url = http_url_wrong, .certificates = tls_authorities, .warns = true};

	if (!emit_knows(options->argument)) {
		usage_error(options->who, options->argv0, "unknown platform; use " EMIT_PLATFORMS, options->argument);
		return options->who->usage_code;
	}
	const struct plan *plan = config_load(config_find(options->config), NULL, &judges, stderr);
	if (plan == NULL)
		return EX_CONFIG;
	emit_stanza(plan, options->argument, stdout);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EX_IOERR;
}
