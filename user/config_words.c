/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* [config_words], beside config_yaml: see config_words.h. */
#include "config_words.h"

#include <stdio.h>
#include <string.h>

#include "nearest.h"
#include "utf8.h"

enum { SHOWN = WORDS_SHOWN_BYTES - 4 }; /* and three dots */

const char *words_scalar(const char *text, size_t n, char out[WORDS_SHOWN_BYTES])
{
	size_t used = 0, bytes;

	while (used < n) {
		bytes = utf8_sequence(text + used, n - used);
		if (!bytes || used + bytes > SHOWN)
			break;
		memcpy(out + used, text + used, bytes);
		if ((unsigned char)out[used] < ' ' || out[used] == 0x7f)
			out[used] = '?';
		used += bytes;
	}
	snprintf(out + used, 4, "%s", used < n ? "..." : "");
	return out;
}

const char *words_keys(const struct config_mapping *mapping, enum config_need need, char *out, size_t size)
{
	size_t used = 0;

	*out = '\0';
	for (size_t i = 0; i < mapping->n && used < size; i++) {
		if (need && mapping->key[i].need != need)
			continue;
		used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", mapping->key[i].name);
	}
	return out;
}

const char *words_valid(const struct config_key *key, char out[WORDS_BYTES])
{
	char keys[WORDS_BYTES / 2];

	switch (key->kind) {
	case CONFIG_TEXT:
		snprintf(out, WORDS_BYTES, "a text of 1 to %zu bytes", key->size - 1);
		break;
	case CONFIG_NUMBER:
		snprintf(out, WORDS_BYTES, "a whole number from %u to %u", key->low, key->high);
		break;
	case CONFIG_DECIMAL:
		snprintf(out, WORDS_BYTES, "a number from 0 to %u with at most nine digits behind the point",
			 key->high);
		break;
	case CONFIG_PAIRS:
		snprintf(out, WORDS_BYTES, "a mapping of at most %u %s", key->high, key->elements);
		break;
	case CONFIG_MAPPING:
		snprintf(out, WORDS_BYTES, "a mapping with the keys %s",
			 words_keys(key->mapping, NEED_NOT, keys, sizeof(keys)));
		break;
	case CONFIG_LIST:
		snprintf(out, WORDS_BYTES, "a list of at most %u %s", key->high, key->elements);
		break;
	}
	return out;
}

const char *words_hint(const char *problem, const char *context)
{
	static const struct {
		const char *problem, *context, *hint;
	} rows[] = {
		{NULL, "alias", "; a pattern that starts with * needs quotes"},
		{NULL, "anchor", "; a text that starts with & needs quotes"},
		{"found character that cannot start any token", NULL,
		 "; indent with spaces, and put texts that start with %, @ or ` into quotes"},
		{"mapping values are not allowed", NULL, "; a text with ': ' in it needs quotes"},
		{NULL, "flow mapping", "; inside {} and [], texts with any of {}[], in them need quotes"},
		{NULL, "flow sequence", "; inside {} and [], texts with any of {}[], in them need quotes"},
		{"did not find expected key", NULL, "; keys of one mapping have the same indentation"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if ((!rows[i].problem || (problem && strstr(problem, rows[i].problem))) &&
		    (!rows[i].context || (context && strstr(context, rows[i].context))))
			return rows[i].hint;
	}
	return "";
}

const char *words_nearest(const struct config_mapping *mapping, const char *text)
{
	const char *names[CONFIG_MAX_KEYS];

	for (size_t i = 0; i < mapping->n; i++)
		names[i] = mapping->key[i].name;
	return nearest(text, names, mapping->n);
}
