/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* [config_words], beside config_yaml: what its messages say of values and keys. Pure functions. */
#ifndef TAPSTAT_CONFIG_WORDS_H
#define TAPSTAT_CONFIG_WORDS_H

#include <stddef.h>

#include "config_yaml.h"

enum { WORDS_BYTES = 192, WORDS_SHOWN_BYTES = 52 };

/* A scalar (n bytes of UTF-8) as it may stand in a message: short and printable. Returns `out`. */
const char *words_scalar(const char *text, size_t n, char out[WORDS_SHOWN_BYTES]);

/* What is valid for the key. Returns `out`. */
const char *words_valid(const struct config_key *key, char out[WORDS_BYTES]);

/* The keys with this need (NEED_NOT: all), with commas. Returns `out`. */
const char *words_keys(const struct config_mapping *mapping, enum config_need need, char *out, size_t size);

/* The key that somebody meant, or NULL. */
const char *words_nearest(const struct config_mapping *mapping, const char *text);

/* What to do about malformed YAML of which libyaml says this (both may be NULL); an empty text if it is not known. */
const char *words_hint(const char *problem, const char *context);

#endif
