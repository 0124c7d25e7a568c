// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tests of bpf/glob.h against a matcher that tries everything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guard.h"

#include "glob.h"

enum {
	PATTERN_BYTES = 64,
	TEXT_BYTES = 256,
	STEPS = 4096, /* that a selector may take: bpf/process.h */
};

static struct guarded pattern_memory, text_memory;

/* -1: not decided within STEPS. */
static int matches(const char *pattern, const char *text)
{
	char whole_pattern[PATTERN_BYTES] = {}, whole_text[TEXT_BYTES] = {};
	struct glob glob = {};
	const char *p, *t;

	if (!text_memory.end) {
		pattern_memory = guarded_new(PATTERN_BYTES);
		text_memory = guarded_new(TEXT_BYTES);
	}
	require(strlen(pattern) < PATTERN_BYTES && strlen(text) < TEXT_BYTES);
	strcpy(whole_pattern, pattern);
	strcpy(whole_text, text);
	p = (char *)guarded_copy(&pattern_memory, whole_pattern, PATTERN_BYTES);
	t = (char *)guarded_copy(&text_memory, whole_text, TEXT_BYTES);
	for (int i = 0; i < STEPS; i++)
		if (glob_step(&glob, p, PATTERN_BYTES, t, TEXT_BYTES))
			return glob.matched;
	return -1;
}

static int reference_matches(const char *pattern, const char *text)
{
	if (!*pattern)
		return !*text;
	if (*pattern == '*')
		return reference_matches(pattern + 1, text) || (*text && reference_matches(pattern, text + 1));
	return *text && (*pattern == '?' || *pattern == *text) && reference_matches(pattern + 1, text + 1);
}

static void patterns_match_as_a_shell_matches_them(void **state)
{
	static const struct {
		const char *pattern, *text;
		int expected;
	} rows[] = {
		{"", "", 1},
		{"", "a", 0},
		{"a", "", 0},
		{"nginx", "nginx", 1},
		{"nginx", "nginx2", 0},
		{"nginx2", "nginx", 0},
		{"*", "", 1},
		{"*", "anything/at all", 1},
		{"**", "", 1},
		{"?", "", 0},
		{"?", "a", 1},
		{"?", "ab", 0},
		{"a*", "a", 1},
		{"a*c", "abbbc", 1},
		{"a*c", "abbbd", 0},
		{"*.so", "lib.so", 1},
		{"*.so", "lib.so.1", 0},
		{"/usr/*/node", "/usr/local/bin/node", 1},
		{"python3.??", "python3.11", 1},
		{"*ab*ab", "abab", 1},
		{"*ab*ab", "aab", 0},
		{"*a?b", "aab-ab", 0},
		{"*a?b", "aab-acb", 1},
		{"a*b*c*d", "a-b-c-b-c-d", 1},
		{"[ab]", "a", 0},
		{"[ab]", "[ab]", 1},
		{"\\*", "\\x", 1},
		{"caf\xc3\xa9*", "caf\xc3\xa9-server", 1},
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (matches(rows[i].pattern, rows[i].text) != rows[i].expected)
			fail_msg("'%s' and '%s': expected %d", rows[i].pattern, rows[i].text, rows[i].expected);
}

/* Every number below 5^length is a string over the letters. */
static void spell(char *to, int number, int length, const char *letters)
{
	for (int i = 0; i < length; i++, number /= 5)
		to[i] = letters[number % 5];
	to[length] = 0;
}

static void both_matchers_agree_on_every_short_pattern(void **state)
{
	char pattern[8], text[8];

	(void)state;
	for (int m = 0, patterns = 1; m <= 5; m++, patterns *= 5)
		for (int i = 0; i < patterns; i++)
			for (int n = 0; n <= 5; n++)
				for (int bits = 0; bits < 1 << n; bits++) {
					spell(pattern, i, m, "ab?**");
					for (int k = 0; k < n; k++)
						text[k] = "ab"[bits >> k & 1];
					text[n] = 0;
					if (matches(pattern, text) != reference_matches(pattern, text))
						fail_msg("'%s' and '%s'", pattern, text);
				}
}

static void the_longest_strings_are_matched_within_the_steps(void **state)
{
	char pattern[PATTERN_BYTES], text[TEXT_BYTES];

	(void)state;
	memset(text, 'a', TEXT_BYTES - 1);
	text[TEXT_BYTES - 1] = 0;
	memset(pattern, '?', PATTERN_BYTES - 2);
	pattern[PATTERN_BYTES - 2] = '*';
	pattern[PATTERN_BYTES - 1] = 0;
	assert_int_equal(matches(pattern, text), 1);
	assert_int_equal(matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a", text), 1);
	assert_int_equal(matches("*a*a*a*a*a*a*a*a*b", text), 0);
	assert_int_equal(matches("*/node/bin/?*a", text), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_as_a_shell_matches_them),
		cmocka_unit_test(both_matchers_agree_on_every_short_pattern),
		cmocka_unit_test(the_longest_strings_are_matched_within_the_steps),
	};

	return cmocka_run_group_tests_name("glob", tests, NULL, NULL);
}
