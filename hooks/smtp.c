#include "hooks/smtp.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "config/mailbox.h"
#include "hooks/answer.h"
#include "probes/clock.h"
#include "probes/connect.h"
#include "probes/failure.h"
#include "probes/tls.h"

#define REPLY_MAX 200
#define ANGLE_MAX 260 /* an address and its brackets */

/* What the callbacks share. */
struct transfer {
	const char *mail;
	size_t left;
	char refusal[REPLY_MAX]; /* the last reply of 4yz or 5yz */
	bool greeted;            /* the server has said anything */
};

static size_t on_read(char *to, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	size_t length = size * count < transfer->left ? size * count : transfer->left;

	memcpy(to, transfer->mail, length);
	transfer->mail += length;
	transfer->left -= length;
	return length;
}

/* Every line of the server's replies. */
static size_t on_reply(char *data, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	size_t length = size * count;

	transfer->greeted = true;
	if (length >= 3 && (*data == '4' || *data == '5'))
		snprintf(transfer->refusal, sizeof transfer->refusal, "%.*s", (int)length, data);
	return length;
}

static const char *bracketed(const char *text, char to[ANGLE_MAX])
{
	struct mailbox box;

	if (!mailbox_split(text, &box))
		return NULL;
	snprintf(to, ANGLE_MAX, "<%.*s>", (int)box.address_length, box.address);
	return to;
}

static bool set_envelope(CURL *easy, const struct plan_alert *alert, struct curl_slist **recipients)
{
	char address[ANGLE_MAX];
	int failed = 0;

	for (size_t i = 0; i < alert->to.count; i++) {
		const char *to = bracketed(alert->to.items[i], address);
		struct curl_slist *longer = to != NULL ? curl_slist_append(*recipients, to) : NULL;
		if (longer == NULL)
			return false;
		*recipients = longer;
	}
	const char *from = bracketed(alert->from, address);
	failed |= from == NULL || curl_easy_setopt(easy, CURLOPT_MAIL_FROM, from) != CURLE_OK;
	failed |= (int)curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, *recipients);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
	if (alert->user != NULL) {
		failed |= (int)curl_easy_setopt(easy, CURLOPT_USERNAME, alert->user);
		failed |= (int)curl_easy_setopt(easy, CURLOPT_PASSWORD, alert->password);
	}
	return !failed;
}

static bool set_transport(CURL *easy, const struct plan_alert *alert, struct transfer *transfer)
{
	int failed = 0;

	failed |= (int)curl_easy_setopt(easy, CURLOPT_URL, alert->url.value);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	failed |= (int)curl_easy_setopt(easy, CURLOPT_USE_SSL, (long)(alert->starttls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
	failed |= (int)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_reply);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)transfer->left);
	if (transfer->mail == NULL)
		failed |= (int)curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
	else
		failed |= (int)curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	return !failed;
}

static const char *stage(CURL *easy, const struct plan_alert *alert, const struct transfer *transfer)
{
	long port = 0;

	curl_easy_getinfo(easy, CURLINFO_LOCAL_PORT, &port);
	if (transfer->greeted)
		return "connected, no reply";
	return port > 0 && strncmp(alert->url.value, "smtp:", 5) == 0 ? "connected, no greeting" : connect_stage(easy);
}

static void explain(CURL *easy, CURLcode code, const struct plan_alert *alert, const struct transfer *transfer, msec_t timeout,
		    struct check_result *result)
{
	char words[REPLY_MAX - sizeof "smtp: "];

	answer_words(alert, transfer->refusal, words, sizeof words);
	if (code == CURLE_OPERATION_TIMEDOUT)
		failure_timeout(result, timeout, stage(easy, alert, transfer));
	else if (connect_failed(easy, code, result) || tls_failed(easy, code, result))
		return;
	else if (code == CURLE_USE_SSL_FAILED)
		result_fail(result, FAILURE_TLS, "tls: the server does not offer STARTTLS%s%s", *words ? ": " : "", words);
	else if (code == CURLE_OUT_OF_MEMORY || code == CURLE_FAILED_INIT)
		result_error(result, "smtp: %s", curl_easy_strerror(code));
	else if (*words != '\0')
		result_fail(result, *words == '4' ? FAILURE_PROTOCOL : FAILURE_REQUEST, "smtp: %s", words);
	else if (code == CURLE_LOGIN_DENIED)
		result_fail(result, FAILURE_REQUEST, "smtp: no way to log in that the server and tinysup both know");
	else
		result_fail(result, FAILURE_PROTOCOL, "smtp: %s", curl_easy_strerror(code));
}

/*
 * libcurl says QUIT and waits for the answer, for two minutes and whatever the time-out is. By then the server has taken the
 * mail: nothing is read any more, so there is nothing to wait for.
 */
static void stop_listening(CURL *easy)
{
	curl_socket_t fd = CURL_SOCKET_BAD;

	curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd);
	if (fd != CURL_SOCKET_BAD)
		shutdown(fd, SHUT_RD);
}

/* mail NULL: connects only. */
static void run(const struct plan_alert *alert, const char *mail, size_t length, msec_t timeout, struct check_result *result)
{
	struct transfer transfer = {.mail = mail, .left = length};
	struct curl_slist *recipients = NULL;
	int64_t started = clock_us();

	*result = (struct check_result){.retry_after = MSEC_UNSET};
	signal(SIGPIPE, SIG_IGN);
	CURL *easy = connect_new(timeout > 0 ? timeout : 1, result);
	if (easy == NULL)
		return;
	if (!set_transport(easy, alert, &transfer) || (mail != NULL && !set_envelope(easy, alert, &recipients))) {
		result_error(result, "libcurl rejected the mail");
	} else if (tls_setup(easy, &alert->tls, result)) {
		CURLcode code = curl_easy_perform(easy);
		if (code != CURLE_OK)
			explain(easy, code, alert, &transfer, timeout, result);
		else if (mail != NULL)
			snprintf(result->message, sizeof result->message, "accepted");
	}
	stop_listening(easy);
	result->sent = transfer.left < length;
	curl_easy_cleanup(easy);
	curl_slist_free_all(recipients);
	result->took_us = clock_us() - started;
}

void smtp_send(const struct plan_alert *alert, const char *mail, size_t length, msec_t timeout, struct check_result *result)
{
	run(alert, mail, length, timeout, result);
}

void smtp_connect(const struct plan_alert *alert, msec_t timeout, struct check_result *result)
{
	run(alert, NULL, 0, timeout, result);
}
