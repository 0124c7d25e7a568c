// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tests of user/mappings.c: lines of /proc/PID/maps and records of perf, as they are and as they should not be; and,
 * for root, what a child does, as it happens.
 */
#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "mappings_records.h"
#include "skip.h"

/* ---- What was told ----------------------------------------------------------------------------------------------
 */

static struct told {
	int mapped, forked, executed, exited;
	struct mapping mapping; /* the last one ... */
	char path[PATH_MAX];    /* ... and its path */
	pid_t pid, child;       /* of the last other event */
} told;

static void on_mapped(void *arg, const struct mapping *mapping)
{
	(void)arg;
	told.mapped++;
	told.mapping = *mapping;
	snprintf(told.path, sizeof(told.path), "%s", mapping->path);
}

static void on_forked(void *arg, pid_t parent, pid_t child)
{
	(void)arg;
	told.forked++;
	told.pid = parent;
	told.child = child;
}

static void on_executed(void *arg, pid_t pid)
{
	(void)arg;
	told.executed++;
	told.pid = pid;
}

static void on_exited(void *arg, pid_t pid)
{
	(void)arg;
	told.exited++;
	told.pid = pid;
}

static const struct mappings_events events = {
	.mapped = on_mapped, .forked = on_forked, .executed = on_executed, .exited = on_exited};

static int events_told(void)
{
	return told.mapped + told.forked + told.executed + told.exited;
}

/* ---- Lines of /proc/PID/maps ------------------------------------------------------------------------------------
 */

static void a_line_tells_an_executable_mapping_of_a_file(void **state)
{
	static const struct {
		const char *line, *path;
		struct mapping mapping;
	} lines[] = {
		{"7f12a4c28000-7f12a4db0000 r-xp 00028000 fe:01 1835 /usr/lib/x86_64-linux-gnu/libc.so.6\n",
		 "/usr/lib/x86_64-linux-gnu/libc.so.6",
		 {.start = 0x7f12a4c28000, .end = 0x7f12a4db0000, .major = 0xfe, .minor = 1, .inode = 1835}},
		{"00400000-00401000 r-xp 00000000 00:2f 18446744073709551615                   /opt/a b (deleted)\n",
		 "/opt/a b (deleted)",
		 {.start = 0x400000, .end = 0x401000, .major = 0, .minor = 0x2f, .inode = ~0ULL}},
		{"00400000-00401000 rwxs 00000000 103:05 7 /no-newline",
		 "/no-newline",
		 {.start = 0x400000, .end = 0x401000, .major = 0x103, .minor = 5, .inode = 7}},
	};
	char line[256];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const struct mapping *expected = &lines[i].mapping;
		struct mapping mapping;

		strcpy(line, lines[i].line);
		assert_true(mapping_of_line(line, 42, &mapping));
		assert_int_equal(mapping.pid, 42);
		assert_int_equal(mapping.start, expected->start);
		assert_int_equal(mapping.end, expected->end);
		assert_int_equal(mapping.major, expected->major);
		assert_int_equal(mapping.minor, expected->minor);
		assert_int_equal(mapping.inode, expected->inode);
		assert_int_equal(mapping.generation, 0);
		assert_string_equal(mapping.path, lines[i].path);
	}
}

static void other_lines_and_broken_ones_tell_nothing(void **state)
{
	static const char *const lines[] = {
		"7f12a4c00000-7f12a4c28000 r--p 00000000 fe:01 1835 /usr/lib/libc.so.6\n",
		"7f12a4c00000-7f12a4c28000 rw-p 00000000 fe:01 1835 /usr/lib/libc.so.6\n",
		"7ffd6b1d5000-7ffd6b1d7000 r-xp 00000000 00:00 0    [vdso]\n",
		"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n",
		"7f12a4c00000-7f12a4c28000 r-xp 00000000 00:00 0 \n",
		"7f12a4c00000-7f12a4c28000 r-xp 00000000 00:00 0 /dev/zero\n", /* no inode */
		"7f12a4c00000-7f12a4c28000 r-xp 00000000 00:01 9 anon_inode:[perf_event]\n",
		"7f12a4c00000-7f12a4c28000 r-xp 00000000 fe:01 1835\n",
		"7f12a4c00000-7f12a4c28000 r-xp 00000000 fe:01",
		"7f12a4c00000-7f12a4c28000 r",
		"7f12a4c00000 r-xp 00000000 fe:01 1835 /usr/lib/libc.so.6\n",
		"-",
		"\n",
		"",
	};
	struct guarded memory = guarded_new(256);

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct mapping mapping = {.pid = 7};
		char *line = (char *)guarded_copy(&memory, lines[i], strlen(lines[i]) + 1);

		if (mapping_of_line(line, 42, &mapping) || mapping.pid != 7)
			fail_msg("told: %s", lines[i]);
	}
}

static void a_line_cut_anywhere_is_never_read_past_its_end(void **state)
{
	static const char whole[] = "7f12a4c28000-7f12a4db0000 r-xp 00028000 fe:01 1835 /usr/lib/libc.so.6\n";
	struct guarded memory = guarded_new(256);
	struct mapping mapping;

	(void)state;
	for (size_t n = 0; n < sizeof(whole); n++) {
		char *line = (char *)guarded_copy(&memory, "", 1) - n;

		memcpy(line, whole, n);
		/* Only where a part of the path is there. */
		assert_int_equal(mapping_of_line(line, 42, &mapping), n > (size_t)(strchr(whole, '/') - whole));
	}
}

/* ---- Records of perf --------------------------------------------------------------------------------------------
 */

/* PERF_RECORD_MMAP2, with a path of up to 23 bytes (perf_event_open(2)). */
struct mmap2 {
	struct perf_event_header header;
	__u32 pid, tid;
	__u64 address, bytes, page_offset;
	__u32 major, minor;
	__u64 inode, generation;
	__u32 protection, flags;
	char path[24];
};

static const struct mmap2 mapped_record = {
	.header = {.type = PERF_RECORD_MMAP2, .size = sizeof(struct mmap2)},
	.pid = 42,
	.tid = 43,
	.address = 0x7000,
	.bytes = 0x1000,
	.major = 8,
	.minor = 1,
	.inode = 77,
	.generation = 5,
	.path = "/usr/lib/libssl.so.3",
};

struct task {
	struct perf_event_header header;
	__u32 pid, parent, tid, parent_tid;
	__u64 time;
};

/* Tells a record that ends where readable memory ends; whether records were lost. */
static bool tell(const void *record, size_t n)
{
	static struct guarded memory;
	bool lost = false;

	if (!memory.end)
		memory = guarded_new(256);
	memset(&told, 0, sizeof(told));
	mappings_tell(&events, (const void *)guarded_copy(&memory, record, n), &lost);
	return lost;
}

static void a_record_tells_a_mapping(void **state)
{
	(void)state;
	assert_false(tell(&mapped_record, sizeof(mapped_record)));
	assert_int_equal(told.mapped, 1);
	assert_int_equal(told.mapping.pid, 42);
	assert_int_equal(told.mapping.start, 0x7000);
	assert_int_equal(told.mapping.end, 0x8000);
	assert_int_equal(told.mapping.major, 8);
	assert_int_equal(told.mapping.minor, 1);
	assert_int_equal(told.mapping.inode, 77);
	assert_int_equal(told.mapping.generation, 5);
	assert_string_equal(told.path, "/usr/lib/libssl.so.3");
}

static void a_mapping_of_no_file_or_a_broken_record_tells_nothing(void **state)
{
	struct mmap2 record = mapped_record;

	(void)state;
	record.inode = 0;
	tell(&record, sizeof(record));
	assert_int_equal(events_told(), 0);
	record = mapped_record;
	memset(record.path, 'x', sizeof(record.path)); /* whose path has no end */
	tell(&record, sizeof(record));
	assert_int_equal(events_told(), 0);
	for (__u16 n = sizeof(record.header); n <= offsetof(struct mmap2, path); n += 8) {
		record = mapped_record;
		record.header.size = n;
		tell(&record, n);
		assert_int_equal(events_told(), 0);
	}
}

static void processes_are_told_from_threads(void **state)
{
	struct task task = {
		.header = {.type = PERF_RECORD_FORK, .size = sizeof(task)}, .pid = 50, .parent = 40, .tid = 50};

	(void)state;
	tell(&task, sizeof(task));
	assert_int_equal(told.forked, 1);
	assert_int_equal(told.pid, 40);
	assert_int_equal(told.child, 50);
	task.pid = 40; /* a thread of the same process */
	tell(&task, sizeof(task));
	assert_int_equal(events_told(), 0);
	task = (struct task){.header = {.type = PERF_RECORD_EXIT, .size = sizeof(task)}, .pid = 50, .tid = 50};
	tell(&task, sizeof(task));
	assert_int_equal(told.exited, 1);
	assert_int_equal(told.pid, 50);
	task.tid = 51;
	tell(&task, sizeof(task));
	assert_int_equal(events_told(), 0);
	for (__u16 n = sizeof(task.header); n < sizeof(task); n += 8)
		for (__u32 type = PERF_RECORD_EXIT; type <= PERF_RECORD_FORK; type++) {
			task = (struct task){.header = {.type = type, .size = n}, .pid = 50, .parent = 40, .tid = 50};
			tell(&task, n);
			assert_int_equal(events_told(), 0);
		}
}

static void a_name_that_changes_is_another_program_only_by_exec(void **state)
{
	struct {
		struct perf_event_header header;
		__u32 pid, tid;
		char name[8];
	} comm = {.header = {.type = PERF_RECORD_COMM, .size = sizeof(comm)}, .pid = 60, .tid = 60, .name = "name"};

	(void)state;
	tell(&comm, sizeof(comm));
	assert_int_equal(events_told(), 0);
	comm.header.misc = PERF_RECORD_MISC_COMM_EXEC;
	tell(&comm, sizeof(comm));
	assert_int_equal(told.executed, 1);
	assert_int_equal(told.pid, 60);
	comm.header.size = sizeof(comm.header);
	tell(&comm, sizeof(comm.header));
	assert_int_equal(events_told(), 0);
}

static void what_is_lost_is_told_and_what_is_unknown_passed_over(void **state)
{
	struct perf_event_header header = {.type = PERF_RECORD_LOST, .size = sizeof(header)};

	(void)state;
	assert_true(tell(&header, sizeof(header)));
	header.type = PERF_RECORD_THROTTLE;
	assert_false(tell(&header, sizeof(header)));
	assert_int_equal(events_told(), 0);
}

/* ---- As it happens ----------------------------------------------------------------------------------------------
 */

static struct {
	pid_t child;
	bool forked, mapped, executed, exited;
	bool disordered; /* something of the child came before its fork, or behind its end */
} seen;

static void see_mapped(void *arg, const struct mapping *mapping)
{
	(void)arg;
	if (mapping->pid == seen.child && strstr(mapping->path, "/libBrokenLocale.so"))
		seen.mapped = true;
}

static void see_forked(void *arg, pid_t parent, pid_t child)
{
	(void)arg;
	seen.forked |= parent == getpid() && child == seen.child;
	seen.disordered |= seen.forked && child == seen.child && (seen.executed || seen.exited);
}

static void see_executed(void *arg, pid_t pid)
{
	(void)arg;
	seen.executed |= pid == seen.child;
	seen.disordered |= pid == seen.child && seen.exited;
}

static void see_exited(void *arg, pid_t pid)
{
	(void)arg;
	seen.exited |= pid == seen.child;
}

/* The C library's own, which nobody uses. */
#define LIBRARY "libBrokenLocale.so.1"

static struct {
	pid_t pid;
	int orders, answers;
} child;

/* A child that loads a library, says so, and then becomes another program, each when it is told to. */
static _Noreturn void child_run(int orders, int answers)
{
	char order;

	if (read(orders, &order, 1) == 1 && dlopen(LIBRARY, RTLD_NOW) && write(answers, "l", 1) == 1 &&
	    read(orders, &order, 1) == 1)
		execl("/bin/true", "true", NULL);
	_exit(1);
}

static void child_begin(void)
{
	int orders[2], answers[2];

	assert_int_equal(pipe(orders) | pipe(answers), 0);
	memset(&seen, 0, sizeof(seen));
	child.pid = fork();
	assert_true(child.pid >= 0);
	if (!child.pid) {
		close(orders[1]);
		child_run(orders[0], answers[1]);
	}
	seen.child = child.pid;
	close(orders[0]);
	close(answers[1]);
	child.orders = orders[1];
	child.answers = answers[0];
}

static void child_loads(void)
{
	char answer;

	assert_int_equal(write(child.orders, "l", 1), 1);
	assert_int_equal(read(child.answers, &answer, 1), 1);
}

static void child_executes(void)
{
	assert_int_equal(write(child.orders, "e", 1), 1);
}

static void child_ends(void)
{
	int status;

	assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
	assert_int_equal(status, 0);
	close(child.orders);
	close(child.answers);
}

static double now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Whether it is seen within some seconds. */
static bool comes(struct mappings *mappings, const bool *event)
{
	struct pollfd wait = {.fd = mappings_fd(mappings), .events = POLLIN};
	double deadline = now() + 10;

	while (!*event && now() < deadline) {
		bool lost;

		poll(&wait, 1, 100);
		mappings_drain(mappings, &lost);
		assert_false(lost);
	}
	return *event;
}

/* NULL: not for who is not root. */
static struct mappings *open_rings(void)
{
	const struct mappings_events all = {
		.mapped = see_mapped, .forked = see_forked, .executed = see_executed, .exited = see_exited};
	struct mappings *mappings = NULL;
	int err = mappings_open(&mappings, &all);

	if ((err == -EACCES || err == -EPERM) && geteuid())
		return NULL;
	assert_int_equal(err, 0);
	return mappings;
}

static void what_a_child_does_is_told_as_it_happens(void **state)
{
	struct mappings *mappings = open_rings();

	(void)state;
	if (!mappings)
		skip_because("perf events of all processes need root");
	child_begin();
	assert_true(comes(mappings, &seen.forked));
	assert_false(seen.mapped || seen.executed || seen.exited);
	child_loads();
	assert_true(comes(mappings, &seen.mapped));
	assert_false(seen.executed || seen.exited);
	child_executes();
	assert_true(comes(mappings, &seen.executed));
	assert_true(comes(mappings, &seen.exited));
	child_ends();
	mappings_close(mappings);
}

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		skip_because("the CPUs that tests may use are others");
}

/* A fork on one CPU and an exec on another, for each pair of the first two: the kernel keeps their records apart. */
static void what_several_cpus_tell_is_told_in_order(void **state)
{
	struct mappings *mappings = open_rings();
	cpu_set_t before;

	(void)state;
	if (!mappings)
		skip_because("perf events of all processes need root");
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	if (CPU_COUNT(&before) < 2)
		skip_because("there is but one CPU");
	for (int cpu = 0; cpu < 2; cpu++) {
		int ready[2];
		char byte;

		memset(&seen, 0, sizeof(seen));
		assert_int_equal(pipe(ready), 0);
		run_on(cpu);
		seen.child = fork();
		assert_true(seen.child >= 0);
		if (!seen.child) {
			run_on(!cpu);
			if (read(ready[0], &byte, 1) == 1)
				execl("/bin/true", "true", NULL);
			_exit(1);
		}
		assert_int_equal(write(ready[1], "", 1), 1);
		assert_int_equal(waitpid(seen.child, NULL, 0), seen.child);
		assert_true(comes(mappings, &seen.exited));
		assert_true(seen.forked && seen.executed && !seen.disordered);
		close(ready[0]);
		close(ready[1]);
	}
	sched_setaffinity(0, sizeof(before), &before);
	mappings_close(mappings);
}

static void a_scan_tells_what_a_process_mapped_before(void **state)
{
	struct mappings *mappings;
	size_t closed;

	(void)state;
	child_begin();
	child_loads();
	mappings = open_rings();
	if (mappings) {
		assert_int_equal(mappings_scan(mappings, &closed), 0);
		assert_true(seen.mapped);
	}
	child_executes();
	child_ends();
	if (!mappings)
		skip_because("perf events of all processes need root");
	mappings_close(mappings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_tells_an_executable_mapping_of_a_file),
		cmocka_unit_test(other_lines_and_broken_ones_tell_nothing),
		cmocka_unit_test(a_line_cut_anywhere_is_never_read_past_its_end),
		cmocka_unit_test(a_record_tells_a_mapping),
		cmocka_unit_test(a_mapping_of_no_file_or_a_broken_record_tells_nothing),
		cmocka_unit_test(processes_are_told_from_threads),
		cmocka_unit_test(a_name_that_changes_is_another_program_only_by_exec),
		cmocka_unit_test(what_is_lost_is_told_and_what_is_unknown_passed_over),
		cmocka_unit_test(what_a_child_does_is_told_as_it_happens),
		cmocka_unit_test(what_several_cpus_tell_is_told_in_order),
		cmocka_unit_test(a_scan_tells_what_a_process_mapped_before),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
