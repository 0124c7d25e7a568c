/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* [self_metrics] ──> exposition: see self_metrics.h. Sources: proc(5), getrusage(2). */
#include "self_metrics.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static const __u64 NS_PER_SECOND = 1000000000;

static __u64 clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (__u64)now.tv_sec * NS_PER_SECOND + (__u64)now.tv_nsec;
}

static __u64 count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	__u64 n = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n ? n - 1 : 0; /* without the one that read the directory */
}

/* Fields 22 to 24 of /proc/self/stat: start (ticks since boot), virtual memory (bytes), resident set (pages). */
static void read_stat(struct self_metrics *self)
{
	static const char format[] = " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
				     "%llu %llu %llu";
	unsigned long long start_ticks, virtual_bytes, resident_pages;
	FILE *file = fopen("/proc/self/stat", "re");
	const char *after_name;
	char line[1024];
	size_t n;

	if (!file)
		return;
	n = fread(line, 1, sizeof(line) - 1, file);
	fclose(file);
	line[n] = '\0';
	after_name = strrchr(line, ')'); /* the second field may hold anything */
	if (!after_name || sscanf(after_name + 1, format, &start_ticks, &virtual_bytes, &resident_pages) != 3)
		return;
	self->virtual_bytes = virtual_bytes;
	self->resident_bytes = resident_pages * (__u64)sysconf(_SC_PAGESIZE);
	if (!self->start_ns) /* once, so that a clock that is set does not move it */
		self->start_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME) +
				 start_ticks * (NS_PER_SECOND / (__u64)sysconf(_SC_CLK_TCK));
}

void self_metrics_read(struct self_metrics *self)
{
	struct rusage usage = {0};
	struct rlimit limit = {0};

	getrusage(RUSAGE_SELF, &usage);
	getrlimit(RLIMIT_NOFILE, &limit);
	self->cpu_ns = (__u64)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NS_PER_SECOND +
		       (__u64)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
	self->open_fds = count_fds();
	self->max_fds = limit.rlim_cur;
	read_stat(self);
}
