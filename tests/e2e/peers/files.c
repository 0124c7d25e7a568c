/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Does an exactly known number of file operations, once in each way that the kernel offers, and says how many.
 * Arguments: a directory, then the rounds. Begins at a line of standard input, so that what the loader does is over;
 * then prints {"counts": {"open success": N, …}, "read": BYTES, "written": BYTES} and waits for the end of input. Its
 * pipes, sockets and an eventfd are no files.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum operation { OPEN, READ, WRITE, FSYNC, RENAME, UNLINK, TRUNCATE, OPERATIONS };

static const char *const names[OPERATIONS] = {"open", "read", "write", "fsync", "rename", "unlink", "truncate"};
static long counts[OPERATIONS][2]; /* success, failed */
static long bytes_read, bytes_written;
static int directory;

/* Counts one call by its result, which must be as foreseen: 0 or more, or -1 with this errno. */
static long did(enum operation operation, long result, int expected_errno)
{
	if (expected_errno ? result != -1 || errno != expected_errno : result < 0) {
		fprintf(stderr, "%s: result %ld, errno %d instead of %d\n", names[operation], result, errno,
			expected_errno);
		exit(1);
	}
	counts[operation][result < 0]++;
	if (result > 0 && operation == READ)
		bytes_read += result;
	if (result > 0 && operation == WRITE)
		bytes_written += result;
	return result;
}

static void opening(void)
{
	struct {
		unsigned long long flags, mode, resolve;
	} how = {.flags = O_RDONLY};

	close(did(OPEN, openat(directory, "a", O_CREAT | O_RDWR | O_TRUNC, 0600), 0));
	close(did(OPEN, openat(directory, "a", O_RDONLY), 0));
	close(did(OPEN, syscall(SYS_openat2, directory, "a", &how, sizeof(how)), 0));
#ifdef SYS_open
	close(did(OPEN, syscall(SYS_open, "b", O_CREAT | O_WRONLY, 0600), 0));
	close(did(OPEN, syscall(SYS_creat, "b", 0600), 0));
#else
	close(did(OPEN, openat(directory, "b", O_CREAT | O_WRONLY, 0600), 0));
	close(did(OPEN, openat(directory, "b", O_WRONLY | O_TRUNC, 0600), 0));
#endif
	did(OPEN, openat(directory, "absent", O_RDONLY), ENOENT);
	did(OPEN, openat(directory, "a", O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST);
	did(OPEN, openat(directory, "a/below", O_RDONLY), ENOTDIR);
}

static void writing_and_reading(void)
{
	static char data[300000], more[1000];
	struct iovec out[3] = {{data, 100}, {more, 1000}, {data, 1}};
	struct iovec in[2] = {{data, 50}, {more, 7}};
	int file = did(OPEN, openat(directory, "a", O_RDWR), 0);
	int unreadable = did(OPEN, openat(directory, "a", O_WRONLY | O_APPEND), 0);
	int unwritable = did(OPEN, openat(directory, "a", O_RDONLY), 0);

	did(WRITE, write(file, data, sizeof(data)), 0);
	did(WRITE, write(file, data, 1), 0);
	did(WRITE, write(file, data, 0), 0);
	did(WRITE, pwrite(file, data, 4096, 10), 0);
	did(WRITE, writev(file, out, 3), 0);
	did(WRITE, pwritev(file, out, 2, 5), 0);
	did(WRITE, pwritev2(file, out, 1, -1, 0), 0);
	did(WRITE, write(unreadable, data, 12), 0);
	did(WRITE, write(unwritable, data, 1), EBADF);
	did(WRITE, writev(unwritable, out, 2), EBADF);

	lseek(file, 0, SEEK_SET);
	did(READ, read(file, data, sizeof(data)), 0);
	did(READ, read(file, data, 10), 0);
	did(READ, pread(file, data, 4096, 100), 0);
	did(READ, readv(file, in, 2), 0);
	did(READ, preadv(file, in, 2, 3), 0);
	did(READ, preadv2(file, in, 1, -1, 0), 0);
	did(READ, pread(file, data, 100, 1 << 30), 0); /* past the end: 0 bytes */
	did(READ, read(unreadable, data, 1), EBADF);
	did(READ, pread(unreadable, data, 1, 0), EBADF);

	did(FSYNC, fsync(file), 0);
	did(FSYNC, fdatasync(file), 0);
	did(TRUNCATE, ftruncate(file, 1000), 0);
	did(TRUNCATE, ftruncate(unwritable, 1000), EINVAL);
	close(file);
	close(unreadable);
	close(unwritable);
	did(TRUNCATE, truncate("a", 10), 0);
	did(TRUNCATE, truncate("absent", 10), ENOENT);
}

static void naming(void)
{
	did(RENAME, renameat(directory, "a", directory, "c"), 0);
	did(RENAME, syscall(SYS_renameat2, directory, "c", directory, "a", 0), 0);
	did(RENAME, syscall(SYS_renameat2, directory, "b", directory, "a", 1 /* RENAME_NOREPLACE */), EEXIST);
	did(RENAME, renameat(directory, "absent", directory, "c"), ENOENT);
#ifdef SYS_rename
	did(RENAME, syscall(SYS_rename, "a", "c"), 0);
	did(UNLINK, syscall(SYS_unlink, "c"), 0);
#else
	did(RENAME, renameat(directory, "a", directory, "c"), 0);
	did(UNLINK, unlinkat(directory, "c", 0), 0);
#endif
	did(UNLINK, unlinkat(directory, "b", 0), 0);
	did(UNLINK, unlinkat(directory, "b", 0), ENOENT);
}

/* The same calls on what is no file: none of this may count. */
static void no_files(void)
{
	unsigned long long number = 1;
	char data[100] = "";
	int ends[2], event = eventfd(0, 0);

	if (pipe(ends) || write(ends[1], data, 100) != 100 || read(ends[0], data, 100) != 100)
		exit(1);
	close(ends[0]);
	close(ends[1]);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) || write(ends[1], data, 100) != 100 ||
	    read(ends[0], data, 100) != 100)
		exit(1);
	close(ends[0]);
	close(ends[1]);
	if (write(event, &number, sizeof(number)) != sizeof(number) ||
	    read(event, &number, sizeof(number)) != sizeof(number))
		exit(1);
	close(event);
}

int main(int argc, char **argv)
{
	char line[16];

	directory = argc == 3 ? open(argv[1], O_RDONLY | O_DIRECTORY) : -1;
	if (directory < 0 || fchdir(directory))
		return 1;
	puts("{}");
	fflush(stdout);
	if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
		return 1;
	for (int round = 0; round < atoi(argv[2]); round++) {
		opening();
		writing_and_reading();
		naming();
		no_files();
	}
	printf("{\"counts\": {");
	for (int i = 0; i < OPERATIONS; i++)
		printf("%s\"%s success\": %ld, \"%s failed\": %ld", i ? ", " : "", names[i], counts[i][0], names[i],
		       counts[i][1]);
	printf("}, \"read\": %ld, \"written\": %ld}\n", bytes_read, bytes_written);
	fflush(stdout);
	while (read(STDIN_FILENO, line, sizeof(line)) > 0)
		;
	return 0;
}
