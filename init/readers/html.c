#include "init/readers/html.h"

#include <inttypes.h>

#include "init/readers/history.h"

static const char *escape_of(unsigned char byte)
{
	switch (byte) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return byte < ' ' || byte == 0x7f ? "?" : NULL;
	}
}

void html_text(FILE *to, const char *text)
{
	for (; *text != '\0'; text++) {
		const char *escape = escape_of((unsigned char)*text);
		if (escape != NULL)
			fputs(escape, to);
		else
			fputc(*text, to);
	}
}

const char *html_class(enum tone tone)
{
	static const char *const classes[] = {[TONE_PLAIN] = "plain",
					      [TONE_GOOD] = "good",
					      [TONE_WARNING] = "warn",
					      [TONE_BAD] = "bad",
					      [TONE_STRONG] = "strong"};

	return classes[tone];
}

void html_word(FILE *to, enum tone tone, const char *word)
{
	fprintf(to, "<span class=\"%s\">", html_class(tone));
	html_text(to, word);
	fputs("</span>", to);
}

void html_mark(FILE *to, enum tone tone)
{
	static const char *const shapes[] = {
	    [TONE_PLAIN] = "<circle cx=\"8\" cy=\"8\" r=\"6\" class=\"line\"/>",
	    [TONE_GOOD] = "<circle cx=\"8\" cy=\"8\" r=\"8\"/><path class=\"sign\" d=\"M4.5 8.5l2.5 2.5 4.5-5\"/>",
	    [TONE_WARNING] = "<path d=\"M8 0l8 15H0z\"/><path class=\"sign\" d=\"M8 5v5M8 12v1\"/>",
	    [TONE_BAD] = "<rect width=\"16\" height=\"16\" rx=\"3\"/><path class=\"sign\" d=\"M5 5l6 6M11 5l-6 6\"/>",
	    [TONE_STRONG] = "<circle cx=\"8\" cy=\"8\" r=\"8\"/><path class=\"sign\" d=\"M6 4.5l5 3.5-5 3.5z\"/>",
	};

	fprintf(to, "<svg class=\"mark %s\" viewBox=\"0 0 16 16\" aria-hidden=\"true\">%s</svg>", html_class(tone),
		shapes[tone]);
}

void html_time(FILE *to, int64_t unix_ms)
{
	char time[HISTORY_TIME];

	history_time(unix_ms, time);
	fprintf(to, "<time datetime=\"%s\">%.10s %.8s</time>", time, time, time + 11);
}

void html_latency(FILE *to, int64_t us)
{
	if (us < 1000)
		fprintf(to, "%" PRId64 " µs", us);
	else if (us < 10000)
		fprintf(to, "%.1f ms", (double)us / 1000);
	else if (us < 1000000)
		fprintf(to, "%.0f ms", (double)us / 1000);
	else
		fprintf(to, "%.1f s", (double)us / 1e6);
}

void html_term(FILE *to, const char *term)
{
	fprintf(to, "<div><dt>%s</dt><dd>", term);
}

void html_term_end(FILE *to)
{
	fputs("</dd></div>\n", to);
}
