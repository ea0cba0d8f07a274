/* --request: one request as a step would make it, for scripts in images without curl. */
#ifndef TINYSUP_INIT_REQUEST_H
#define TINYSUP_INIT_REQUEST_H

#include "init/options.h"

/* Prints the response's body. Returns the exit code: 0 if the request succeeded. */
int request_main(const struct options *options);

#endif
