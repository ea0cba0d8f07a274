/*
 * The words for every enum of the plan, in the configuration, logs, --status, metrics and --check. Tables use designated
 * initialisers, so the order of enumerators does not matter.
 */
#ifndef TINYSUP_CONFIG_NAMES_H
#define TINYSUP_CONFIG_NAMES_H

#include <stddef.h>

struct names {
	const char *const *words; /* by value; NULL: that value has no word */
	size_t count;
};

extern const struct names names_alert_levels, names_alert_types, names_check_kinds, names_log_formats, names_log_levels,
    names_on_failure, names_probe_modes, names_probes, names_reasons, names_restart_policies, names_retry_causes,
    names_step_states, names_exhausted, names_recovery_failures, names_when, names_signal_targets, names_step_kinds,
    names_unhealthy, names_digests, names_hash_digests, names_encodings, names_outputs, names_body_forms, names_nonce_units,
    names_notices, names_while, names_beat_failures;

/* The word of a value, which must have one. */
const char *name_of(const struct names *names, size_t value);

/* The value of a word; -1: there is none. */
int name_find(const struct names *names, const char *word);

#endif
