/* What the writers of --emit share. Names are made safe in stanza.c; nothing else of the configuration's text is printed as it
 * is. */
#ifndef TINYSUP_CONFIG_EMIT_WRITERS_H
#define TINYSUP_CONFIG_EMIT_WRITERS_H

#include <stdio.h>

#include "config/plan.h"
#include "config/stanza.h"

typedef void emit_writer(const struct plan *plan, const struct stanza *stanza, FILE *to);

emit_writer emit_docker, emit_compose, emit_swarm; /* emit_docker.c */
emit_writer emit_kubernetes, emit_aca;             /* emit_kubernetes.c */
emit_writer emit_nomad;                            /* emit_nomad.c */

#define EMIT_ACA_GRACE 600 /* the reference names no maximum of the grace period: the service does */

/* Around a name in YAML: a quotation mark where it would be a truth value or nothing, else "". */
const char *emit_quote(const struct stanza *stanza);

/* A comment's line that says why the grace period is as long. */
void emit_why_grace(const struct plan *plan, const struct stanza *stanza, const char *indent, FILE *to);

/* The same for what depends on exit codes. */
void emit_exit_codes(const struct plan *plan, const char *indent, FILE *to);

/* The same for how long a failing liveness is left to tinysup; nothing if that is no time. */
void emit_why_busy(const struct plan *plan, const struct stanza *stanza, const char *indent, FILE *to);

/* The word after --probe=, and the path of the listener without its slash and its z: "live". */
const char *emit_probe_word(enum probe_kind kind);

/* What limits a start, for a comment. */
const char *emit_start_limit(const struct stanza *stanza);

/* Whether anything can fail liveness: a startup that has failed does, too. */
bool emit_any_liveness(const struct stanza *stanza);

/* Whether the configuration has any probe, READY=1 and WATCHDOG=1 included. */
bool emit_any_probe(const struct stanza *stanza);

#endif
