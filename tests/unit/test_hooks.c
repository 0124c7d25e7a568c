/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table of hooks keeps its promises, and so does what is said about the choice among them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "hooks.h"
#include "probe.h"
#include "report.h"
#include "verifier.h"

static void every_way_has_one_hook_of_its_own_and_it_comes_first(void **state)
{
	(void)state;
	for (int way = 0; way < WAY_COUNT; way++) {
		int own = 0, used = 0;

		for (int i = 0; i < HOOK_COUNT; i++) {
			if (!hook_is_used(&hook_rows[i], way, way_rows[way].hashed))
				continue;
			if (!used++)
				assert_string_equal(hook_rows[i].name, way_rows[way].name);
			own += hook_rows[i].is_way;
			if (hook_rows[i].is_way)
				assert_true(hook_rows[i].required);
		}
		assert_int_equal(own, 1);
	}
}

static void a_label_stands_for_one_hook_of_a_way(void **state)
{
	(void)state;
	for (int i = 0; i < HOOK_COUNT; i++)
		for (int j = 0; j < i; j++)
			if (!strcmp(hook_rows[i].name, hook_rows[j].name))
				assert_int_equal(hook_rows[i].ways & hook_rows[j].ways, 0);
}

static void each_store_of_state_has_one_iterator(void **state)
{
	(void)state;
	for (int hashed = 0; hashed < 2; hashed++)
		for (int way = 0; way < WAY_COUNT; way++) {
			int of_sockets = 0, by_key = 0;

			for (int i = 0; i < HOOK_COUNT; i++) {
				if (!hook_is_used(&hook_rows[i], way, hashed) ||
				    !hook_uses(&hook_rows[i], MECHANISM_ITERATOR))
					continue;
				of_sockets += !strcmp(hook_rows[i].program[0].on, "conns");
				by_key += !strcmp(hook_rows[i].program[0].on, "conns_by_key");
			}
			assert_int_equal(of_sockets, !hashed);
			assert_int_equal(by_key, 1);
		}
}

static void kprobe_programs_never_meet_socket_storage(void **state)
{
	(void)state;
	for (int way = 0; way < WAY_COUNT; way++)
		for (int i = 0; i < HOOK_COUNT; i++)
			if (hook_is_used(&hook_rows[i], way, false) && !way_rows[way].hashed) {
				assert_false(hook_uses(&hook_rows[i], MECHANISM_KPROBE));
				assert_false(hook_uses(&hook_rows[i], MECHANISM_KRETPROBE));
			}
}

static void sys_exit_stands_alone(void **state)
{
	(void)state;
	for (int i = 0; i < HOOK_COUNT; i++)
		if (hook_is_used(&hook_rows[i], WAY_SYS_EXIT, true)) {
			assert_string_not_equal(hook_rows[i].name, "unix_release");
			assert_string_not_equal(hook_rows[i].name, "tcp_splice_read");
		}
}

static void what_costs_much_is_off_by_default_and_none_needs_it(void **state)
{
	(void)state;
	for (int i = 0; i < HOOK_COUNT; i++) {
		assert_int_equal(hook_rows[i].off != NULL, hook_rows[i].wish == HOOK_OF_FILES ||
								   hook_rows[i].wish == HOOK_OF_PROBES ||
								   hook_rows[i].wish == HOOK_OF_STORAGE_LIBRARIES);
		assert_false(hook_rows[i].off && (hook_rows[i].required || hook_rows[i].is_way));
	}
}

static const char *text_of(void (*render)(struct buffer *, const struct attach_report *),
			   const struct attach_report *report, const char *hooks)
{
	static struct buffer text;
	static char copy[4096];

	buffer_clear(&text);
	if (render)
		render(&text, report);
	else
		report_ways(&text, report, hooks);
	assert_in_range(text.len, 1, sizeof(copy) - 1);
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	buffer_free(&text);
	memset(&text, 0, sizeof(text));
	return copy;
}

static void each_way_is_told_with_its_reason(void **state)
{
	struct attach_report report = {
		.way = {{WAY_UNUSABLE, "no such tracepoint; newer kernel"},
			{WAY_FAILED, "refused; ask"},
			{WAY_CHOSEN, ""},
			{WAY_USABLE, ""}},
		.limit = "at most 10",
	};

	(void)state;
	assert_string_equal(text_of(NULL, &report, "auto"),
			    "sock_length          cannot be used: no such tracepoint; newer kernel\n"
			    "fexit                cannot be used: refused; ask\n"
			    "kprobe               chosen; at most 10\n"
			    "sys_exit             works, not needed: kprobe is cheaper\n");
	memset(report.way, 0, sizeof(report.way));
	report.way[WAY_FEXIT].state = WAY_CHOSEN;
	report.limit[0] = '\0';
	assert_string_equal(text_of(NULL, &report, "fexit"), "sock_length          not tried: --hooks=fexit\n"
							     "fexit                chosen\n"
							     "kprobe               not tried: --hooks=fexit\n"
							     "sys_exit             not tried: --hooks=fexit\n");
}

static void hooks_beside_the_way_tell_what_is_lost_without_them(void **state)
{
	const struct hook_row row = {.name = "beside", .without = "all is lost"},
			      asked = {.name = "asked", .without = "little is lost", .off = "off by default"},
			      way = {.name = "way", .is_way = true};
	const struct attach_report report = {
		.hook = {{&way, true, ""}, {&row, true, ""}, {&row, false, "it is gone"}, {&asked, true, ""}},
		.n_hooks = 4};

	(void)state;
	assert_string_equal(text_of(report_hooks, &report, NULL),
			    "hook beside               works\n"
			    "hook beside               not attached: it is gone; all is lost\n"
			    "hook asked                works; off by default\n");
}

static void the_verifier_s_figures_are_one_line_for_each_program(void **state)
{
	static const char log[] = "verification time 1234 usec\nstack depth 400+0+16\n"
				  "processed 47694 insns (limit 1000000) max_states_per_insn 21 total_states 2103 "
				  "peak_states 1813 mark_read 42\n";
	struct attach_report report = {.program = {{.name = "ts_send_length"}}, .n_programs = 1};

	(void)state;
	assert_true(verifier_parse(log, &report.program[0].stats));
	assert_string_equal(text_of(report_verifier, &report, NULL),
			    "verifier ts_send_length insns 47694 states 2103 peak 1813\n");
	assert_false(verifier_parse("", &report.program[0].stats));
	assert_false(verifier_parse("processed 12 insns (limit 5)", &report.program[0].stats));
	assert_int_equal(report.program[0].stats.insns, 47694);
}

static void a_probe_s_reason_names_the_step_that_failed(void **state)
{
	static const struct {
		struct probe_result result;
		const char *reason;
	} rows[] = {
		{{PROBE_NOT_LOADED, -EPERM}, "the kernel refuses to load a program for f: Operation not permitted"},
		{{PROBE_NOT_ATTACHED, -524},
		 "the kernel refuses to attach a program to f: Not supported by this kernel"},
		{{PROBE_NOT_ATTACHED, -ENODEV}, "this kernel has no events for it in /sys/bus/event_source/devices"},
		{{PROBE_SILENT, 0},
		 "a program on f does not run at every call: this kernel has it inlined elsewhere"},
		{{PROBE_NOT_TRIED, -EMFILE}, "it cannot be tried: Too many open files"},
	};
	char reason[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		probe_reason(&rows[i].result, "f", reason, sizeof(reason));
		assert_string_equal(reason, rows[i].reason);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_has_one_hook_of_its_own_and_it_comes_first),
		cmocka_unit_test(a_label_stands_for_one_hook_of_a_way),
		cmocka_unit_test(each_store_of_state_has_one_iterator),
		cmocka_unit_test(kprobe_programs_never_meet_socket_storage),
		cmocka_unit_test(sys_exit_stands_alone),
		cmocka_unit_test(what_costs_much_is_off_by_default_and_none_needs_it),
		cmocka_unit_test(each_way_is_told_with_its_reason),
		cmocka_unit_test(hooks_beside_the_way_tell_what_is_lost_without_them),
		cmocka_unit_test(the_verifier_s_figures_are_one_line_for_each_program),
		cmocka_unit_test(a_probe_s_reason_names_the_step_that_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
