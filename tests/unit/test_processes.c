/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Usage by service from a /proc made by hand: ticks are a hundredth of a second, pages what this machine has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/bpf.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "processes.h"

#define SECOND 1000000000ULL
#define START (5 * SECOND) /* of the processes below, unless they say otherwise */

static char proc[64];
static struct processes *processes;
static struct service_usage usage[MAX_SERVICES + 1];
static __u64 page;

/* ---- The kernel's map, played by an array ---------------------------------------------------------------------- */

static struct {
	size_t n;
	struct process value[1000];
	int err;
} map;

/* This stands in for libbpf's. */
int bpf_map_lookup_batch(int fd, void *in, void *out, void *keys, void *values, __u32 *count,
			 const struct bpf_map_batch_opts *opts)
{
	__u32 at = 0, n = 0;

	(void)fd, (void)opts;
	if (map.err)
		return map.err;
	if (in)
		memcpy(&at, in, sizeof(at));
	for (; at < map.n && n < *count; at++, n++) {
		((__u32 *)keys)[n] = at + 10;
		((struct process *)values)[n] = map.value[at];
	}
	*count = n;
	memcpy(out, &at, sizeof(at));
	return at == map.n ? -ENOENT : 0;
}

/* ---- /proc, played by a directory ------------------------------------------------------------------------------ */

static void put(__u32 pid, const char *line)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%u", proc, pid);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/%u/stat", proc, pid);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(line, file);
	assert_int_equal(fclose(file), 0);
}

static void put_process(__u32 pid, const char *name, __u64 start_ns, unsigned int user, unsigned int system_,
			unsigned int pages)
{
	char line[512];

	snprintf(line, sizeof(line),
		 "%u (%s) S 1 2 3 4 -1 4194560 9 9 9 9 %u %u 77 77 20 0 3 0 %llu 999999 %u 184 1 1 0 0 0 0 0\n", pid,
		 name, user, system_, start_ns / (SECOND / 100), pages);
	put(pid, line);
}

static void end_process(__u32 pid)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%u/stat", proc, pid);
	unlink(path);
	snprintf(path, sizeof(path), "%s/%u", proc, pid);
	rmdir(path);
}

static void note(__u32 pid, __u64 start_ns, __u32 service)
{
	const struct process process = {.start_ns = start_ns, .service = service, .selected = 1};

	processes_note(processes, pid, &process);
}

static void read_at(__u64 ns)
{
	assert_int_equal(processes_read(processes, ns, usage), 0);
}

static int begin(void **state)
{
	(void)state;
	page = (__u64)sysconf(_SC_PAGESIZE);
	snprintf(proc, sizeof(proc), "/tmp/test_processes.XXXXXX");
	if (sysconf(_SC_CLK_TCK) != 100 || !mkdtemp(proc))
		return -1;
	put_process(1, "init", 0, 1, 1, 1);
	processes = processes_new(proc, 60 * SECOND);
	return processes ? 0 : -1;
}

static int finish(void **state)
{
	char command[96];

	(void)state;
	processes_free(processes);
	snprintf(command, sizeof(command), "rm -r %s", proc);
	return system(command) ? -1 : 0;
}

/* ---- Tests ----------------------------------------------------------------------------------------------------- */

static void a_first_reading_tells_memory_and_no_cpu(void **state)
{
	(void)state;
	put_process(10, "chat", START, 500, 500, 100);
	note(10, START, 3);
	read_at(100 * SECOND);
	assert_int_equal(usage[3].cpu_nanocores, 0);
	assert_int_equal(usage[3].memory_bytes, 100 * page);
	assert_int_equal(usage[2].memory_bytes, 0);
}

static void usage_is_the_difference_over_the_time_between(void **state)
{
	(void)state;
	put_process(10, "chat", START, 500, 500, 100);
	note(10, START, 3);
	read_at(100 * SECOND);
	put_process(10, "chat", START, 700, 600, 50);
	read_at(104 * SECOND);
	assert_int_equal(usage[3].cpu_nanocores, 3 * SECOND / 4);
	assert_int_equal(usage[3].memory_bytes, 50 * page);
	read_at(106 * SECOND);
	assert_int_equal(usage[3].cpu_nanocores, 0);
}

static void processes_of_a_service_add_up(void **state)
{
	(void)state;
	for (__u32 pid = 10; pid < 14; pid++) {
		put_process(pid, "worker", START + pid * SECOND, 0, 0, pid);
		note(pid, START + pid * SECOND, pid == 13 ? SERVICE_OTHER : 0);
	}
	read_at(100 * SECOND);
	for (__u32 pid = 10; pid < 14; pid++)
		put_process(pid, "worker", START + pid * SECOND, 100, 100, pid);
	read_at(102 * SECOND);
	assert_int_equal(usage[0].cpu_nanocores, 3 * SECOND);
	assert_int_equal(usage[0].memory_bytes, (10 + 11 + 12) * page);
	assert_int_equal(usage[SERVICE_OTHER].cpu_nanocores, SECOND);
	assert_int_equal(usage[SERVICE_OTHER].memory_bytes, 13 * page);
}

static void readings_within_a_second_repeat_the_usage(void **state)
{
	(void)state;
	put_process(10, "chat", START, 0, 0, 1);
	note(10, START, 0);
	read_at(100 * SECOND);
	put_process(10, "chat", START, 200, 0, 1);
	read_at(104 * SECOND);
	assert_int_equal(usage[0].cpu_nanocores, SECOND / 2);
	put_process(10, "chat", START, 290, 0, 2);
	read_at(104 * SECOND + SECOND - 1);
	assert_int_equal(usage[0].cpu_nanocores, SECOND / 2);
	assert_int_equal(usage[0].memory_bytes, 2 * page);
	read_at(105 * SECOND); /* reckoned from the reading at 104 s */
	assert_int_equal(usage[0].cpu_nanocores, 9 * SECOND / 10);
}

static void a_process_that_began_since_the_last_reading_counts_whole(void **state)
{
	(void)state;
	read_at(100 * SECOND);
	put_process(10, "young", 101 * SECOND, 100, 0, 1);
	put_process(11, "old", 99 * SECOND, 100, 0, 1);
	note(10, 101 * SECOND, 0);
	note(11, 99 * SECOND, 1);
	read_at(104 * SECOND);
	assert_int_equal(usage[0].cpu_nanocores, SECOND / 4);
	assert_int_equal(usage[1].cpu_nanocores, 0);
}

static void a_process_that_ended_adds_nothing(void **state)
{
	(void)state;
	put_process(10, "chat", START, 0, 0, 7);
	note(10, START, 0);
	read_at(100 * SECOND);
	put_process(10, "chat", START, 200, 0, 7);
	read_at(102 * SECOND);
	end_process(10);
	read_at(102 * SECOND + 1);
	assert_int_equal(usage[0].cpu_nanocores, 0);
	assert_int_equal(usage[0].memory_bytes, 0);
}

static void a_pid_used_again_is_another_process(void **state)
{
	(void)state;
	put_process(10, "chat", START, 100, 0, 7);
	note(10, START, 0);
	read_at(100 * SECOND);
	put_process(10, "other", 101 * SECOND, 300, 0, 9);
	read_at(102 * SECOND); /* the map does not know it yet */
	assert_int_equal(usage[0].memory_bytes, 0);
	note(10, START, 0); /* the map still holds the one that ended */
	read_at(104 * SECOND);
	assert_int_equal(usage[0].memory_bytes, 0);
	note(10, 101 * SECOND, 1);
	read_at(106 * SECOND);
	assert_int_equal(usage[0].memory_bytes, 0);
	assert_int_equal(usage[1].memory_bytes, 9 * page);
	assert_int_equal(usage[1].cpu_nanocores, 0);
}

static void a_program_that_execs_another_moves_to_its_service(void **state)
{
	(void)state;
	put_process(10, "sh", START, 100, 0, 7);
	note(10, START, 0);
	read_at(100 * SECOND);
	put_process(10, "chat", START, 300, 0, 8);
	note(10, START, 1);
	read_at(102 * SECOND);
	assert_int_equal(usage[0].memory_bytes, 0);
	assert_int_equal(usage[1].memory_bytes, 8 * page);
	assert_int_equal(usage[1].cpu_nanocores, SECOND);
}

/* The kernel's map forgets the longest unused. */
static void a_process_that_is_not_noted_again_stays_known(void **state)
{
	(void)state;
	for (__u32 pid = 10; pid < 20; pid++) {
		put_process(pid, "chat", START, 0, 0, 1);
		note(pid, START, 0);
	}
	read_at(100 * SECOND);
	for (__u32 pid = 10; pid < 20; pid++) {
		put_process(pid, "chat", START, 10, 0, 1);
		if (pid % 3 == 0)
			note(pid, START, 0);
	}
	read_at(101 * SECOND);
	assert_int_equal(usage[0].memory_bytes, 10 * page);
	assert_int_equal(usage[0].cpu_nanocores, SECOND);
}

static void names_with_blanks_and_brackets_are_passed_over(void **state)
{
	(void)state;
	put_process(10, "a) R 1 (b", START, 0, 0, 1);
	note(10, START, 0);
	read_at(100 * SECOND);
	put_process(10, ") 9 9 (9)", START, 30, 70, 2);
	read_at(101 * SECOND);
	assert_int_equal(usage[0].cpu_nanocores, SECOND);
	assert_int_equal(usage[0].memory_bytes, 2 * page);
}

static void broken_lines_are_no_processes(void **state)
{
	static const char *const lines[] = {
		"", "\n", "10", "10 (x", "10 (x)", "10 (x) S", "10 (x) S 1 2 3\n", "10 (x)S 1 2 3 4 5"};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		put(10, lines[i]);
		note(10, 0, 0);
		read_at((100 + 2 * i) * SECOND);
		assert_int_equal(usage[0].memory_bytes, 0);
	}
}

/* User and system time are scaled against each other by the kernel. */
static void a_sum_that_goes_back_is_no_usage(void **state)
{
	(void)state;
	put_process(10, "chat", START, 100, 100, 1);
	note(10, START, 0);
	read_at(100 * SECOND);
	put_process(10, "chat", START, 100, 99, 1);
	read_at(102 * SECOND);
	assert_int_equal(usage[0].cpu_nanocores, 0);
}

static void processes_without_a_service_are_left_out(void **state)
{
	(void)state;
	put_process(10, "chat", START, 0, 0, 1);
	note(10, START, SERVICE_OTHER + 1);
	note(10, START, 0xffffffff);
	read_at(100 * SECOND);
	for (size_t i = 0; i <= MAX_SERVICES; i++)
		assert_int_equal(usage[i].memory_bytes, 0);
}

static void every_entry_of_the_map_is_noted(void **state)
{
	(void)state;
	map.n = 600;
	map.err = 0;
	for (__u32 i = 0; i < map.n; i++) {
		map.value[i] = (struct process){.start_ns = START, .service = i % 2};
		put_process(i + 10, "chat", START, 0, 0, 1);
	}
	assert_int_equal(processes_note_map(processes, 0), 0);
	read_at(100 * SECOND);
	assert_int_equal(usage[0].memory_bytes, 300 * page);
	assert_int_equal(usage[1].memory_bytes, 300 * page);
	map.err = -EPERM;
	assert_int_equal(processes_note_map(processes, 0), -EPERM);
}

static void more_processes_than_are_kept_do_no_harm(void **state)
{
	(void)state;
	put_process(10, "chat", START, 0, 0, 1);
	for (__u32 round = 0; round < 4; round++) {
		for (__u32 i = 0; i < MAX_PROCESSES + 10; i++)
			note(10 + round * MAX_PROCESSES + i, START, 0);
		read_at((100 + round) * SECOND);
	}
	assert_int_equal(usage[0].memory_bytes, page);
}

/* Each reading goes on where the one before had to stop. */
static void what_the_time_does_not_suffice_for_keeps_its_last_reading(void **state)
{
	(void)state;
	processes_free(processes);
	processes = processes_new(proc, 0);
	for (__u32 pid = 10; pid < 13; pid++) {
		put_process(pid, "chat", START, 0, 0, 1);
		note(pid, START, 0);
	}
	for (__u32 i = 0; i < 3; i++) {
		read_at((100 + i) * SECOND);
		assert_int_equal(usage[0].memory_bytes, (i + 1) * page);
	}
	for (__u32 pid = 10; pid < 13; pid++)
		put_process(pid, "chat", START, 300, 0, 2);
	for (__u32 i = 0; i < 3; i++) {
		read_at((103 + i) * SECOND);
		assert_int_equal(usage[0].memory_bytes, (3 + i + 1) * page);
		assert_int_equal(usage[0].cpu_nanocores, (i + 1) * SECOND);
	}
	end_process(11);
	read_at(106 * SECOND);
	assert_int_equal(usage[0].memory_bytes, 6 * page);
	read_at(107 * SECOND);
	assert_int_equal(usage[0].memory_bytes, 4 * page);
}

static void what_hides_processes_is_told(void **state)
{
	char missing[80];

	(void)state;
	assert_int_equal(processes_visible(proc), 0);
	end_process(1);
	assert_int_equal(processes_visible(proc), -ENOENT);
	snprintf(missing, sizeof(missing), "%s/none", proc);
	assert_int_equal(processes_visible(missing), -ENOENT);
	processes_free(processes);
	processes = processes_new(missing, 0);
	usage[0].memory_bytes = 42;
	assert_int_equal(processes_read(processes, SECOND, usage), -ENOENT);
	assert_int_equal(usage[0].memory_bytes, 42);
}

static __u64 monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * SECOND + (__u64)now.tv_nsec;
}

/* When a process of the real /proc began, by ticks of the clock. */
static __u64 start_of(pid_t pid)
{
	unsigned long long ticks = 0;
	char path[64], line[1024] = "";
	const char *field = line;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	for (int i = 1; i < 22; i++)
		field += strcspn(field, " ") + 1;
	ticks = strtoull(field, NULL, 10);
	return ticks * (SECOND / 100);
}

/* As many as there can be, all alive, in the real /proc. */
static void a_reading_of_all_processes_takes_less_than_100_ms(void **state)
{
#ifdef __SANITIZE_ADDRESS__
	enum { ROUNDS = 5, CHILDREN = 100 }; /* large ones */
#else
	enum { ROUNDS = 5, CHILDREN = MAX_PROCESSES };
#endif
	static pid_t child[CHILDREN];
	double worst = 0;
	size_t n = 0;

	(void)state;
	processes_free(processes);
	processes = processes_new("/proc", PROCESSES_BUDGET_NS);
	for (; n < CHILDREN; n++) {
		child[n] = fork();
		if (child[n] < 0)
			break;
		if (!child[n]) {
			pause();
			_exit(0);
		}
		note((__u32)child[n], start_of(child[n]), n % 2);
	}
	for (int round = 0; round < ROUNDS; round++) {
		__u64 begun = monotonic_ns();
		double ms;

		read_at(begun);
		ms = (double)(monotonic_ns() - begun) / 1e6;
		worst = ms > worst ? ms : worst;
	}
	for (size_t i = 0; i < n; i++)
		kill(child[i], SIGKILL);
	for (size_t i = 0; i < n; i++)
		waitpid(child[i], NULL, 0);
	print_message("%zu processes: %.1f ms at most\n", n, worst);
	assert_true(usage[0].memory_bytes && usage[1].memory_bytes);
#ifndef __SANITIZE_ADDRESS__
	assert_true(worst < 100);
#endif
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_first_reading_tells_memory_and_no_cpu),
		TEST(usage_is_the_difference_over_the_time_between),
		TEST(processes_of_a_service_add_up),
		TEST(readings_within_a_second_repeat_the_usage),
		TEST(a_process_that_began_since_the_last_reading_counts_whole),
		TEST(a_process_that_ended_adds_nothing),
		TEST(a_pid_used_again_is_another_process),
		TEST(a_program_that_execs_another_moves_to_its_service),
		TEST(a_process_that_is_not_noted_again_stays_known),
		TEST(names_with_blanks_and_brackets_are_passed_over),
		TEST(broken_lines_are_no_processes),
		TEST(a_sum_that_goes_back_is_no_usage),
		TEST(processes_without_a_service_are_left_out),
		TEST(every_entry_of_the_map_is_noted),
		TEST(more_processes_than_are_kept_do_no_harm),
		TEST(what_the_time_does_not_suffice_for_keeps_its_last_reading),
		TEST(what_hides_processes_is_told),
		TEST(a_reading_of_all_processes_takes_less_than_100_ms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
