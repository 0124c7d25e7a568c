/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * config_text ──> [config_yaml] ──> config: see config_yaml.h.
 *
 * The functions that read a value begin with its first event as the current one and end with its last.
 */
#include "config_yaml.h"

#include <errno.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "config_text.h"
#include "config_words.h"

enum { MAX_DEPTH = 64, DECIMAL_DIGITS = 9 }; /* of what is skipped, no schema is as deep; behind the point */

struct reader {
	yaml_parser_t parser;
	yaml_event_t event; /* the current one */
	bool ended;         /* by malformed YAML or lack of memory; there are no more events */
	const void *file;   /* the structure of it all */
	struct config_error *why;
};

/* ---- Messages ------------------------------------------------------------------------------------------------- */

#define mistake(r, mark, ...) \
	config_error_add((r)->why, (unsigned int)(mark).line + 1, (unsigned int)(mark).column + 1, __VA_ARGS__)

static void report_malformed(struct reader *r)
{
	const yaml_parser_t *parser = &r->parser;

	if (parser->error == YAML_MEMORY_ERROR)
		config_error_add(r->why, 0, 0, "cannot read it: out of memory");
	else
		mistake(r, parser->problem_mark, "malformed YAML: %s%s%s%s",
			parser->problem ? parser->problem : "unreadable", parser->context ? " " : "",
			parser->context ? parser->context : "", words_hint(parser->problem, parser->context));
}

/* ---- Events --------------------------------------------------------------------------------------------------- */

/* False: there is none any more. */
static bool next(struct reader *r)
{
	yaml_event_delete(&r->event);
	if (r->ended)
		return false;
	if (yaml_parser_parse(&r->parser, &r->event))
		return true;
	report_malformed(r);
	r->ended = true;
	return false;
}

static void skip(struct reader *r)
{
	unsigned int depth = 0;

	do {
		if (r->event.type == YAML_MAPPING_START_EVENT || r->event.type == YAML_SEQUENCE_START_EVENT)
			depth++;
		else if (r->event.type == YAML_MAPPING_END_EVENT || r->event.type == YAML_SEQUENCE_END_EVENT)
			depth--;
		if (depth > MAX_DEPTH) {
			mistake(r, r->event.start_mark, "more than %d levels: valid are fewer", MAX_DEPTH);
			r->ended = true;
		}
	} while (depth && next(r));
}

/* Anchors, aliases and tags are mistakes; what they belong to is looked at all the same. */
static void refuse_properties(struct reader *r)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	switch (r->event.type) {
	case YAML_ALIAS_EVENT:
		mistake(r, r->event.start_mark,
			"aliases (*%s) are not supported: valid is the value itself; a pattern that starts with * "
			"needs quotes",
			r->event.data.alias.anchor);
		return;
	case YAML_SCALAR_EVENT:
		anchor = r->event.data.scalar.anchor;
		tag = r->event.data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = r->event.data.sequence_start.anchor;
		tag = r->event.data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = r->event.data.mapping_start.anchor;
		tag = r->event.data.mapping_start.tag;
		break;
	default:
		break;
	}
	if (anchor)
		mistake(r, r->event.start_mark,
			"anchors (&%s) are not supported: valid is the value alone; a text that starts with & needs "
			"quotes",
			anchor);
	if (tag)
		mistake(r, r->event.start_mark,
			"tags are not supported: valid is the value alone; a text that starts with ! needs quotes");
}

static bool is_plain(const yaml_event_t *event)
{
	return event->type == YAML_SCALAR_EVENT && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

/* No value at all, or one of YAML's words for it. */
static bool is_null(const yaml_event_t *event)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};

	for (size_t i = 0; is_plain(event) && i < sizeof(words) / sizeof(*words); i++) {
		if (!strcmp((const char *)event->data.scalar.value, words[i]))
			return true;
	}
	return false;
}

static const char *found(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_MAPPING_START_EVENT:
		return "is a mapping";
	case YAML_SEQUENCE_START_EVENT:
		return "is a list";
	default:
		return is_null(event) ? "has no value" : "is a text";
	}
}

/* ---- Values --------------------------------------------------------------------------------------------------- */

/* Whether a mapping or list may have no value at all: as that of a key, not as the element of a list. */
enum emptiness { REFUSE_EMPTY, ALLOW_EMPTY };

static void read_value(struct reader *r, const struct config_key *key, char *base, enum emptiness emptiness);

static void read_text(struct reader *r, const struct config_key *key, char *out)
{
	const char *text = (const char *)r->event.data.scalar.value;
	size_t n = r->event.data.scalar.length;
	char may_be[WORDS_BYTES], why[CONFIG_MISTAKE_BYTES / 2], value[WORDS_SHOWN_BYTES];

	if (!n || n >= key->size) {
		mistake(r, r->event.start_mark, "%s: %s: valid is %s", key->name, n ? "is too long" : "is empty",
			words_valid(key, may_be));
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
			mistake(r, r->event.start_mark, "%s: holds a control character: valid is %s without any",
				key->name, words_valid(key, may_be));
			return;
		}
	}
	memcpy(out, text, n);
	if (key->check && key->check(out, key->size, why, sizeof(why)))
		mistake(r, r->event.start_mark, "%s: '%s' %s", key->name,
			words_scalar((const char *)r->event.data.scalar.value, r->event.data.scalar.length, value),
			why);
}

/* Decimal digits only: 010, 0x10 and 1_000 are numbers to YAML 1.1, and not the ones that people expect. */
static void read_number(struct reader *r, const struct config_key *key, unsigned int *out)
{
	const char *text = (const char *)r->event.data.scalar.value;
	size_t n = strspn(text, "0123456789");
	char may_be[WORDS_BYTES], value[WORDS_SHOWN_BYTES];
	unsigned long number = 0;
	const char *wrong = NULL;

	for (size_t i = 0; i < n && number <= key->high; i++)
		number = number * 10 + (unsigned long)(text[i] - '0');
	if (!is_plain(&r->event))
		wrong = "is a text";
	else if (!n || text[n])
		wrong = "is no whole number";
	else if (n > 1 && *text == '0')
		wrong = "starts with 0";
	else if (number < key->low || number > key->high)
		wrong = "is out of range";
	if (wrong) {
		mistake(r, r->event.start_mark, "%s: '%s' %s: valid is %s", key->name,
			words_scalar(text, r->event.data.scalar.length, value), wrong, words_valid(key, may_be));
		return;
	}
	*out = (unsigned int)number;
}

/* Digits, perhaps with a point and at most nine behind it. */
static void read_decimal(struct reader *r, const struct config_key *key, __u64 *out)
{
	const char *text = (const char *)r->event.data.scalar.value;
	size_t whole = strspn(text, "0123456789"), behind = 0;
	char may_be[WORDS_BYTES], value[WORDS_SHOWN_BYTES];
	__u64 number = 0;

	if (text[whole] == '.')
		behind = strspn(text + whole + 1, "0123456789");
	for (size_t i = 0; i < whole && number <= key->high; i++)
		number = number * 10 + (__u64)(text[i] - '0');
	if (!is_plain(&r->event) || !whole || text[whole + (behind ? behind + 1 : 0)] || behind > DECIMAL_DIGITS ||
	    number > key->high) {
		mistake(r, r->event.start_mark, "%s: '%s' is out of range or no decimal number: valid is %s",
			key->name, words_scalar(text, r->event.data.scalar.length, value), words_valid(key, may_be));
		return;
	}
	for (size_t i = 0; i < DECIMAL_DIGITS; i++)
		number = number * 10 + (i < behind ? (__u64)(text[whole + 1 + i] - '0') : 0);
	*out = number;
}

static void report_one_too_many(struct reader *r, const struct config_key *key)
{
	char may_be[WORDS_BYTES];

	mistake(r, r->event.start_mark, "%s: one too many: valid is %s", key->name, words_valid(key, may_be));
}

static void read_list(struct reader *r, const struct config_key *key, char *base)
{
	unsigned int *count = (unsigned int *)(base + key->count);
	bool told = false;

	while (next(r) && r->event.type != YAML_SEQUENCE_END_EVENT) {
		if (*count == key->high) {
			if (!told)
				report_one_too_many(r, key);
			told = true;
			skip(r);
			continue;
		}
		read_value(r, key->element, base + key->offset + *count * key->size, REFUSE_EMPTY);
		++*count;
	}
}

/* One pair after the other, as elements of a list. A name that stands twice is a mistake. */
static void read_pairs(struct reader *r, const struct config_key *key, char *base)
{
	const struct config_key *name = &key->mapping->key[PAIR_NAME], *value = &key->mapping->key[PAIR_VALUE];
	unsigned int *count = (unsigned int *)(base + key->count);
	char *first = base + key->offset;

	while (next(r) && r->event.type != YAML_MAPPING_END_EVENT) {
		char *pair = first + *count * key->size;

		if (*count == key->high) {
			report_one_too_many(r, key);
			skip(r);
			if (next(r))
				skip(r);
			continue;
		}
		read_value(r, name, pair, REFUSE_EMPTY);
		for (unsigned int i = 0; i < *count; i++)
			if (pair[name->offset] && !strcmp(first + i * key->size + name->offset, pair + name->offset))
				mistake(r, r->event.start_mark, "%s: '%s' stands twice: valid is once", key->name,
					pair + name->offset);
		if (!next(r))
			return;
		read_value(r, value, pair, REFUSE_EMPTY);
		++*count;
	}
}

static void report_unknown(struct reader *r, const struct config_mapping *mapping)
{
	const char *text = (const char *)r->event.data.scalar.value, *meant = words_nearest(mapping, text);
	char value[WORDS_SHOWN_BYTES], keys[WORDS_BYTES];

	mistake(r, r->event.start_mark, "unknown key '%s'%s%s%s: valid in %s are %s",
		words_scalar(text, r->event.data.scalar.length, value), meant ? ", perhaps '" : "",
		meant ? meant : "", meant ? "'" : "", mapping->what,
		words_keys(mapping, NEED_NOT, keys, sizeof(keys)));
}

/* The row of the current event; NULL: it is none that can be used, and the mistake is reported. */
static const struct config_key *find_key(struct reader *r, const struct config_mapping *mapping,
					 unsigned int line_of[CONFIG_MAX_KEYS])
{
	refuse_properties(r);
	if (r->event.type != YAML_SCALAR_EVENT) {
		if (r->event.type != YAML_ALIAS_EVENT)
			mistake(r, r->event.start_mark, "a key %s: valid is the name of one", found(&r->event));
		return NULL;
	}
	for (size_t i = 0; i < mapping->n; i++) {
		const struct config_key *key = &mapping->key[i];

		if (r->event.data.scalar.length != strlen(key->name) ||
		    strcmp((const char *)r->event.data.scalar.value, key->name) != 0)
			continue;
		if (line_of[i]) {
			mistake(r, r->event.start_mark, "duplicate key '%s': valid is one, and line %u has it",
				key->name, line_of[i]);
			return NULL;
		}
		line_of[i] = (unsigned int)r->event.start_mark.line + 1;
		return key;
	}
	report_unknown(r, mapping);
	return NULL;
}

static void report_missing(struct reader *r, const struct config_mapping *mapping, yaml_mark_t mark,
			   const unsigned int line_of[CONFIG_MAX_KEYS])
{
	bool one_needed = false, one_found = false;
	char keys[WORDS_BYTES];

	for (size_t i = 0; i < mapping->n; i++) {
		const struct config_key *key = &mapping->key[i];

		if (key->need == NEED && !line_of[i])
			mistake(r, mark, "'%s' is missing: %s needs it", key->name, mapping->what);
		one_needed |= key->need == NEED_ONE;
		one_found |= key->need == NEED_ONE && line_of[i];
	}
	if (one_needed && !one_found)
		mistake(r, mark, "%s needs at least one of %s", mapping->what,
			words_keys(mapping, NEED_ONE, keys, sizeof(keys)));
}

static void read_mapping(struct reader *r, const struct config_mapping *mapping, char *base)
{
	unsigned int line_of[CONFIG_MAX_KEYS] = {0};
	yaml_mark_t mark = r->event.start_mark;
	size_t before = r->why->found;
	char why[CONFIG_MISTAKE_BYTES / 2];

	while (next(r) && r->event.type != YAML_MAPPING_END_EVENT) {
		const struct config_key *key = find_key(r, mapping, line_of);

		skip(r); /* nothing, behind a key that is a scalar */
		if (!next(r))
			break;
		if (key)
			read_value(r, key, base, ALLOW_EMPTY);
		else
			skip(r);
	}
	if (r->ended)
		return;
	report_missing(r, mapping, mark, line_of);
	if (mapping->check && r->why->found == before && mapping->check(base, r->file, why, sizeof(why)))
		mistake(r, mark, "%s", why);
}

static bool is_of_kind(const yaml_event_t *event, enum config_kind kind)
{
	if (kind == CONFIG_MAPPING || kind == CONFIG_PAIRS)
		return event->type == YAML_MAPPING_START_EVENT;
	if (kind == CONFIG_LIST)
		return event->type == YAML_SEQUENCE_START_EVENT;
	return event->type == YAML_SCALAR_EVENT && !is_null(event);
}

static void read_value(struct reader *r, const struct config_key *key, char *base, enum emptiness emptiness)
{
	char may_be[WORDS_BYTES];

	refuse_properties(r);
	if (r->event.type == YAML_ALIAS_EVENT)
		return;
	if (!is_of_kind(&r->event, key->kind)) {
		/* A section whose lines are all comments. */
		if (emptiness == ALLOW_EMPTY && is_null(&r->event) &&
		    (key->kind == CONFIG_MAPPING || key->kind == CONFIG_LIST || key->kind == CONFIG_PAIRS))
			return;
		mistake(r, r->event.start_mark, "%s: %s: valid is %s", key->name, found(&r->event),
			words_valid(key, may_be));
		skip(r);
		return;
	}
	switch (key->kind) {
	case CONFIG_TEXT:
		read_text(r, key, base + key->offset);
		break;
	case CONFIG_NUMBER:
		read_number(r, key, (unsigned int *)(base + key->offset));
		break;
	case CONFIG_DECIMAL:
		read_decimal(r, key, (__u64 *)(base + key->offset));
		break;
	case CONFIG_MAPPING:
		read_mapping(r, key->mapping, base + key->offset);
		break;
	case CONFIG_PAIRS:
		read_pairs(r, key, base);
		break;
	case CONFIG_LIST:
		read_list(r, key, base);
		break;
	}
}

/* ---- The file ------------------------------------------------------------------------------------------------- */

static void read_stream(struct reader *r, const struct config_mapping *root, char *out)
{
	const struct config_key file = {.name = root->what, .kind = CONFIG_MAPPING, .mapping = root};
	bool read = false;

	while (next(r) && r->event.type != YAML_STREAM_END_EVENT) {
		if (r->event.type != YAML_DOCUMENT_START_EVENT)
			continue;
		if (read) {
			mistake(r, r->event.start_mark, "a second document: valid is one");
			return;
		}
		read = true;
		if (next(r))
			read_value(r, &file, out, ALLOW_EMPTY);
	}
}

int config_yaml_parse(const char *text, size_t n, const struct config_mapping *root, void *out,
		      struct config_error *why)
{
	struct reader r = {.why = why, .file = out};
	size_t mark = config_text_mark(text, n), before = why->found;

	if (config_text_check(text, n, why))
		return -EINVAL;
	if (!yaml_parser_initialize(&r.parser)) {
		config_error_add(why, 0, 0, "cannot read it: out of memory");
		return -ENOMEM;
	}
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text + mark, n - mark);
	read_stream(&r, root, out);
	yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	return why->found > before ? -EINVAL : 0;
}
