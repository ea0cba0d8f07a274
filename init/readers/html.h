/* What is written into the listener's page. Every text that is not ours goes through html_text(). */
#ifndef TINYSUP_INIT_READERS_HTML_H
#define TINYSUP_INIT_READERS_HTML_H

#include <stdint.h>
#include <stdio.h>

#include "init/readers/paint.h"

/* Any text as content or as a quoted attribute's value, of HTML and of XML. */
void html_text(FILE *to, const char *text);

/* A class of the style: "good", "warn", "bad", "strong" or "plain". */
const char *html_class(enum tone tone);

/* A word in its tone's colour. */
void html_word(FILE *to, enum tone tone, const char *word);

/* A small drawing whose shape tells the tone, besides its colour; nothing for screen readers. */
void html_mark(FILE *to, enum tone tone);

/* <time>: "2026-11-20 03:12:07", UTC. */
void html_time(FILE *to, int64_t unix_ms);

/* Microseconds: "85 µs", "3.2 ms", "1.4 s". */
void html_latency(FILE *to, int64_t us);

/* A row of a list of terms: it begins, its content is written, it ends. */
void html_term(FILE *to, const char *term);
void html_term_end(FILE *to);

#endif
