// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* config ──> [probe_terms] ──> probes: see probe_terms.h. */
#include "probe_terms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char *skip_spaces(const char *text)
{
	return text + strspn(text, " ");
}

/* ---- Numbers -------------------------------------------------------------------------------------------------- */

int probe_number_parse(const char *text, __s64 *out)
{
	const char *digits = text + (*text == '-');
	bool is_hexadecimal = digits[0] == '0' && digits[1] == 'x';
	const char *first = digits + (is_hexadecimal ? 2 : 0);
	char *end;
	__s64 number;

	if (!*first || first[strspn(first, is_hexadecimal ? "0123456789abcdefABCDEF" : "0123456789")])
		return -EINVAL;
	if (!is_hexadecimal && first[0] == '0' && first[1])
		return -EINVAL; /* octal to some */
	errno = 0;
	number = strtoll(text, &end, is_hexadecimal ? 16 : 10);
	if (errno || *end)
		return -EINVAL;
	*out = number;
	return 0;
}

/* ---- Terms ---------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	unsigned int bytes;
	bool is_signed;
} types[] = {
	{"int8", 1, true},   {"int16", 2, true},   {"int32", 4, true},   {"int64", 8, true},
	{"uint8", 1, false}, {"uint16", 2, false}, {"uint32", 4, false}, {"uint64", 8, false},
};

static int type_parse(const char *text, size_t n, struct probe_term *out)
{
	for (size_t i = 0; i < COUNT(types); i++) {
		if (strlen(types[i].name) != n || memcmp(types[i].name, text, n) != 0)
			continue;
		out->bytes = types[i].bytes;
		out->is_signed = types[i].is_signed;
		return 0;
	}
	return -EINVAL;
}

/* Takes a term from the beginning; *end is set behind it. */
static int term_take(const char *text, const char **end, struct probe_term *out)
{
	static const char argument[] = "arg", result[] = "result";
	struct probe_term term = {.number = 1};
	size_t n;

	if (!strncmp(text, result, strlen(result))) {
		term.is_result = true;
		text += strlen(result);
	} else if (!strncmp(text, argument, strlen(argument)) && text[strlen(argument)] != ':') {
		text += strlen(argument);
	} else {
		return -EINVAL;
	}
	if (*text >= '1' && *text <= '6')
		term.number = (unsigned int)(*text++ - '0');
	else if (!term.is_result)
		return -EINVAL;
	if (*text == ':') {
		n = strspn(++text, "intu0123456789");
		if (type_parse(text, n, &term))
			return -EINVAL;
		text += n;
	}
	*end = text;
	*out = term;
	return 0;
}

int probe_term_parse(const char *text, struct probe_term *out)
{
	struct probe_term term;
	const char *end;

	if (term_take(text, &end, &term) || *end)
		return -EINVAL;
	*out = term;
	return 0;
}

/* ---- Conditions ----------------------------------------------------------------------------------------------- */

static int comparison_take(const char *text, const char **end, enum comparison *out)
{
	/* Longer ones first. */
	static const struct {
		const char *text;
		enum comparison comparison;
	} rows[] = {
		{"==", COMPARE_EQ}, {"!=", COMPARE_NE}, {"<=", COMPARE_LE},
		{">=", COMPARE_GE}, {"<", COMPARE_LT},  {">", COMPARE_GT},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (strncmp(text, rows[i].text, strlen(rows[i].text)) != 0)
			continue;
		*out = rows[i].comparison;
		*end = text + strlen(rows[i].text);
		return 0;
	}
	return -EINVAL;
}

int probe_condition_parse(const char *text, struct probe_condition *out)
{
	struct probe_condition condition = {.limit = 0};
	bool is_null;

	if (term_take(text, &text, &condition.term) || !condition.term.is_result)
		return -EINVAL;
	if (comparison_take(skip_spaces(text), &text, &condition.comparison))
		return -EINVAL;
	text = skip_spaces(text);
	is_null = !strcmp(text, "null");
	if (is_null ? condition.comparison > COMPARE_NE || condition.term.bytes
		    : probe_number_parse(text, &condition.limit))
		return -EINVAL;
	if (!condition.term.bytes) {
		condition.term.bytes = is_null ? 8 : 4;
		condition.term.is_signed = true;
	}
	*out = condition;
	return 0;
}

/* ---- Functions ------------------------------------------------------------------------------------------------ */

int probe_function_parse(const char *text, enum probe_function_kind *kind, __u64 *address)
{
	__s64 number;

	if (!strncmp(text, "0x", 2)) {
		if (probe_number_parse(text, &number))
			return -EINVAL;
		*kind = PROBE_FUNCTION_ADDRESS;
		*address = (__u64)number;
		return 0;
	}
	*kind = strpbrk(text, "*?") ? PROBE_FUNCTION_PATTERN : PROBE_FUNCTION_NAME;
	return 0;
}
