/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * config_text ──> [config_yaml] ──> config: YAML into a structure, strictly, by tables of keys. Knows no key itself.
 *
 * A value is what its key wants: for a text every scalar is a text. Anchors, aliases, tags and further documents are
 * refused. An empty mapping or list leaves the defaults. A decimal number becomes a __u64 in billionths. Pairs are a
 * mapping whose keys the user chooses: a list of structures of two texts.
 */
#ifndef TAPSTAT_CONFIG_YAML_H
#define TAPSTAT_CONFIG_YAML_H

#include <stddef.h>

#include "config_error.h"

enum config_kind { CONFIG_TEXT, CONFIG_NUMBER, CONFIG_DECIMAL, CONFIG_MAPPING, CONFIG_LIST, CONFIG_PAIRS };

/* Whether a key must be in its mapping; of those with NEED_ONE, at least one. */
enum config_need { NEED_NOT, NEED, NEED_ONE };

/* Looks at a text and may change it in place (`size` bytes with its NUL). 0, or -EINVAL and what is wrong and valid.
 */
typedef int config_check_fn(char *text, size_t size, char *why, size_t why_size);

/* The same of a mapping that was read without a mistake, and of what was read before it: the structure of the file.
 */
typedef int config_whole_fn(void *value, const void *file, char *why, size_t why_size);

struct config_mapping;

struct config_key {
	const char *name;
	enum config_kind kind;
	enum config_need need;
	size_t offset; /* of the value (a list: of the first element) in the structure of the mapping */
	size_t size;   /* text: bytes with its NUL, which short texts are filled up with; list, pairs: one element */
	config_check_fn *check;               /* of a text, or NULL */
	unsigned int low, high;               /* number, an unsigned int: its range; list: `high` elements at most */
	size_t count;                         /* list: offset of the number of elements, an unsigned int */
	const char *elements;                 /* list: what they are, in messages: "naming rules" */
	const struct config_mapping *mapping; /* mapping: its keys; pairs: that of a pair's name, that of its value */
	const struct config_key *element;     /* list: each element, at offset 0 */
};

enum { CONFIG_MAX_KEYS = 32 }; /* of one mapping */

struct config_mapping {
	const char *what; /* in messages: "a naming rule" */
	size_t n;
	const struct config_key *key;
	config_whole_fn *check; /* or NULL */
};

enum { PAIR_NAME, PAIR_VALUE }; /* keys of the mapping of CONFIG_PAIRS */

/*
 * Reads the text (n bytes) over the structure `out`. 0; or -EINVAL (-ENOMEM) with *out partly written and every
 * mistake in `why`: malformed YAML ends the reading, others do not.
 */
int config_yaml_parse(const char *text, size_t n, const struct config_mapping *root, void *out,
		      struct config_error *why);

#endif
