#include "config/channels.h"

#include <stdio.h>
#include <string.h>

#include "config/alert_text.h"
#include "config/mailbox.h"
#include "config/read_list.h"
#include "config/rules.h"

enum setting { URL, TOKEN, CHAT_ID, ROUTING_KEY, TOPIC, FROM, TO, USER, PASSWORD, STARTTLS, LABELS, HEADERS, SETTINGS };

static const char *const settings[SETTINGS] = {
    [URL] = "url",           [TOKEN] = "token",       [CHAT_ID] = "chat_id", [ROUTING_KEY] = "routing_key",
    [TOPIC] = "topic",       [FROM] = "from",         [TO] = "to",           [USER] = "user",
    [PASSWORD] = "password", [STARTTLS] = "starttls", [LABELS] = "labels",   [HEADERS] = "headers",
};

#define _(setting) (1u << (setting))

/* The settings of each type. url: the default. */
static const struct channel {
	const char *url;
	unsigned needs, takes;
} channels[] = {
    [ALERT_SLACK] = {.needs = _(URL), .takes = _(HEADERS)},
    [ALERT_DISCORD] = {.needs = _(URL), .takes = _(HEADERS)},
    [ALERT_TELEGRAM] = {.url = "https://api.telegram.org", .needs = _(TOKEN) | _(CHAT_ID), .takes = _(URL) | _(HEADERS)},
    [ALERT_EMAIL] = {.needs = _(URL) | _(FROM) | _(TO), .takes = _(USER) | _(PASSWORD) | _(STARTTLS)},
    [ALERT_PAGERDUTY] = {.url = "https://events.pagerduty.com", .needs = _(ROUTING_KEY), .takes = _(URL) | _(HEADERS)},
    [ALERT_NTFY] = {.url = "https://ntfy.sh", .needs = _(TOPIC), .takes = _(URL) | _(TOKEN) | _(HEADERS)},
    [ALERT_ALERTMANAGER] = {.needs = _(URL), .takes = _(LABELS) | _(HEADERS)},
    [ALERT_WEBHOOK] = {.needs = _(URL), .takes = _(HEADERS)},
};

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define DIGITS  "0123456789"

static void check_settings(struct reader *reader, config_setting_t *group, enum alert_type type, const char *path)
{
	const char *word = name_of(&names_alert_types, type);
	char what[64];

	for (int i = 0; i < SETTINGS; i++) {
		bool given = read_member(group, settings[i]) != NULL;
		if (!given && (channels[type].needs & _(i)) != 0)
			snprintf(what, sizeof what, "must be set for %s", word);
		else if (given && ((channels[type].needs | channels[type].takes) & _(i)) == 0)
			snprintf(what, sizeof what, "not for %s", word);
		else
			continue;
		rules_report(reader, group, path, settings[i], what);
	}
}

static bool is_made_of(const char *text, const char *bytes)
{
	return *text != '\0' && strspn(text, bytes) == strlen(text);
}

static bool is_chat(const char *text)
{
	return *text == '@' ? is_made_of(text + 1, LETTERS DIGITS) : is_made_of(text + (*text == '-'), DIGITS);
}

static void check_strings(struct reader *reader, config_setting_t *group, const struct plan_alert *alert, const char *path)
{
	/* a part of a URL, or of a header */
	if (rules_is_here(reader, alert->token) && !is_made_of(alert->token, LETTERS DIGITS "-:.=~+"))
		rules_report(reader, group, path, "token", "expected letters, digits and \"-_:.=~+\"");
	if (rules_is_here(reader, alert->chat_id) && !is_chat(alert->chat_id))
		rules_report(reader, group, path, "chat_id", "expected a number such as \"-1001234567890\" or \"@channel\"");
	if (rules_is_here(reader, alert->routing_key) &&
	    (!is_made_of(alert->routing_key, LETTERS DIGITS) || strlen(alert->routing_key) != 32))
		rules_report(reader, group, path, "routing_key", "expected the 32 letters and digits of an integration key");
	if (rules_is_here(reader, alert->topic) && (!is_made_of(alert->topic, LETTERS DIGITS "-") || strlen(alert->topic) > 64))
		rules_report(reader, group, path, "topic", "expected 1 to 64 letters, digits, \"-\" and \"_\"");
	for (size_t i = 0; i < alert->labels.count; i++) {
		const char *name = alert->labels.items[i].name;
		if (name != NULL && (!is_made_of(name, LETTERS DIGITS) || strchr(DIGITS, *name) != NULL))
			rules_report(reader, group, path, "labels", "the name of a label is made of letters, digits and \"_\"");
	}
}

static void check_mail(struct reader *reader, config_setting_t *group, const struct plan_alert *alert, const char *path)
{
	static const char expected[] = "expected an address such as \"ops@example.com\" or \"Ops <ops@example.com>\"";
	const char *url = alert->url.value;
	struct mailbox box;

	if (rules_is_here(reader, alert->from) && !mailbox_split(alert->from, &box))
		rules_report(reader, group, path, "from", expected);
	if (read_member(group, "to") != NULL && alert->to.count == 0)
		rules_report(reader, group, path, "to", expected);
	for (size_t i = 0; i < alert->to.count; i++)
		if (rules_is_here(reader, alert->to.items[i]) && !mailbox_split(alert->to.items[i], &box))
			rules_report(reader, group, path, "to", expected);
	if (alert->tls.server_name != NULL)
		rules_report(reader, group, path, "tls", "server_name is not for email");
	if ((alert->user == NULL) != (alert->password == NULL))
		rules_report(reader, group, path, alert->user == NULL ? "password" : "user", "user and password go together");
	if (alert->password != NULL && !alert->starttls && rules_is_here(reader, url) && strncmp(url, "smtps:", 6) != 0)
		rules_report(reader, group, path, "starttls", "must be true: the password would be sent in clear text");
}

/* A type that is not one has been reported. */
static bool is_known(const config_setting_t *group)
{
	const config_setting_t *type = read_member(group, "type");
	const char *word = type != NULL ? config_setting_get_string(type) : NULL;

	return word != NULL && (strstr(word, "${") != NULL || name_find(&names_alert_types, word) >= 0);
}

void rule_alert(struct reader *reader, config_setting_t *group, void *out, const char *path)
{
	struct plan_alert *alert = out;
	bool mail = alert->type == ALERT_EMAIL;

	if (!is_known(group))
		return;
	check_settings(reader, group, alert->type, path);
	if (read_member(group, "on") != NULL)
		alert->on |= NOTICE_OWN;
	check_strings(reader, group, alert, path);
	if (alert->url.value == NULL)
		alert->url.value = alert->url.shown = channels[alert->type].url;
	rules_url(reader, group, path, alert->url.value, mail ? (alert->starttls ? URL_STARTTLS : URL_MAIL) : URL_HTTP,
		  &alert->tls);
	if (mail)
		check_mail(reader, group, alert, path);
}

void channels_read_text(struct reader *reader, const config_setting_t *setting, const char **out, const char *path)
{
	char why[256];

	if (config_setting_type(setting) != CONFIG_TYPE_STRING)
		read_error(reader, setting, path, "expected a string in quotes, got %s", read_type_name(setting));
	else if (!alert_text_is_valid(config_setting_get_string(setting), why))
		read_error(reader, setting, path, "%s", why);
	else
		*out = arena_strdup(reader->arena, config_setting_get_string(setting));
}

void channels_settle(struct reader *reader, const config_setting_t *notify_on, struct plan *plan)
{
	if (notify_on != NULL && plan->alerts.count == 0)
		read_error(reader, notify_on, "notify_on", "there is no channel in `alerts`");
	for (size_t i = 0; i < plan->alerts.count; i++)
		plan->notifies |= ((plan->alerts.items[i].on | plan->notify_on) & ~NOTICE_OWN) != 0;
}
