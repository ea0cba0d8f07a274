/* An alert as a mail (RFC 5322): plain text in UTF-8, sent as ASCII. */
#ifndef TINYSUP_HOOKS_MAIL_H
#define TINYSUP_HOOKS_MAIL_H

#include "config/growing.h"
#include "hooks/wording.h"

/* Appends the whole mail, in lines that end in CRLF. A line may begin with a dot: libcurl doubles it. False without memory. */
bool mail_write(struct growing *to, const struct message *message);

#endif
