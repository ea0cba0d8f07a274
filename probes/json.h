/*
 * Assertions on a JSON body. Pointers are RFC 6901; "" is the whole document. Behind a `*` (json_pointer.h) an assertion holds
 * if it holds of every member, so where there is none, too.
 *
 * A body that is not JSON is FAILURE_JSON, and so is what parsers disagree on: duplicate keys, invalid UTF-8, NaN, nesting
 * deeper than JSON_DEPTH_MAX. Numbers are compared as doubles.
 */
#ifndef TINYSUP_PROBES_JSON_H
#define TINYSUP_PROBES_JSON_H

#include <stddef.h>

#include "probes/result.h"

#define JSON_DEPTH_MAX 64

/*
 * True where all assertions hold; then `result` is left as it was. Otherwise the message names the pointer and the operator,
 * never the value found. `now_unix`: seconds since 1970, for age_below, which takes Unix seconds, Unix milliseconds (a number
 * over 1e11) or RFC 3339; too old is FAILURE_AGE, and so is a time in the future by more than age_below and 5 s.
 * No assertions: the body may be anything.
 */
bool json_check(const struct plan_jsons *asserted, const char *body, size_t length, double now_unix,
		struct check_result *result);

/* The first of these lists of which any assertion holds, behind a `*` of any member; -1: none, or the body is not JSON. */
int json_first(const struct plan_jsons *lists, size_t count, const char *body, size_t length, double now_unix);

/*
 * The strings and numbers that are found where one of these assertions holds, behind a `*` the first one, joined by blanks. As
 * the body has them: they may be long, or hold anything. malloc()ed; NULL: none.
 */
char *json_say(const struct plan_jsons *wanted, const char *body, size_t length, double now_unix);

#endif
