/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* options ──> [cgroup] ──> selectors: see cgroup.h. */
#include "cgroup.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

struct id_list {
	__u64 *ids;
	size_t n, max;
};

/* Adds the id of the directory `path` if it is one of a cgroup file system. */
static int add_directory(struct id_list *list, const char *path)
{
	struct statfs fs;
	struct stat st;

	if (statfs(path, &fs) || (fs.f_type != CGROUP_SUPER_MAGIC && fs.f_type != CGROUP2_SUPER_MAGIC))
		return 0;
	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return 0;
	for (size_t i = 0; i < list->n; i++) {
		if (list->ids[i] == st.st_ino)
			return 0;
	}
	if (list->n == list->max)
		return -E2BIG;
	list->ids[list->n++] = st.st_ino;
	return 0;
}

static bool is_below(const char *path, const char *mount)
{
	size_t n = strlen(mount);

	return !strncmp(path, mount, n) && (path[n] == '/' || !path[n]);
}

int cgroup_ids(const char *path, __u64 *ids, size_t max)
{
	struct id_list list = {.ids = ids, .max = max};
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	const struct mntent *mount;
	char full[PATH_MAX];
	int err = 0;

	if (!mounts)
		return -errno;
	while (!err && (mount = getmntent(mounts))) {
		if (strcmp(mount->mnt_type, "cgroup") && strcmp(mount->mnt_type, "cgroup2"))
			continue;
		if (is_below(path, mount->mnt_dir)) {
			err = add_directory(&list, path);
			continue;
		}
		if (snprintf(full, sizeof(full), "%s/%s", mount->mnt_dir, path) < (int)sizeof(full))
			err = add_directory(&list, full);
	}
	endmntent(mounts);
	if (err)
		return err;
	return list.n ? (int)list.n : -ENOENT;
}
