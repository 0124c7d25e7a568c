// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tests of user/binaries.c with files in a directory of their own: which mappings are of one file, and for how long
 * it is kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "binaries.h"
#include "skip.h"

#define SECOND_NS 1000000000ULL
#define LINGER_NS (10 * SECOND_NS)

/* Of processes that need not exist: a file is found by its path then. That of a mapping is seen from this one. */
enum { FIRST = 1000000000, SECOND, THIRD };

static struct {
	char folder[64];
	struct binaries *binaries;
	int examined, released; /* how often */
	int refuse;             /* what examining returns */
	size_t probes;          /* that examining attaches */
} world;

static int on_examine(void *arg, int fd, const char *path, struct binary *binary, bool is_new, __u64 probes)
{
	(void)arg;
	binary->n_probes = world.probes;
	assert_true(fd >= 0);
	assert_non_null(path);
	assert_true(is_new);
	assert_int_equal(probes, 0);
	world.examined++;
	return world.refuse;
}

static void on_release(void *arg, struct binary *binary)
{
	assert_ptr_equal(arg, &world);
	assert_non_null(binary);
	world.released++;
}

static int begin(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	strcpy(world.folder, "/tmp/tapstat-binaries-XXXXXX");
	if (!mkdtemp(world.folder))
		return -1;
	world.binaries = binaries_new(on_examine, on_release, &world);
	return world.binaries ? 0 : -1;
}

static int end(void **state)
{
	char command[96];

	(void)state;
	binaries_free(world.binaries);
	snprintf(command, sizeof(command), "rm -rf %s", world.folder);
	return system(command) ? -1 : 0;
}

static const char *path_of(const char *name)
{
	static char path[2][128];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", world.folder, name);
	return path[turn];
}

static void make_file(const char *name, const char *text)
{
	FILE *file = fopen(path_of(name), "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* A mapping of the file in this process, by its path: the address is nobody's. */
static struct mapping mapping_of(const char *name)
{
	struct mapping mapping = {.pid = getpid(), .path = path_of(name)};
	struct stat st;

	assert_int_equal(stat(mapping.path, &st), 0);
	mapping.inode = st.st_ino;
	mapping.major = 8;
	mapping.minor = 1;
	return mapping;
}

static struct binary *maps(const char *name)
{
	const struct mapping mapping = mapping_of(name);

	return binaries_mapped(world.binaries, &mapping, 0);
}

/* ---- Which file -------------------------------------------------------------------------------------------------
 */

static void a_file_is_one_binary_however_often_it_is_mapped(void **state)
{
	struct mapping mapping;
	struct binary *binary;

	(void)state;
	make_file("library", "code");
	binary = maps("library");
	assert_non_null(binary);
	mapping = mapping_of("library");
	mapping.start = 0x7000;
	assert_ptr_equal(binaries_mapped(world.binaries, &mapping, 0), binary);
	mapping.minor++; /* of a device by which another container sees it */
	assert_ptr_equal(binaries_mapped(world.binaries, &mapping, 0), binary);
	binaries_forget_names(world.binaries);
	assert_ptr_equal(maps("library"), binary);
	assert_int_equal(world.examined, 1);
	assert_int_equal(binaries_count(world.binaries), 1);
}

static void a_file_of_two_names_is_one_binary(void **state)
{
	struct binary *binary;

	(void)state;
	make_file("library", "code");
	assert_int_equal(link(path_of("library"), path_of("linked")), 0);
	assert_int_equal(symlink("library", path_of("symbolic")), 0);
	binary = maps("library");
	assert_ptr_equal(maps("linked"), binary);
	assert_ptr_equal(binaries_keep(world.binaries, path_of("symbolic")), binary);
	assert_int_equal(world.examined, 1);
}

static void a_probed_file_stays_one_binary_whatever_its_times(void **state)
{
	const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	struct binary *binary;
	struct statfs fs;

	(void)state;
	assert_int_equal(statfs(world.folder, &fs), 0);
	if (fs.f_type == OVERLAYFS_SUPER_MAGIC)
		skip_because("/tmp is an overlay, where files are told apart by their times, too");
	make_file("library", "code");
	world.probes = 1;
	binary = maps("library");
	assert_int_equal(chmod(path_of("library"), 0700), 0);
	assert_int_equal(link(path_of("library"), path_of("linked")), 0);
	assert_int_equal(utimensat(AT_FDCWD, path_of("library"), times, 0), 0);
	binaries_forget_names(world.binaries);
	assert_ptr_equal(maps("linked"), binary);
	assert_int_equal(world.examined, 1);
	assert_false(binaries_changed(world.binaries));
}

static void equal_files_are_two_binaries(void **state)
{
	(void)state;
	make_file("library", "code");
	make_file("copy", "code");
	assert_ptr_not_equal(maps("library"), maps("copy"));
	assert_int_equal(binaries_count(world.binaries), 2);
}

static void a_file_of_no_interest_is_examined_once_until_names_are_forgotten(void **state)
{
	(void)state;
	make_file("plain", "nothing");
	world.refuse = -2;
	assert_null(maps("plain"));
	assert_null(maps("plain"));
	assert_int_equal(world.examined, 1);
	assert_int_equal(binaries_count(world.binaries), 0);
	world.refuse = 0; /* the inode may be another file's by now */
	binaries_forget_names(world.binaries);
	assert_non_null(maps("plain"));
	assert_int_equal(world.examined, 2);
}

static void what_is_no_file_or_gone_is_not_examined(void **state)
{
	struct mapping mapping;

	(void)state;
	make_file("library", "code");
	mapping = mapping_of("library");
	mapping.inode++; /* another one is at this path by now */
	assert_null(binaries_mapped(world.binaries, &mapping, 0));
	mapping = mapping_of("library");
	mapping.pid = FIRST; /* has ended */
	mapping.minor++;
	assert_null(binaries_mapped(world.binaries, &mapping, 0));
	assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
	assert_null(maps("pipe"));
	assert_null(binaries_keep(world.binaries, path_of("missing")));
	assert_null(binaries_keep(world.binaries, world.folder));
	assert_int_equal(world.examined, 0);
}

static void a_deleted_file_is_found_by_its_mapping(void **state)
{
	struct mapping mapping;
	int fd, open_fd;
	void *at;

	(void)state;
	make_file("library", "code");
	mapping = mapping_of("library");
	fd = open(path_of("library"), O_RDONLY);
	at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(at != MAP_FAILED);
	close(fd);
	assert_int_equal(unlink(path_of("library")), 0);
	mapping.start = (__u64)at;
	mapping.end = mapping.start + 4096;
	open_fd = mapping_open(&mapping);
	if (open_fd < 0 && geteuid()) {
		munmap(at, 4096);
		skip_because("/proc/PID/map_files needs root");
	}
	assert_true(open_fd >= 0);
	close(open_fd);
	assert_non_null(binaries_mapped(world.binaries, &mapping, 0));
	munmap(at, 4096);
}

/* Mounts an overlay of `lower` at `name`, with what it needs in a file system in memory. 0: it is mounted. */
static int mount_overlay(const char *name)
{
	char options[512], at[128];

	snprintf(at, sizeof(at), "%s", path_of(name));
	snprintf(options, sizeof(options), "lowerdir=%s/lower,upperdir=%s-upper,workdir=%s-work", world.folder, at,
		 at);
	snprintf(at + strlen(at), 8, "-upper");
	mkdir(at, 0700);
	strcpy(strrchr(at, '-'), "-work");
	mkdir(at, 0700);
	*strrchr(at, '-') = '\0';
	mkdir(at, 0700);
	return mount("overlay", at, "overlay", 0, options);
}

static void a_file_below_two_overlays_is_one_binary_until_one_of_them_changes_it(void **state)
{
	struct mapping first, second;
	struct binary *binary;

	(void)state;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		skip_because("no mount namespace of its own: needs root");
	if (mount("tmpfs", world.folder, "tmpfs", 0, NULL))
		skip_because("tmpfs can't be mounted");
	assert_int_equal(mkdir(path_of("lower"), 0755), 0);
	make_file("lower/library", "code");
	if (mount_overlay("one") || mount_overlay("two")) {
		umount2(world.folder, MNT_DETACH);
		skip_because("overlays can't be mounted");
	}
	first = mapping_of("one/library");
	binary = binaries_mapped(world.binaries, &first, 0);
	assert_non_null(binary);
	second = mapping_of("two/library");
	second.minor++;
	assert_ptr_equal(binaries_mapped(world.binaries, &second, 0), binary);
	assert_int_equal(world.examined, 1);
	make_file("two/library", "another");
	second = mapping_of("two/library");
	second.minor += 2;
	assert_ptr_not_equal(binaries_mapped(world.binaries, &second, 0), binary);
	umount2(world.folder, MNT_DETACH);
}

/* ---- For how long -----------------------------------------------------------------------------------------------
 */

/* What is left `seconds` after; whether some wait to be released. */
static bool expire_at(__u64 seconds)
{
	return binaries_expire(world.binaries, seconds * SECOND_NS, LINGER_NS);
}

static void a_binary_goes_some_time_after_its_last_process(void **state)
{
	(void)state;
	make_file("library", "code");
	maps("library");
	assert_false(expire_at(1000)); /* in use */
	binaries_left(world.binaries, getpid(), 1000 * SECOND_NS);
	assert_true(expire_at(1009));
	assert_int_equal(world.released, 0);
	assert_false(expire_at(1010));
	assert_int_equal(world.released, 1);
	assert_int_equal(binaries_count(world.binaries), 0);
	assert_non_null(maps("library"));
	assert_int_equal(world.examined, 2);
}

static void a_process_that_comes_back_in_time_finds_it(void **state)
{
	(void)state;
	make_file("library", "code");
	maps("library");
	binaries_left(world.binaries, getpid(), 1000 * SECOND_NS); /* another program in it */
	maps("library");
	assert_false(expire_at(2000));
	assert_int_equal(world.released, 0);
	assert_int_equal(world.examined, 1);
}

static void a_child_has_what_its_parent_maps(void **state)
{
	(void)state;
	make_file("library", "code");
	maps("library");
	binaries_forked(world.binaries, getpid(), FIRST);
	binaries_forked(world.binaries, FIRST, SECOND);
	binaries_forked(world.binaries, THIRD, THIRD + 1); /* of a process that maps nothing */
	binaries_left(world.binaries, getpid(), SECOND_NS);
	binaries_left(world.binaries, FIRST, 2 * SECOND_NS);
	assert_false(expire_at(1000));
	binaries_left(world.binaries, SECOND, 1000 * SECOND_NS);
	assert_true(expire_at(1001));
	assert_false(expire_at(1010));
	assert_int_equal(world.released, 1);
}

static void a_process_leaves_everything_it_maps_and_nothing_of_others(void **state)
{
	(void)state;
	make_file("library", "code");
	make_file("other", "more");
	maps("library");
	maps("other");
	binaries_forked(world.binaries, getpid(), FIRST);
	binaries_left(world.binaries, FIRST, SECOND_NS);
	assert_false(expire_at(1000));
	binaries_left(world.binaries, getpid(), SECOND_NS);
	assert_false(expire_at(1000));
	assert_int_equal(world.released, 2);
}

static void many_processes_come_and_go_in_any_order(void **state)
{
	enum { PROCESSES = 1000 };

	(void)state;
	make_file("library", "code");
	maps("library");
	for (int i = 0; i < PROCESSES; i++)
		binaries_forked(world.binaries, getpid(), FIRST + i * 7919 % PROCESSES);
	binaries_left(world.binaries, getpid(), SECOND_NS);
	for (int i = 0; i < PROCESSES; i++) {
		assert_false(expire_at(1000));
		binaries_left(world.binaries, FIRST + i * 104729 % PROCESSES, SECOND_NS);
	}
	assert_false(expire_at(1000));
	assert_int_equal(world.released, 1);
}

static void a_kept_binary_stays_without_a_process(void **state)
{
	(void)state;
	make_file("library", "code");
	assert_non_null(binaries_keep(world.binaries, path_of("library")));
	maps("library");
	binaries_left(world.binaries, getpid(), SECOND_NS);
	assert_false(expire_at(1000));
	assert_int_equal(binaries_count(world.binaries), 1);
	assert_int_equal(world.released, 0);
}

static void the_end_releases_everything(void **state)
{
	(void)state;
	make_file("library", "code");
	make_file("other", "more");
	maps("library");
	binaries_keep(world.binaries, path_of("other"));
	binaries_free(world.binaries);
	world.binaries = NULL;
	assert_int_equal(world.released, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_one_binary_however_often_it_is_mapped),
		TEST(a_file_of_two_names_is_one_binary),
		TEST(a_probed_file_stays_one_binary_whatever_its_times),
		TEST(equal_files_are_two_binaries),
		TEST(a_file_of_no_interest_is_examined_once_until_names_are_forgotten),
		TEST(what_is_no_file_or_gone_is_not_examined),
		TEST(a_deleted_file_is_found_by_its_mapping),
		TEST(a_binary_goes_some_time_after_its_last_process),
		TEST(a_process_that_comes_back_in_time_finds_it),
		TEST(a_child_has_what_its_parent_maps),
		TEST(a_process_leaves_everything_it_maps_and_nothing_of_others),
		TEST(many_processes_come_and_go_in_any_order),
		TEST(a_kept_binary_stays_without_a_process),
		TEST(the_end_releases_everything),
		TEST(a_file_below_two_overlays_is_one_binary_until_one_of_them_changes_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
