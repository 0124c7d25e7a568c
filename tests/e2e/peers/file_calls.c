// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Operations on files by each of their system calls, a known number of each, between two lines of standard input;
 * says "done" behind them. tests/e2e/test_file_counts.py has the numbers. Argument: DIRECTORY, empty.
 */
#define _GNU_SOURCE
#include "peer.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static char data[4096];

static int ok(long result, const char *what)
{
	if (result < 0)
		die(what);
	return (int)result;
}

static void fails(long result, const char *what)
{
	if (result >= 0) {
		fprintf(stderr, "%s worked\n", what);
		exit(1);
	}
}

/* 7 that succeed, 3 that fail. */
static int opens(void)
{
	struct open_how how = {.flags = O_CREAT | O_RDWR, .mode = 0600};
	int file = ok(openat(AT_FDCWD, "a", O_CREAT | O_RDWR, 0600), "openat");

	close(ok(syscall(SYS_openat2, AT_FDCWD, "b", &how, sizeof(how)), "openat2"));
#ifdef SYS_open
	close(ok(syscall(SYS_open, "c", O_CREAT | O_WRONLY, 0600), "open"));
	close(ok(syscall(SYS_creat, "d", 0600), "creat"));
	fails(syscall(SYS_open, "missing", O_RDONLY), "open");
#else
	close(ok(openat(AT_FDCWD, "c", O_CREAT | O_WRONLY, 0600), "openat"));
	close(ok(openat(AT_FDCWD, "d", O_CREAT | O_WRONLY, 0600), "openat"));
	fails(openat(AT_FDCWD, "missing", O_RDONLY), "openat");
#endif
	close(ok(openat(AT_FDCWD, ".", O_TMPFILE | O_RDWR, 0600), "O_TMPFILE"));
	close(ok(openat(AT_FDCWD, "a", O_RDONLY), "openat"));
	close(ok(openat(AT_FDCWD, "a", O_RDONLY), "openat"));
	fails(openat(AT_FDCWD, "a", O_CREAT | O_EXCL | O_RDWR, 0600), "O_EXCL");
	how.flags = O_RDONLY;
	how.mode = 0;
	fails(syscall(SYS_openat2, AT_FDCWD, "missing", &how, sizeof(how)), "openat2");
	return file;
}

/* 8 that succeed with 2910 bytes, 1 that fails. */
static void writes(int file)
{
	struct iovec parts[2] = {{data, 100}, {data + 100, 200}};
	int reader = ok(openat(AT_FDCWD, "a", O_PATH), "O_PATH"); /* not counted */

	close(reader);
	for (int i = 0; i < 4; i++)
		ok(write(file, data, 500), "write");
	ok(writev(file, parts, 2), "writev");
	ok(pwrite(file, data, 10, 0), "pwrite");
	ok(pwritev(file, parts, 2, 0), "pwritev");
	ok(pwritev2(file, parts, 2, 0, 0), "pwritev2");
	fails(pwrite(file, data, 1, -1), "pwrite");
}

/* 9 that succeed with 1630 bytes, 1 that fails. */
static void reads(int file)
{
	struct iovec parts[2] = {{data, 10}, {data + 100, 20}};

	ok(lseek(file, 0, SEEK_SET), "lseek");
	for (int i = 0; i < 3; i++)
		ok(read(file, data, 500), "read");
	ok(readv(file, parts, 2), "readv");
	ok(pread(file, data, 40, 0), "pread");
	ok(preadv(file, parts, 2, 0), "preadv");
	ok(preadv2(file, parts, 2, 0, 0), "preadv2");
	ok(pread(file, data, 100, 1 << 20), "pread"); /* at the end: nothing */
	ok(pread(file, data, 0, 0), "pread");
	fails(pread(file, data, 1, -1), "pread");
}

/* 2 reads and 2 writes of 100 bytes; 1 read of 50 to a socket. */
static void copies(int file)
{
	int to = ok(openat(AT_FDCWD, "copy", O_CREAT | O_RDWR, 0600), "openat"), pair[2]; /* an eighth open */
	off_t from = 0;
	loff_t at = 0;

	ok(sendfile(to, file, &from, 100), "sendfile");
	ok(copy_file_range(file, &at, to, NULL, 100, 0), "copy_file_range");
	ok(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
	ok(sendfile(pair[0], file, &from, 50), "sendfile");
	ok(read(pair[1], data, 50), "read"); /* a socket: not counted */
	close(pair[0]);
	close(pair[1]);
	close(to);
}

/* 4 fsync; 3 truncate, 1 that fails; 4 rename, 1 that fails; 2 unlink, 1 that fails. */
static void others(int file)
{
	ok(fsync(file), "fsync");
	ok(fsync(file), "fsync");
	ok(fdatasync(file), "fdatasync");
	ok(sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WRITE), "sync_file_range");
	ok(ftruncate(file, 100), "ftruncate");
	ok(ftruncate(file, 10), "ftruncate");
	ok(truncate("b", 10), "truncate");
	fails(truncate("missing", 10), "truncate");
	ok(renameat(AT_FDCWD, "a", AT_FDCWD, "a1"), "renameat");
	ok(renameat2(AT_FDCWD, "a1", AT_FDCWD, "a2", 0), "renameat2");
#ifdef SYS_rename
	ok(syscall(SYS_rename, "a2", "a3"), "rename");
	ok(syscall(SYS_rename, "a3", "a4"), "rename");
#else
	ok(renameat(AT_FDCWD, "a2", AT_FDCWD, "a3"), "renameat");
	ok(renameat(AT_FDCWD, "a3", AT_FDCWD, "a4"), "renameat");
#endif
	fails(renameat(AT_FDCWD, "missing", AT_FDCWD, "x"), "renameat");
#ifdef SYS_unlink
	ok(syscall(SYS_unlink, "a4"), "unlink");
#else
	ok(unlinkat(AT_FDCWD, "a4", 0), "unlinkat");
#endif
	ok(unlinkat(AT_FDCWD, "b", 0), "unlinkat");
	fails(unlinkat(AT_FDCWD, "missing", 0), "unlinkat");
}

/* What is no regular file. */
static void not_counted(void)
{
	int fd = ok(openat(AT_FDCWD, ".", O_RDONLY), "openat"), ends[2];
	__u64 one = 1;

	ok(fsync(fd), "fsync of a directory");
	fails(read(fd, data, 1), "read of a directory");
	close(fd);
	close(ok(openat(AT_FDCWD, ".", O_RDONLY | O_DIRECTORY), "openat"));
	fails(openat(AT_FDCWD, "c", O_RDONLY | O_DIRECTORY), "openat");
	fd = ok(openat(AT_FDCWD, "/dev/null", O_RDWR), "/dev/null");
	ok(write(fd, data, 100), "write");
	close(fd);
	fd = ok(openat(AT_FDCWD, "/proc/self/stat", O_RDONLY), "/proc");
	ok(read(fd, data, 100), "read");
	close(fd);
	ok(pipe(ends), "pipe");
	ok(write(ends[1], data, 100), "write");
	ok(read(ends[0], data, 100), "read");
	fd = ok(eventfd(0, 0), "eventfd");
	ok(write(fd, &one, sizeof(one)), "write");
	fails(read(1234, data, 1), "read");
	mkdir("directory", 0700);
	ok(unlinkat(AT_FDCWD, "directory", AT_REMOVEDIR), "rmdir");
}

int main(int argc, char **argv)
{
	int file;

	if (argc != 2 || chdir(argv[1]))
		die("chdir");
	puts("ready");
	fflush(stdout);
	while (getchar() != '\n')
		;
	file = opens();
	writes(file);
	reads(file);
	copies(file);
	others(file);
	not_counted();
	puts("done");
	fflush(stdout);
	while (getchar() != '\n')
		;
	return 0;
}
