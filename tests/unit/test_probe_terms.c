// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Numbers, terms, conditions and names of functions in `probes:`, and the registers that they become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "probe_terms.h"
#include "probes.h"

static void numbers_are_decimal_or_hexadecimal(void **state)
{
	static const struct {
		const char *text;
		__s64 number;
	} right[] = {
		{"0", 0},     {"-1", -1},     {"9223372036854775807", INT64_MAX}, {"-9223372036854775808", INT64_MIN},
		{"0x1f", 31}, {"-0x10", -16},
	};
	static const char *const wrong[] = {"",   "-",  "0x", "010", "1.5", "1e3", "9223372036854775808",
					    "+1", " 1", "1 ", "--1", "0xg", "ten", "0X1"};
	__s64 number;

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
		assert_int_equal(probe_number_parse(right[i].text, &number), 0);
		assert_int_equal(number, right[i].number);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		number = 42;
		if (!probe_number_parse(wrong[i], &number))
			fail_msg("'%s' is taken for a number", wrong[i]);
		assert_int_equal(number, 42);
	}
}

static void terms_name_a_register_and_a_type(void **state)
{
	static const struct {
		const char *text;
		struct probe_term term;
	} right[] = {
		{"arg1", {false, 1, 0, false}},        {"arg6:uint8", {false, 6, 1, false}},
		{"arg2:int16", {false, 2, 2, true}},   {"result", {true, 1, 0, false}},
		{"result2:int64", {true, 2, 8, true}}, {"result:uint32", {true, 1, 4, false}},
	};
	static const char *const wrong[] = {"",         "arg",     "arg0",        "arg7",     "arg12",
					    "arg:int8", "result7", "res",         "arg1:",    "arg1 ",
					    "arg1:int", "Arg1",    "arg1:int32x", "arg1int8", "arg1:uint128"};

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
		struct probe_term term;

		if (probe_term_parse(right[i].text, &term))
			fail_msg("'%s' is taken for no term", right[i].text);
		assert_int_equal(term.is_result, right[i].term.is_result);
		assert_int_equal(term.number, right[i].term.number);
		assert_int_equal(term.bytes, right[i].term.bytes);
		assert_int_equal(term.is_signed, right[i].term.is_signed);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct probe_term term = {.number = 99};

		if (!probe_term_parse(wrong[i], &term))
			fail_msg("'%s' is taken for a term", wrong[i]);
		assert_int_equal(term.number, 99);
	}
}

static void conditions_compare_a_result(void **state)
{
	static const struct {
		const char *text;
		unsigned int number, bytes;
		bool is_signed;
		enum comparison comparison;
		__s64 limit;
	} right[] = {
		{"result < 0", 1, 4, true, COMPARE_LT, 0},
		{"result!=-1", 1, 4, true, COMPARE_NE, -1},
		{"result:int64 == -1", 1, 8, true, COMPARE_EQ, -1},
		{"result:uint8 >=  0x80", 1, 1, false, COMPARE_GE, 128},
		{"result2 <= 3", 2, 4, true, COMPARE_LE, 3},
		{"result > 3", 1, 4, true, COMPARE_GT, 3},
		{"result == null", 1, 8, true, COMPARE_EQ, 0},
		{"result3 != null", 3, 8, true, COMPARE_NE, 0},
	};
	static const char *const wrong[] = {"",
					    "result",
					    "result <",
					    "result < x",
					    "result = 3",
					    "arg1 < 0",
					    "result < null",
					    "result:int32 == null",
					    "result << 3",
					    " result < 0",
					    "result < 0 ",
					    "result == nullptr",
					    "result =< 3",
					    "result < 0 or 1"};

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
		struct probe_condition condition;

		if (probe_condition_parse(right[i].text, &condition))
			fail_msg("'%s' is taken for no condition", right[i].text);
		assert_int_equal(condition.term.number, right[i].number);
		assert_int_equal(condition.term.bytes, right[i].bytes);
		assert_int_equal(condition.term.is_signed, right[i].is_signed);
		assert_int_equal(condition.comparison, right[i].comparison);
		assert_int_equal(condition.limit, right[i].limit);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct probe_condition condition = {.limit = 42};

		if (!probe_condition_parse(wrong[i], &condition))
			fail_msg("'%s' is taken for a condition", wrong[i]);
		assert_int_equal(condition.limit, 42);
	}
}

static void functions_have_a_name_a_pattern_or_an_address(void **state)
{
	enum probe_function_kind kind;
	__u64 address = 0;

	(void)state;
	assert_int_equal(probe_function_parse("store::append", &kind, &address), 0);
	assert_int_equal(kind, PROBE_FUNCTION_NAME);
	assert_int_equal(probe_function_parse("store::append*", &kind, &address), 0);
	assert_int_equal(kind, PROBE_FUNCTION_PATTERN);
	assert_int_equal(probe_function_parse("main.(*Store).Append", &kind, &address), 0);
	assert_int_equal(kind, PROBE_FUNCTION_PATTERN);
	assert_int_equal(address, 0);
	assert_int_equal(probe_function_parse("0x401136", &kind, &address), 0);
	assert_int_equal(kind, PROBE_FUNCTION_ADDRESS);
	assert_int_equal(address, 0x401136);
	assert_int_equal(probe_function_parse("0x40113z", &kind, &address), -EINVAL);
}

static __u16 register_of(const char *text, bool is_go)
{
	struct operand operand;
	struct probe_term term;

	assert_int_equal(probe_term_parse(text, &term), 0);
	assert_int_equal(probe_operand(&term, is_go, &operand), 0);
	assert_int_equal(operand.kind, OPERAND_REGISTER);
	return operand.base;
}

/* Offsets in the kernel's struct pt_regs (arch/ARCH/include/asm/ptrace.h). */
static void each_calling_convention_has_its_registers(void **state)
{
#if defined(__x86_64__)
	enum { RBX = 40, R9 = 64, R8 = 72, RAX = 80, RCX = 88, RDX = 96, RSI = 104, RDI = 112 };
	static const __u16 c[] = {RDI, RSI, RDX, RCX, R8, R9}, go[] = {RAX, RBX, RCX, RDI, RSI, R8};
	const __u16 results[] = {RAX, RDX};
#elif defined(__aarch64__)
	static const __u16 c[] = {0, 8, 16, 24, 32, 40}, go[] = {0, 8, 16, 24, 32, 40};
	const __u16 results[] = {0, 8};
#endif
	struct probe_term third = {.is_result = true, .number = 3};
	struct operand operand = {.kind = 99};
	char text[16];

	(void)state;
	for (int i = 0; i < PROBE_ARGUMENTS; i++) {
		snprintf(text, sizeof(text), "arg%d", i + 1);
		assert_int_equal(register_of(text, false), c[i]);
		assert_int_equal(register_of(text, true), go[i]);
		snprintf(text, sizeof(text), "result%d", i + 1);
		assert_int_equal(register_of(text, true), go[i]);
	}
	assert_int_equal(register_of("result", false), results[0]);
	assert_int_equal(register_of("result2", false), results[1]);
	assert_int_equal(probe_operand(&third, false, &operand), -ERANGE);
	assert_int_equal(operand.kind, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_decimal_or_hexadecimal),
		cmocka_unit_test(terms_name_a_register_and_a_type),
		cmocka_unit_test(conditions_compare_a_result),
		cmocka_unit_test(functions_have_a_name_a_pattern_or_an_address),
		cmocka_unit_test(each_calling_convention_has_its_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
