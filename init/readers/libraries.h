/* The libraries that tinysup was built with, for --version. */
#ifndef TINYSUP_INIT_READERS_LIBRARIES_H
#define TINYSUP_INIT_READERS_LIBRARIES_H

#include <stdio.h>

/* A line each. */
void libraries_print(FILE *to);

#endif
