/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which probes a mapped file is for: by its path, and as the executable of a service, by a /proc made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "probe_targets.h"
#include "process_names.h"

enum { PID = 42, PATH_BYTES = 256, INVOKED_AT = 64 };

static char proc[PATH_BYTES];

static void path_of(const char *name, char path[PATH_BYTES])
{
	assert_true(snprintf(path, PATH_BYTES, "%s/%s", proc, name) < PATH_BYTES);
}

static void put(const char *name, const void *bytes, size_t size)
{
	char path[PATH_BYTES];
	FILE *file;

	path_of(name, path);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	fclose(file);
}

/* A process; each text NULL: it has none. `arguments` with its NULs. */
static __u64 make_process(const char *exe, const char *invoked, const char *arguments, size_t size,
			  const char *cgroup)
{
	Elf64_auxv_t vector[] = {{AT_PAGESZ, {4096}}, {AT_EXECFN, {INVOKED_AT}}, {AT_NULL, {0}}};
	char path[PATH_BYTES], link[PATH_BYTES], memory[PATH_BYTES] = "";
	struct stat st;

	path_of("42", path);
	mkdir(path, 0755);
	path_of(exe, path);
	put(exe, "program", 7);
	path_of("42/exe", link);
	unlink(link);
	assert_int_equal(symlink(path, link), 0);
	if (invoked)
		snprintf(memory + INVOKED_AT, sizeof(memory) - INVOKED_AT, "%s", invoked);
	put("42/mem", memory, sizeof(memory));
	put("42/auxv", vector, invoked ? sizeof(vector) : 0);
	put("42/cmdline", arguments, size);
	put("42/cgroup", cgroup, strlen(cgroup));
	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

#define ARGUMENTS(text) text, sizeof(text)

static bool has_name(const struct process_names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->name[i], name))
			return true;
	return false;
}

static void names_are_all_that_the_kernel_side_may_take(void **state)
{
	struct process_names names;

	(void)state;
	make_process("node", "/usr/bin/nodejs", ARGUMENTS("node\0--require\0x\0/srv/chat.js\0--port"),
		     "12:cpu:/a\n0::/system.slice/talk.service\n");
	assert_int_equal(process_names_read(proc, PID, &names), 0);
	assert_int_equal(names.n, 4);
	assert_true(has_name(&names, "node") && has_name(&names, "nodejs") && has_name(&names, "chat") &&
		    has_name(&names, "talk"));
	make_process("redis-check-rdb", "/usr/bin/redis-server", ARGUMENTS("redis-server *:6379"), "0::/\n");
	assert_int_equal(process_names_read(proc, PID, &names), 0);
	assert_int_equal(names.n, 2);
	assert_true(has_name(&names, "redis-check-rdb") && has_name(&names, "redis-server"));
}

static void a_process_in_an_exec_and_none_at_all_are_told(void **state)
{
	struct process_names names = {.n = 77};

	(void)state;
	make_process("node", NULL, ARGUMENTS(""), "");
	assert_int_equal(process_names_read(proc, PID, &names), -EAGAIN);
	assert_int_equal(process_names_read(proc, PID + 1, &names), -ENOENT);
	assert_int_equal(names.n, 77);
}

static void patterns_of_paths_are_as_documented(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool matches;
	} rows[] = {
		{"nginx", "/usr/sbin/nginx", true},
		{"nginx", "/usr/sbin/nginx-debug", false},
		{"ngin?", "/usr/sbin/nginx", true},
		{"sbin", "/usr/sbin/nginx", false},
		{"*/sbin/nginx", "/usr/sbin/nginx", true},
		{"/usr/*", "/usr/sbin/nginx", true},
		{"/usr/sbin", "/usr/sbin/nginx", false},
		{"libz.so.1", "/usr/lib/libz.so.1.2.13", true},
		{"/usr/lib/libz.so", "/usr/lib/libz.so.1.2.13", true},
		{"libz.so.1", "/usr/lib/libz.so.12", false},
		{"node", "/usr/bin/node.1", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (probe_target_is_path(rows[i].pattern, rows[i].path) != rows[i].matches)
			fail_msg("%s, %s", rows[i].pattern, rows[i].path);
}

static __u64 targets(const char *yaml, const struct mapping *mapping)
{
	static struct config_error why;
	static struct config config;

	config_init(&config);
	assert_int_equal(config_parse(yaml, strlen(yaml), &config, &why), 0);
	return probe_targets(&config, proc, mapping);
}

#define PROBE(where, n) "  - {" where ", function: f, calls: {name: f" #n "_total}}\n"

static void a_file_has_the_probes_of_its_paths_and_services(void **state)
{
	static const char yaml[] =
		"services:\n  - {name: renamed, exe: '/opt/*', comm: work*, service: chat}\n"
		"probes:\n" PROBE("binary: node", 0) PROBE("service: chat", 1) PROBE("service: other", 2)
			PROBE("service: renamed", 3) PROBE("service: 'n*'", 4);
	struct mapping mapping = {.pid = PID, .path = "/opt/node (deleted)"};

	(void)state;
	mapping.inode = make_process("node", "/opt/node", ARGUMENTS("node\0chat.js"), "");
	assert_int_equal(targets(yaml, &mapping), 1 << 0 | 1 << 1 | 1 << 3 | 1 << 4);
	mapping.path = "/usr/bin/node"; /* not the rule's */
	assert_int_equal(targets(yaml, &mapping), 1 << 0 | 1 << 1 | 1 << 4);
	mapping.path = "/usr/lib/libuv.so.1"; /* a library is not the executable */
	mapping.inode++;
	assert_int_equal(targets(yaml, &mapping), 0);
}

static void a_path_leads_to_its_file_by_links_in_the_root_of_the_process(void **state)
{
	static const char yaml[] = "probes:\n" PROBE("binary: /bin/linked", 0) PROBE("binary: /bin/other", 1);
	struct mapping mapping = {.pid = PID, .path = "/bin/real"};
	char path[PATH_BYTES];

	(void)state;
	make_process("node", "/opt/node", ARGUMENTS("node"), "");
	path_of("42/root", path);
	assert_int_equal(mkdir(path, 0755), 0);
	path_of("42/root/bin", path);
	assert_int_equal(mkdir(path, 0755), 0);
	put("42/root/bin/real", "program", 7);
	put("42/root/bin/other", "program", 7);
	path_of("42/root/bin/linked", path);
	assert_int_equal(symlink("real", path), 0);
	{
		struct stat st;

		assert_int_equal(stat(path, &st), 0);
		mapping.inode = st.st_ino;
	}
	assert_int_equal(targets(yaml, &mapping), 1 << 0);
}

static int make_directory(void **state)
{
	(void)state;
	snprintf(proc, sizeof(proc), "/tmp/test_probe_targets.XXXXXX");
	return mkdtemp(proc) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st, (void)type, (void)place;
	return remove(path);
}

static int remove_directory(void **state)
{
	(void)state;
	return nftw(proc, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_all_that_the_kernel_side_may_take),
		cmocka_unit_test(a_process_in_an_exec_and_none_at_all_are_told),
		cmocka_unit_test(patterns_of_paths_are_as_documented),
		cmocka_unit_test(a_file_has_the_probes_of_its_paths_and_services),
		cmocka_unit_test(a_path_leads_to_its_file_by_links_in_the_root_of_the_process),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
