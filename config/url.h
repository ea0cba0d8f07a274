/* Validates URLs without libcurl, which process 1 never calls. */
#ifndef TINYSUP_CONFIG_URL_H
#define TINYSUP_CONFIG_URL_H

#include <stdbool.h>

/* NULL if valid; else a phrase that completes "expected a URL ...", without parts of the URL. */
const char *url_wrong(const char *url);

/* A method in capitals. */
bool method_is_valid(const char *method);

/* The same for smtp and smtps. */
const char *url_wrong_mail(const char *url);

#endif
