/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What tracefs says about return probes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "kretprobe.h"

static void events_of_tapstat_are_told_from_others(void **state)
{
	static const char *const others[] = {
		"",
		"p:kprobes/p_sock_sendmsg_0 sock_sendmsg",
		"r4096:kprobes/tapstat_12 sock_sendmsg",
		"r4096:tapstat_/sock_sendmsg sock_sendmsg",
		"r4096:tapstat_x/sock_sendmsg sock_sendmsg",
		"r4096:tapstat_-3/sock_sendmsg sock_sendmsg",
		"r4096:tapstat_12 sock_sendmsg",
		"r4096:tapstat_12/a;b sock_sendmsg",
		"r4096:tapstatistics_12/e f",
	};
	char event[KRETPROBE_NAME_BYTES] = "unchanged";
	pid_t pid = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(kretprobe_event_parse(others[i], &pid, event));
	assert_int_equal(pid, 7);
	assert_string_equal(event, "unchanged");
	assert_true(kretprobe_event_parse("r4096:tapstat_160/__sock_sendmsg_160 __sock_sendmsg", &pid, event));
	assert_int_equal(pid, 160);
	assert_string_equal(event, "__sock_sendmsg_160");
	assert_true(kretprobe_event_parse("r:tapstat_4194303/sock_recvmsg_4194303 sock_recvmsg\n", &pid, event));
	assert_int_equal(pid, 4194303);
	assert_string_equal(event, "sock_recvmsg_4194303");
}

static void misses_are_the_third_column_of_our_own_events(void **state)
{
	static const char profile[] =
		"  sock_recvmsg_160                                        1000               5\n"
		"  p_sock_sendmsg_0                                          12               7\n"
		"  __sock_sendmsg_160                                         0              11\n"
		"  sock_recvmsg_16                                            1             100\n"
		"  sock_recvmsg_1160                                          1            1000\n"
		"  _160                                                       1           10000\n"
		"  broken_160 x y\n"
		"  tcp_splice_read_160            18446744073709551615              13";

	(void)state;
	assert_int_equal(kretprobe_profile_misses(profile, 160), 5 + 11 + 13);
	assert_int_equal(kretprobe_profile_misses(profile, 16), 100);
	assert_int_equal(kretprobe_profile_misses("", 160), 0);
}

static void perf_s_own_probes_follow_few_calls(void **state)
{
	(void)state;
	assert_int_equal(kretprobe_perf_max_active(1), 10);
	assert_int_equal(kretprobe_perf_max_active(5), 10);
	assert_int_equal(kretprobe_perf_max_active(64), 128);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_of_tapstat_are_told_from_others),
		cmocka_unit_test(misses_are_the_third_column_of_our_own_events),
		cmocka_unit_test(perf_s_own_probes_follow_few_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
