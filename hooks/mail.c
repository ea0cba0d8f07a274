#include "hooks/mail.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "config/encoding.h"
#include "config/mailbox.h"
#include "config/names.h"
#include "probes/clock.h"
#include "probes/utf8.h"

#define LINE_MAX_QUOTED 75 /* bytes of a line, without a soft break's "=" (RFC 2045, 6.7) */
#define WORD_BYTES      45 /* of an encoded word: 60 once in base64, 75 at most with what is around (RFC 2047, 2) */

static bool append(struct growing *to, const char *text)
{
	return growing_append(to, text, strlen(text));
}

/* Letters, digits, blanks and what is harmless in a phrase and a subject. */
static bool is_plain(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (!isalnum((unsigned char)text[i]) && (text[i] == '\0' || strchr(" -_+/!#$%&*", text[i]) == NULL))
			return false;
	}
	return length > 0 && length <= WORD_BYTES;
}

/* A text of a header: as it is, or in encoded words of whole characters. */
static bool append_encoded(struct growing *to, const char *text, size_t length)
{
	char word[ENCODING_ROOM(WORD_BYTES)];
	bool good = true, first = true;

	if (is_plain(text, length))
		return growing_append(to, text, length);
	while (good && length > 0) {
		size_t taken = 0;
		while (taken < length) {
			size_t character = utf8_length(text + taken, length - taken);
			if (taken + (character > 0 ? character : 1) > WORD_BYTES)
				break;
			taken += character > 0 ? character : 1;
		}
		encoding_write(ENCODING_BASE64, (const unsigned char *)text, taken, word);
		good = append(to, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?") && append(to, word) && append(to, "?=");
		text += taken;
		length -= taken;
		first = false;
	}
	return good;
}

static bool append_mailbox(struct growing *to, const char *text)
{
	struct mailbox box;

	if (!mailbox_split(text, &box))
		return true; /* the configuration has been checked */
	if (box.name_length > 0 && !(append_encoded(to, box.name, box.name_length) && append(to, " ")))
		return false;
	return append(to, "<") && growing_append(to, box.address, box.address_length) && append(to, ">");
}

static bool append_to(struct growing *to, const struct plan_names *recipients)
{
	bool good = append(to, "To: ");

	for (size_t i = 0; good && i < recipients->count; i++)
		good = (i == 0 || append(to, ",\r\n ")) && append_mailbox(to, recipients->items[i]);
	return good && append(to, "\r\n");
}

/* The sender's domain. */
static void append_domain(char *line, size_t size, const char *from)
{
	struct mailbox box;
	const char *at = mailbox_split(from, &box) ? memchr(box.address, '@', box.address_length) : NULL;
	size_t used = strlen(line);

	if (at != NULL)
		snprintf(line + used, size - used, "%.*s", (int)(box.address + box.address_length - at), at);
}

/* Each attempt has a message id of its own: two mails are better than none. */
static bool append_dates(struct growing *to, const struct message *message)
{
	time_t now = time(NULL);
	struct tm parts;
	char date[64], id[400];

	gmtime_r(&now, &parts);
	strftime(date, sizeof date, "Date: %a, %d %b %Y %H:%M:%S +0000\r\n", &parts);
	snprintf(id, sizeof id, "Message-ID: <tinysup.%.32s.%lld", message->report->shutdown_id, (long long)clock_us());
	append_domain(id, sizeof id, message->alert->from);
	return append(to, date) && append(to, id) && append(to, ">\r\n");
}

static bool append_subject(struct growing *to, const struct message *message)
{
	char subject[WORDING_HEAD_MAX + 32];
	int length = snprintf(subject, sizeof subject, "[%s] %s", name_of(&names_alert_levels, message->level), message->head);

	return append(to, "Subject: ") && append_encoded(to, subject, (size_t)length) && append(to, "\r\n");
}

/* Quoted-printable. */
static bool append_quoted(struct growing *to, const char *text)
{
	size_t column = 0;
	bool good = true;

	for (; good && *text != '\0'; text++) {
		char code[4] = {*text, '\0'};
		bool last = text[1] == '\n' || text[1] == '\0';
		if (*text == '\n') {
			good = append(to, "\r\n");
			column = 0;
			continue;
		}
		if ((unsigned char)*text >= 0x7f || *text == '=' || (*text < ' ' && *text != '\t') ||
		    ((*text == ' ' || *text == '\t') && last))
			snprintf(code, sizeof code, "=%02X", (unsigned)(unsigned char)*text);
		if (column + strlen(code) > LINE_MAX_QUOTED) {
			good = append(to, "=\r\n");
			column = 0;
		}
		good = good && append(to, code);
		column += strlen(code);
	}
	return good && append(to, "\r\n");
}

bool mail_write(struct growing *to, const struct message *message)
{
	bool urgent = message->level >= LEVEL_ERROR;

	return append(to, "From: ") && append_mailbox(to, message->alert->from) && append(to, "\r\n") &&
	       append_to(to, &message->alert->to) && append_subject(to, message) && append_dates(to, message) &&
	       append(to, urgent ? "Importance: high\r\n" : "") &&
	       append(to, "Auto-Submitted: auto-generated\r\n"
			  "MIME-Version: 1.0\r\n"
			  "Content-Type: text/plain; charset=utf-8\r\n"
			  "Content-Transfer-Encoding: quoted-printable\r\n\r\n") &&
	       append_quoted(to, message->text);
}
