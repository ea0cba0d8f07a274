#include "config/rules.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/address.h"
#include "config/expand.h"
#include "config/read.h"
#include "config/signers.h"
#include "config/url.h"

/* of a host name; IPv4 addresses are made of them too */
#define HOST_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
/* of an instance's name, which is part of a file's */
#define INSTANCE_BYTES HOST_BYTES
#define INSTANCE_MAX   63
#define EACH_MAX       63

/* A check or a wait step would do it again and again. */
#define DISARMS "disarms the exchange's dead man's switch: only a step does that"

static config_setting_t *member(const config_setting_t *group, const char *name)
{
	return read_member(group, name);
}

void rules_report(struct reader *reader, config_setting_t *group, const char *path, const char *name, const char *what)
{
	char whole[PATH_TEXT];

	snprintf(whole, sizeof whole, "%s%s%s", path, *path ? "." : "", name);
	config_setting_t *setting = member(group, name);
	read_error(reader, setting != NULL ? setting : group, whole, "%s", what);
}

/* What may differ in the container. */
static void doubt_at(struct reader *reader, config_setting_t *group, const char *path, const char *name, const char *what)
{
	char whole[PATH_TEXT];

	snprintf(whole, sizeof whole, "%s.%s", path, name);
	read_doubt(reader, member(group, name), whole, "%s", what);
}

static void list_words(const struct names *names, char list[128])
{
	size_t used = 0;

	for (size_t i = 0; i < names->count; i++)
		if (names->words[i] != NULL)
			used += (size_t)snprintf(list + used, 128 - used, "%s%s", used ? ", " : "", names->words[i]);
}

int rules_exactly_one(struct reader *reader, config_setting_t *group, const char *path, const struct names *names)
{
	char list[128];
	int found = -1;

	for (size_t i = 0; i < names->count; i++) {
		if (names->words[i] == NULL || member(group, names->words[i]) == NULL)
			continue;
		if (found >= 0) {
			list_words(names, list);
			read_error(reader, group, path, "has both %s and %s: set exactly one of %s", names->words[found],
				   names->words[i], list);
			return -1;
		}
		found = (int)i;
	}
	if (found < 0) {
		list_words(names, list);
		read_error(reader, group, path, "set exactly one of %s", list);
	}
	return found;
}

bool rules_is_here(const struct reader *reader, const char *text)
{
	return text != NULL && (!read_spares(reader) || strstr(text, "${") == NULL);
}

static void must_be_readable(struct reader *reader, config_setting_t *group, const char *path, const char *name,
			     const char *file)
{
	if (rules_is_here(reader, file) && access(file, R_OK) != 0)
		doubt_at(reader, group, path, name, strerror(errno));
}

void rule_tls(struct reader *reader, config_setting_t *group, void *out, const char *path)
{
	const struct plan_tls *tls = out;

	must_be_readable(reader, group, path, "ca", tls->ca);
	must_be_readable(reader, group, path, "cert", tls->cert);
	must_be_readable(reader, group, path, "key", tls->key);
	if (tls->key != NULL && tls->cert == NULL)
		rules_report(reader, group, path, "key", "requires cert");
}

static bool of_type(const struct plan_value *value, enum value_type type)
{
	return value->type == VALUE_UNSET || value->type == type;
}

void rule_json(struct reader *reader, config_setting_t *group, void *out, const char *path)
{
	const struct plan_json *json = out;

	if (rules_is_here(reader, json->pointer) && *json->pointer != '\0' && *json->pointer != '/')
		rules_report(reader, group, path, "pointer", "a JSON pointer (RFC 6901) starts with \"/\" or is empty");
	for (const char *p = json->pointer; p != NULL && (p = strchr(p, '~')) != NULL; p++)
		if (p[1] != '0' && p[1] != '1') {
			rules_report(reader, group, path, "pointer",
				     "write \"~\" as ~0 and a \"/\" in a name as ~1 (RFC 6901)");
			break;
		}
	if (json->equals.type == VALUE_UNSET && json->not_equals.type == VALUE_UNSET && json->one_of.count == 0 &&
	    json->exists.type == VALUE_UNSET && json->minimum.type == VALUE_UNSET && json->maximum.type == VALUE_UNSET &&
	    json->empty.type == VALUE_UNSET && json->all_true.type == VALUE_UNSET && json->age_below == MSEC_UNSET)
		read_error(
		    reader, group, path,
		    "asserts nothing: set equals, not_equals, one_of, exists, empty, minimum, maximum, all_true or age_below");
	if (!of_type(&json->exists, VALUE_BOOL))
		rules_report(reader, group, path, "exists", "expected true or false");
	if (!of_type(&json->empty, VALUE_BOOL))
		rules_report(reader, group, path, "empty", "expected true or false");
	if (!of_type(&json->all_true, VALUE_BOOL))
		rules_report(reader, group, path, "all_true", "expected true or false");
	if (!of_type(&json->minimum, VALUE_NUMBER))
		rules_report(reader, group, path, "minimum", "expected a number");
	if (!of_type(&json->maximum, VALUE_NUMBER))
		rules_report(reader, group, path, "maximum", "expected a number");
}

void rules_url(struct reader *reader, config_setting_t *group, const char *path, const char *url, enum url_kind kind,
	       const struct plan_tls *tls)
{
	char what[200];

	if (!rules_is_here(reader, url))
		return;
	const char *wrong = kind == URL_HTTP ? url_wrong(url) : url_wrong_mail(url);
	if (wrong != NULL) {
		snprintf(what, sizeof what, "expected a URL %s", wrong);
		rules_report(reader, group, path, "url", what);
		return;
	}
	wrong = reader->judges->url != NULL ? reader->judges->url(url) : NULL;
	if (wrong != NULL) {
		snprintf(what, sizeof what, "rejected by libcurl: %s", wrong);
		rules_report(reader, group, path, "url", what);
	}
	bool secure = strncmp(url, "https:", 6) == 0 || strncmp(url, "smtps:", 6) == 0 || kind == URL_STARTTLS;
	const config_setting_t *setting = member(group, "url");
	if (reader->judges->certificates != NULL && secure && tls->verify && tls->ca == NULL && !reader->judges->certificates())
		read_warn(
		    reader, setting != NULL ? setting : group, path,
		    "no CA certificates found to verify the server: install ca-certificates, or set tls.ca or SSL_CERT_FILE");
}

void rule_http(struct reader *reader, config_setting_t *group, void *out, const char *path)
{
	struct plan_http *http = out;
	regex_t regex;

	rules_url(reader, group, path, http->url.value, URL_HTTP, &http->tls);
	if (rules_is_here(reader, http->method) && !method_is_valid(http->method))
		rules_report(reader, group, path, "method", "expected a method in capitals, such as \"POST\"");
	if (http->basic_password != NULL && http->basic_user == NULL)
		rules_report(reader, group, path, "basic_password", "needs basic_user");
	if (http->basic_user != NULL && http->bearer != NULL)
		rules_report(reader, group, path, "bearer", "cannot be sent together with basic_user");
	if (rules_is_here(reader, http->matches)) {
		int error = regcomp(&regex, http->matches, REG_EXTENDED | REG_NOSUB);
		char why[128];
		if (error == 0) {
			regfree(&regex);
		} else {
			regerror(error, &regex, why, sizeof why);
			rules_report(reader, group, path, "matches", why);
		}
	}
	signers_settle_http(reader, group, http, path);
}

/* "host:port", IPv6 in brackets. */
static bool is_host_and_port(const char *address)
{
	const char *colon = strrchr(address, ':');
	struct in6_addr ip;
	char host[256];

	if (colon == NULL || colon == address || (size_t)(colon - address) >= sizeof host)
		return false;
	size_t digits = strspn(colon + 1, "0123456789");
	long port = strtol(colon + 1, NULL, 10);
	if (digits == 0 || digits > 5 || colon[1 + digits] != '\0' || port < 1 || port > 65535)
		return false;
	size_t length = (size_t)(colon - address);
	memcpy(host, address, length);
	host[length] = '\0';
	if (host[0] != '[')
		return strspn(host, HOST_BYTES) == length;
	if (host[length - 1] != ']')
		return false;
	host[length - 1] = '\0';
	return inet_pton(AF_INET6, host + 1, &ip) == 1;
}

void rule_grpc(struct reader *reader, config_setting_t *group, void *out, const char *path)
{
	struct plan_grpc *grpc = out;

	grpc->secure = member(group, "tls") != NULL;
	if (rules_is_here(reader, grpc->address) && strncmp(grpc->address, "unix:/", 6) != 0 &&
	    !is_host_and_port(grpc->address))
		rules_report(reader, group, path, "address",
			     "expected \"host:port\" (IPv6 addresses in brackets) or \"unix:/path\"");
}

void rule_check(struct reader *reader, config_setting_t *group, void *out, const char *path)
{
	struct plan_check *check = out;
	int kind = rules_exactly_one(reader, group, path, &names_check_kinds);

	if (kind >= 0)
		check->kind = (enum check_kind)kind;
	if (check->name != NULL && strlen(check->name) >= CHECK_NAME_MAX)
		rules_report(reader, group, path, "name", "longer than 63 bytes");
	if (check->http.disarms)
		read_error(reader, group, path, DISARMS);
	/* --probe distinguishes names from URLs by these */
	if (rules_is_here(reader, check->name) && (*check->name == '\0' || strpbrk(check->name, ":/ \t\r\n") != NULL))
		rules_report(reader, group, path, "name", "must not be empty or contain spaces, \":\" or \"/\"");
}

void rule_wait(struct reader *reader, config_setting_t *group, void *out, const char *path)
{
	static const char *const words[] = {"exec", "http", "tcp"};
	static const struct names kinds = {.words = words, .count = 3};

	const struct step_text *text = out;

	rules_exactly_one(reader, group, path, &kinds);
	if (text->wait.http.disarms)
		read_error(reader, group, path, DISARMS);
}

/* Visible ASCII, blanks excluded: it becomes part of a name, a URL, an argument. */
static bool is_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text >= 0x7f)
			return false;
	return true;
}

static void check_each(struct reader *reader, config_setting_t *group, const struct plan_names *each, const char *path)
{
	if (member(group, "each") != NULL && each->count == 0)
		rules_report(reader, group, path, "each", "is empty");
	for (size_t i = 0; i < each->count; i++) {
		const char *one = each->items[i];
		if (*one == '\0' || strlen(one) > EACH_MAX || !is_printable(one))
			rules_report(reader, group, path, "each", "expected words of 1 to 63 printable characters");
		for (size_t j = 0; j < i; j++)
			if (strcmp(each->items[j], one) == 0)
				rules_report(reader, group, path, "each", "names one twice");
	}
}

void rule_step(struct reader *reader, config_setting_t *group, void *out, const char *path)
{
	struct step_text *text = out;
	struct plan_step *step = &text->step;
	int kind = rules_exactly_one(reader, group, path, &names_step_kinds);

	if (kind < 0)
		return;
	step->kind = (enum step_kind)kind;
	bool keyed = step->kind == STEP_EXEC || step->kind == STEP_HTTP || step->kind == STEP_ALERT;
	if (member(group, "retry") != NULL && !keyed && step->kind != STEP_TCP)
		rules_report(reader, group, path, "retry",
			     "only for exec, http, tcp and alert; a wait step polls until its timeout anyway");
	if (!step->idempotency_key && (expand_is_keyed(step->http.body) || expand_is_keyed(step->http.url.value)))
		rules_report(reader, group, path, "idempotency_key", "must be true for ${idempotency_key}");
	if (step->kind != STEP_ALERT && step->wording.text != NULL)
		rules_report(reader, group, path, "text", "only for alert");
	if (step->kind != STEP_ALERT && step->wording.level != LEVEL_DERIVED)
		rules_report(reader, group, path, "level", "only for alert");
	if (step->idempotency_key && !keyed)
		rules_report(reader, group, path, "idempotency_key", "only for exec, http and alert");
	if (member(group, "each") != NULL && step->kind != STEP_EXEC && step->kind != STEP_HTTP && step->kind != STEP_TCP &&
	    step->kind != STEP_WAIT)
		rules_report(reader, group, path, "each", "only for exec, http, tcp and wait");
	check_each(reader, group, &text->each, path);
	if (step->kind == STEP_SLEEP && step->timeout != MSEC_UNSET)
		rules_report(reader, group, path, "timeout", "not allowed: a sleep step has its own duration");
	if (step->kind == STEP_STOP && step->timeout != MSEC_UNSET && text->stop.timeout != MSEC_UNSET)
		rules_report(reader, group, path, "timeout", "already set in stop");
	if (step->name != NULL && (*step->name == '\0' || strchr(step->name, ',') != NULL))
		rules_report(reader, group, path, "name",
			     "must not be empty or contain \",\", which --step takes for the end of it");
	if (step->required && step->when == 0)
		rules_report(reader, group, path, "required", "the step never runs: `when` is empty");
}

void rule_app(struct reader *reader, config_setting_t *group, void *out, const char *path)
{
	const struct plan_app *app = out;
	struct stat status;

	if (app->watchdog > 0 && !app->notify)
		rules_report(reader, group, path, "watchdog", "requires notify = true");
	if (!rules_is_here(reader, app->directory))
		return;
	if (stat(app->directory, &status) != 0)
		doubt_at(reader, group, path, "directory", strerror(errno));
	else if (!S_ISDIR(status.st_mode))
		doubt_at(reader, group, path, "directory", strerror(ENOTDIR));
}

void rule_output(struct reader *reader, config_setting_t *group, void *out, const char *path)
{
	const struct plan_output *output = out;
	char directory[PATH_MAX];
	struct stat status;

	if (!rules_is_here(reader, output->file))
		return;
	size_t length = strlen(output->file);
	if (*output->file != '/' || output->file[length - 1] == '/' || length >= sizeof directory - sizeof ".100") {
		rules_report(reader, group, path, "file", "expected an absolute path of a file");
		return;
	}
	memcpy(directory, output->file, length + 1);
	*(strrchr(directory, '/') + 1) = '\0';
	if (stat(output->file, &status) == 0 && !S_ISREG(status.st_mode))
		doubt_at(reader, group, path, "file", "not a regular file");
	else if (stat(directory, &status) != 0)
		doubt_at(reader, group, path, "file", strerror(errno));
}

void rule_root(struct reader *reader, config_setting_t *group, void *out, const char *path)
{
	const struct plan *plan = out;
	struct sockaddr_storage address;
	socklen_t length;

	if (rules_is_here(reader, plan->listen) && !listen_address(plan->listen, &address, &length))
		rules_report(reader, group, path, "listen",
			     "expected a numeric address and a port, such as \"0.0.0.0:9180\", \"[::]:9180\" or \":9180\"");
	if (rules_is_here(reader, plan->state_dir) && *plan->state_dir != '/')
		rules_report(reader, group, path, "state_dir", "expected an absolute path");
	if (plan->instance != NULL && plan->state_dir == NULL)
		rules_report(reader, group, path, "instance", "requires state_dir");
	if (rules_is_here(reader, plan->instance) &&
	    (*plan->instance == '\0' || *plan->instance == '.' || strlen(plan->instance) > INSTANCE_MAX ||
	     strspn(plan->instance, INSTANCE_BYTES) != strlen(plan->instance)))
		rules_report(reader, group, path, "instance",
			     "expected at most 63 letters, digits, \".\", \"-\" and \"_\", not starting with \".\"");
	if (plan->instance != NULL && (strcmp(plan->instance, "steps") == 0 || strncmp(plan->instance, "slot-", 5) == 0))
		rules_report(reader, group, path, "instance", "\"steps\" and names starting with \"slot-\" are tinysup's own");
}
