/* The presets: how exchanges want their requests signed. */
#ifndef TINYSUP_CONFIG_SCHEMES_H
#define TINYSUP_CONFIG_SCHEMES_H

#include "config/names.h"
#include "config/plan_signer.h"

/* Their names, by preset; 0 has none. */
extern const struct names names_schemes;

/* preset: from 1 to names_schemes.count - 1. */
const struct plan_scheme *scheme_of(unsigned preset);

#endif
