/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is said about missing privileges, and about what the kernel and libbpf complain of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "complaint.h"
#include "privileges.h"

static const struct privileges all = {.bpf = true, .perfmon = true, .types = true};

static void each_missing_thing_has_a_line_that_says_what_to_grant(void **state)
{
	const char *lines[PRIVILEGES_LINES];
	struct privileges p = all;

	(void)state;
	assert_int_equal(privileges_missing(&p, lines), 0);
	p = (struct privileges){.admin = true, .types = true};
	assert_int_equal(privileges_missing(&p, lines), 0);
	p = all;
	p.bpf = false;
	assert_int_equal(privileges_missing(&p, lines), 1);
	assert_non_null(strstr(lines[0], "CAP_BPF is missing, and kernel.unprivileged_bpf_disabled"));
	p.unprivileged_bpf = true;
	assert_int_equal(privileges_missing(&p, lines), 1);
	assert_non_null(strstr(lines[0], "CAP_BPF is missing"));
	assert_null(strstr(lines[0], "unprivileged_bpf_disabled"));
	p = all;
	p.perfmon = false;
	assert_int_equal(privileges_missing(&p, lines), 1);
	assert_non_null(strstr(lines[0], "CAP_PERFMON is missing"));
	p = all;
	p.types = false;
	assert_int_equal(privileges_missing(&p, lines), 1);
	assert_non_null(strstr(lines[0], "/sys/kernel/btf/vmlinux is missing"));
	p = (struct privileges){0};
	assert_int_equal(privileges_missing(&p, lines), 3);
}

static void in_a_user_namespace_no_capability_is_asked_for(void **state)
{
	const char *lines[PRIVILEGES_LINES];
	struct privileges p = {.user_namespace = true, .types = true, .bpf_call = -EPERM};

	(void)state;
	assert_int_equal(privileges_missing(&p, lines), 1);
	assert_non_null(strstr(lines[0], "user namespace"));
}

static void a_call_that_is_refused_in_spite_of_capabilities_has_its_reason(void **state)
{
	const char *lines[PRIVILEGES_LINES];
	struct privileges p = all;

	(void)state;
	p.bpf_call = -EPERM;
	assert_int_equal(privileges_missing(&p, lines), 1);
	assert_non_null(strstr(lines[0], "security module"));
	p.seccomp = true;
	assert_int_equal(privileges_missing(&p, lines), 1);
	assert_non_null(strstr(lines[0], "the seccomp filter of this process"));
	p.memlock = true;
	assert_int_equal(privileges_missing(&p, lines), 1);
	assert_non_null(strstr(lines[0], "RLIMIT_MEMLOCK"));
	p.bpf_call = -ENOSYS;
	assert_int_equal(privileges_missing(&p, lines), 1);
	assert_non_null(strstr(lines[0], "CONFIG_BPF_SYSCALL"));
	p.bpf = false; /* is asked for first */
	assert_int_equal(privileges_missing(&p, lines), 1);
	assert_non_null(strstr(lines[0], "CAP_BPF"));
}

static void a_container_is_remarked_on(void **state)
{
	const char *lines[PRIVILEGES_LINES];
	struct privileges p = all;

	(void)state;
	assert_int_equal(privileges_remarks(&p, lines), 0);
	p.pid_namespace = true;
	assert_int_equal(privileges_remarks(&p, lines), 1);
	assert_non_null(strstr(lines[0], "--pid takes the host's pids"));
}

static void lockdown_is_what_keeps_programs_from_reading_the_kernel(void **state)
{
	const char *lines[PRIVILEGES_LINES];
	struct privileges p = all;

	(void)state;
	p.kernel_closed = true;
	assert_int_equal(privileges_missing(&p, lines), 1);
	assert_non_null(strstr(lines[0], "boot with lockdown=integrity"));
	p.perfmon = false;
	assert_int_equal(privileges_missing(&p, lines), 1);
	assert_non_null(strstr(lines[0], "CAP_PERFMON"));
}

static void maps_are_charged_to_a_limit_before_linux_5_11(void **state)
{
	(void)state;
	assert_true(privileges_release_has_memlock("4.19.0-27-amd64"));
	assert_true(privileges_release_has_memlock("5.10.0-36-cloud-amd64"));
	assert_false(privileges_release_has_memlock("5.11.0"));
	assert_false(privileges_release_has_memlock("6.1.0-50-cloud-amd64"));
	assert_false(privileges_release_has_memlock("unknown"));
}

static void advice_follows_the_circumstances(void **state)
{
	struct privileges p = all;

	(void)state;
	assert_non_null(strstr(privileges_advice(&p, -EPERM, false), "there is no seccomp filter"));
	assert_non_null(strstr(privileges_advice(&p, -EACCES, true), "verifier"));
	assert_non_null(strstr(privileges_advice(&p, -ENOMEM, false), "--max-connections"));
	assert_non_null(strstr(privileges_advice(&p, -EINVAL, false), "tapstat doctor"));
	assert_non_null(strstr(privileges_advice(&p, -EACCES, false), "there is no seccomp filter"));
	p.perf_restricted = true;
	assert_non_null(strstr(privileges_advice(&p, -EACCES, false), "kernel.perf_event_paranoid"));
	p.kernel_closed = true;
	assert_non_null(strstr(privileges_advice(&p, -EPERM, false), "lockdown="));
	assert_non_null(strstr(privileges_advice(&p, -EINVAL, true), "lockdown="));
	p.perfmon = false;
	assert_non_null(strstr(privileges_advice(&p, -EPERM, false), "CAP_PERFMON"));
}

static void the_verifier_s_last_words_are_the_reason(void **state)
{
	char reason[256];

	(void)state;
	complaint_clear();
	complaint_reason(-ENOENT, reason, sizeof(reason));
	assert_string_equal(reason, "No such file or directory");
	complaint_take("libbpf: map 'conns': failed to create: Cannot allocate memory(-12)\n");
	complaint_take("libbpf: failed to load object 'tapstat'\n");
	complaint_reason(-ENOMEM, reason, sizeof(reason));
	assert_string_equal(
		reason,
		"Cannot allocate memory (libbpf: map 'conns': failed to create: Cannot allocate memory(-12))");
	assert_string_equal(complaint_program(), "");
	assert_false(complaint_is_verifier());

	complaint_clear();
	complaint_take("libbpf: prog 'ts_splice_read_fexit': BPF program load failed: Permission denied\n");
	complaint_take("libbpf: prog 'ts_splice_read_fexit': -- BEGIN PROG LOAD LOG --\n"
		       "0: R1=ctx(off=0,imm=0) R10=fp0\n"
		       "R6 invalid mem access 'scalar'\n"
		       "verification time 12 usec\nstack depth 0\n"
		       "processed 5 insns (limit 1000000) max_states_per_insn 0 total_states 0\n"
		       "-- END PROG LOAD LOG --\n");
	complaint_take("libbpf: failed to load program 'ts_splice_read_fexit'\n");
	assert_string_equal(complaint_program(), "ts_splice_read_fexit");
	assert_true(complaint_is_verifier());
	complaint_reason(-EACCES, reason, sizeof(reason));
	assert_string_equal(reason, "Permission denied (ts_splice_read_fexit: R6 invalid mem access 'scalar')");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_missing_thing_has_a_line_that_says_what_to_grant),
		cmocka_unit_test(a_container_is_remarked_on),
		cmocka_unit_test(lockdown_is_what_keeps_programs_from_reading_the_kernel),
		cmocka_unit_test(in_a_user_namespace_no_capability_is_asked_for),
		cmocka_unit_test(a_call_that_is_refused_in_spite_of_capabilities_has_its_reason),
		cmocka_unit_test(maps_are_charged_to_a_limit_before_linux_5_11),
		cmocka_unit_test(advice_follows_the_circumstances),
		cmocka_unit_test(the_verifier_s_last_words_are_the_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
