/* The addresses of mail: "ops@example.com" or "Ops <ops@example.com>". Pure. */
#ifndef TINYSUP_CONFIG_MAILBOX_H
#define TINYSUP_CONFIG_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>

/* Both point into the text. */
struct mailbox {
	const char *name; /* any bytes but control characters; without the quotes around it */
	size_t name_length;
	const char *address; /* visible ASCII that needs no quoting */
	size_t address_length;
};

/* False if it is not one. */
bool mailbox_split(const char *text, struct mailbox *out);

#endif
