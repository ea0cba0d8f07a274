/*
 * Where a JSON pointer leads (RFC 6901; "" is the whole document). A part that is `*` is every member of the array or object
 * there.
 */
#ifndef TINYSUP_PROBES_JSON_POINTER_H
#define TINYSUP_PROBES_JSON_POINTER_H

#include <jansson.h>
#include <stdbool.h>

/* found: NULL where there is no such value. False: no further ones are wanted. */
typedef bool json_visit(void *context, json_t *found);

/*
 * Visits what the pointer leads to: one value, or NULL; behind a `*` one for each member, none for an empty array or object,
 * and NULL for anything else. False: the pointer is malformed, or there is no memory.
 */
bool json_follow(json_t *root, const char *pointer, json_visit *visit, void *context);

#endif
