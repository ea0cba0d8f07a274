#include "config/rules.h"

#include <arpa/inet.h>
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/address.h"
#include "config/read.h"
#include "config/url.h"

/* of a host name; IPv4 addresses are made of them too */
#define HOST_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"

static config_setting_t *member(const config_setting_t *group, const char *name)
{
	return read_member(group, name);
}

static void report_at(struct reader *reader, config_setting_t *group, const char *path, const char *name, const char *what)
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

/* The enum value of the one setting that is set; -1 after an error. */
static int exactly_one(struct reader *reader, config_setting_t *group, const char *path, const struct names *names)
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

/* False for text that --check could not expand. */
static bool is_here(const struct reader *reader, const char *text)
{
	return text != NULL && (reader->warnings == NULL || strstr(text, "${") == NULL);
}

static void must_be_readable(struct reader *reader, config_setting_t *group, const char *path, const char *name,
			     const char *file)
{
	if (is_here(reader, file) && access(file, R_OK) != 0)
		doubt_at(reader, group, path, name, strerror(errno));
}

void rule_tls(struct reader *reader, config_setting_t *group, void *out, const char *path)
{
	const struct plan_tls *tls = out;

	must_be_readable(reader, group, path, "ca", tls->ca);
	must_be_readable(reader, group, path, "cert", tls->cert);
	must_be_readable(reader, group, path, "key", tls->key);
	if (tls->key != NULL && tls->cert == NULL)
		report_at(reader, group, path, "key", "requires cert");
}

static bool of_type(const struct plan_value *value, enum value_type type)
{
	return value->type == VALUE_UNSET || value->type == type;
}

void rule_json(struct reader *reader, config_setting_t *group, void *out, const char *path)
{
	const struct plan_json *json = out;

	if (is_here(reader, json->pointer) && *json->pointer != '\0' && *json->pointer != '/')
		report_at(reader, group, path, "pointer", "a JSON pointer (RFC 6901) starts with \"/\" or is empty");
	for (const char *p = json->pointer; p != NULL && (p = strchr(p, '~')) != NULL; p++)
		if (p[1] != '0' && p[1] != '1') {
			report_at(reader, group, path, "pointer", "write \"~\" as ~0 and a \"/\" in a name as ~1 (RFC 6901)");
			break;
		}
	if (json->equals.type == VALUE_UNSET && json->not_equals.type == VALUE_UNSET && json->one_of.count == 0 &&
	    json->exists.type == VALUE_UNSET && json->minimum.type == VALUE_UNSET && json->maximum.type == VALUE_UNSET &&
	    json->all_true.type == VALUE_UNSET && json->age_below == MSEC_UNSET)
		read_error(reader, group, path,
			   "asserts nothing: set equals, not_equals, one_of, exists, minimum, maximum, all_true or age_below");
	if (!of_type(&json->exists, VALUE_BOOL))
		report_at(reader, group, path, "exists", "expected true or false");
	if (!of_type(&json->all_true, VALUE_BOOL))
		report_at(reader, group, path, "all_true", "expected true or false");
	if (!of_type(&json->minimum, VALUE_NUMBER))
		report_at(reader, group, path, "minimum", "expected a number");
	if (!of_type(&json->maximum, VALUE_NUMBER))
		report_at(reader, group, path, "maximum", "expected a number");
}

static void must_be_url(struct reader *reader, config_setting_t *group, const char *path, const char *url,
			const struct plan_tls *tls)
{
	char what[200];

	if (!is_here(reader, url))
		return;
	const char *wrong = url_wrong(url);
	if (wrong != NULL) {
		snprintf(what, sizeof what, "expected a URL %s", wrong);
		report_at(reader, group, path, "url", what);
		return;
	}
	wrong = reader->judges->url != NULL ? reader->judges->url(url) : NULL;
	if (wrong != NULL) {
		snprintf(what, sizeof what, "rejected by libcurl: %s", wrong);
		report_at(reader, group, path, "url", what);
	}
	if (reader->judges->certificates != NULL && strncmp(url, "https:", 6) == 0 && tls->verify && tls->ca == NULL &&
	    !reader->judges->certificates())
		read_warn(
		    reader, member(group, "url"), path,
		    "no CA certificates found to verify the server: install ca-certificates, or set tls.ca or SSL_CERT_FILE");
}

void rule_http(struct reader *reader, config_setting_t *group, void *out, const char *path)
{
	const struct plan_http *http = out;
	regex_t regex;

	must_be_url(reader, group, path, http->url.value, &http->tls);
	if (is_here(reader, http->method) &&
	    (*http->method == '\0' || strspn(http->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != strlen(http->method)))
		report_at(reader, group, path, "method", "expected a method in capitals, such as \"POST\"");
	if (http->basic_password != NULL && http->basic_user == NULL)
		report_at(reader, group, path, "basic_password", "needs basic_user");
	if (http->basic_user != NULL && http->bearer != NULL)
		report_at(reader, group, path, "bearer", "cannot be sent together with basic_user");
	if (is_here(reader, http->matches)) {
		int error = regcomp(&regex, http->matches, REG_EXTENDED | REG_NOSUB);
		char why[128];
		if (error == 0) {
			regfree(&regex);
		} else {
			regerror(error, &regex, why, sizeof why);
			report_at(reader, group, path, "matches", why);
		}
	}
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
	if (is_here(reader, grpc->address) && strncmp(grpc->address, "unix:/", 6) != 0 && !is_host_and_port(grpc->address))
		report_at(reader, group, path, "address",
			  "expected \"host:port\" (IPv6 addresses in brackets) or \"unix:/path\"");
}

void rule_check(struct reader *reader, config_setting_t *group, void *out, const char *path)
{
	struct plan_check *check = out;
	int kind = exactly_one(reader, group, path, &names_check_kinds);

	if (kind >= 0)
		check->kind = (enum check_kind)kind;
	if (check->name != NULL && strlen(check->name) >= CHECK_NAME_MAX)
		report_at(reader, group, path, "name", "longer than 63 bytes");
	/* --probe distinguishes names from URLs by these */
	if (is_here(reader, check->name) && (*check->name == '\0' || strpbrk(check->name, ":/ \t\r\n") != NULL))
		report_at(reader, group, path, "name", "must not be empty or contain spaces, \":\" or \"/\"");
}

void rule_alert(struct reader *reader, config_setting_t *group, void *out, const char *path)
{
	const struct plan_alert *alert = out;

	must_be_url(reader, group, path, alert->url.value, &alert->tls);
}

void rule_wait(struct reader *reader, config_setting_t *group, void *out, const char *path)
{
	static const char *const words[] = {"exec", "http"};
	static const struct names kinds = {.words = words, .count = 2};

	(void)out;
	exactly_one(reader, group, path, &kinds);
}

void rule_step(struct reader *reader, config_setting_t *group, void *out, const char *path)
{
	struct step_text *text = out;
	struct plan_step *step = &text->step;
	int kind = exactly_one(reader, group, path, &names_step_kinds);

	if (kind < 0)
		return;
	step->kind = (enum step_kind)kind;
	bool sends = step->kind == STEP_EXEC || step->kind == STEP_HTTP || step->kind == STEP_ALERT;
	if (member(group, "retry") != NULL && !sends)
		report_at(reader, group, path, "retry",
			  "only for exec, http and alert; a wait step polls until its timeout anyway");
	if (step->idempotency_key && !sends)
		report_at(reader, group, path, "idempotency_key", "only for exec, http and alert");
	if (step->kind == STEP_SLEEP && step->timeout != MSEC_UNSET)
		report_at(reader, group, path, "timeout", "not allowed: a sleep step has its own duration");
	if (step->kind == STEP_STOP && step->timeout != MSEC_UNSET && text->stop.timeout != MSEC_UNSET)
		report_at(reader, group, path, "timeout", "already set in stop");
	if (step->name != NULL && *step->name == '\0')
		report_at(reader, group, path, "name", "must not be empty");
}

void rule_app(struct reader *reader, config_setting_t *group, void *out, const char *path)
{
	const struct plan_app *app = out;
	struct stat status;

	if (app->watchdog > 0 && !app->notify)
		report_at(reader, group, path, "watchdog", "requires notify = true");
	if (!is_here(reader, app->directory))
		return;
	if (stat(app->directory, &status) != 0)
		doubt_at(reader, group, path, "directory", strerror(errno));
	else if (!S_ISDIR(status.st_mode))
		doubt_at(reader, group, path, "directory", strerror(ENOTDIR));
}

void rule_root(struct reader *reader, config_setting_t *group, void *out, const char *path)
{
	const struct plan *plan = out;
	struct sockaddr_storage address;
	socklen_t length;

	if (is_here(reader, plan->listen) && !listen_address(plan->listen, &address, &length))
		report_at(reader, group, path, "listen",
			  "expected a numeric address and a port, such as \"0.0.0.0:9180\", \"[::]:9180\" or \":9180\"");
}
