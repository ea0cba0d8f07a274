/* What is wrong with an http or https URL, as far as one sees without libcurl, which process 1 never calls. */
#ifndef TINYSUP_CONFIG_URL_H
#define TINYSUP_CONFIG_URL_H

/* NULL: nothing; else a phrase that completes "wants an address ...": it never holds a part of the URL. */
const char *url_wrong(const char *url);

#endif
