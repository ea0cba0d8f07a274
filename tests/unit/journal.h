/* For tests of what is in init/journal. */
#ifndef TINYSUP_TESTS_UNIT_JOURNAL_H
#define TINYSUP_TESTS_UNIT_JOURNAL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/journal_body.h"

#endif
