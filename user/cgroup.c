/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* options ──> [cgroup] ──> selectors: see cgroup.h. */
#include "cgroup.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

struct found {
	struct selected_cgroup *cgroups;
	size_t n, max;
};

/*
 * The number of the hierarchy that is mounted here: 0 for version 2, else that of the line of /proc/self/cgroup
 * (ID:CONTROLLERS:PATH) whose controllers are all among the mount's options. Negative: not to be found.
 */
static int hierarchy_of(const struct mntent *mount)
{
	char line[PATH_MAX + 256];
	int hierarchy = -ENOENT;
	FILE *file;

	if (!strcmp(mount->mnt_type, "cgroup2"))
		return 0;
	file = fopen("/proc/self/cgroup", "re");
	if (!file)
		return -errno;
	while (hierarchy < 0 && fgets(line, sizeof(line), file)) {
		char *colon = strchr(line, ':'), *end = colon ? strchr(colon + 1, ':') : NULL, *save = NULL;
		bool all = true;

		if (!end || end == colon + 1) /* the line of version 2 names no controller */
			continue;
		*end = 0;
		for (char *word = strtok_r(colon + 1, ",", &save); word; word = strtok_r(NULL, ",", &save))
			all &= hasmntopt(mount, word) != NULL;
		if (all)
			hierarchy = (int)strtol(line, NULL, 10);
	}
	fclose(file);
	return hierarchy;
}

/* Adds the directory `path` if it is one of a cgroup file system. */
static int add_directory(struct found *found, const char *path, int hierarchy)
{
	struct statfs fs;
	struct stat st;

	if (statfs(path, &fs) || (fs.f_type != CGROUP_SUPER_MAGIC && fs.f_type != CGROUP2_SUPER_MAGIC))
		return 0;
	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return 0;
	for (size_t i = 0; i < found->n; i++) {
		if (found->cgroups[i].id == st.st_ino && found->cgroups[i].hierarchy == (__u32)hierarchy)
			return 0;
	}
	if (found->n == found->max)
		return -E2BIG;
	found->cgroups[found->n++] = (struct selected_cgroup){.id = st.st_ino, .hierarchy = (__u32)hierarchy};
	return 0;
}

static bool is_below(const char *path, const char *mount)
{
	size_t n = strlen(mount);

	return !strncmp(path, mount, n) && (path[n] == '/' || !path[n]);
}

int cgroup_find(const char *path, struct selected_cgroup *cgroups, size_t max)
{
	struct found found = {.cgroups = cgroups, .max = max};
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	const struct mntent *mount;
	char full[PATH_MAX];
	int hierarchy, err = 0;

	if (!mounts)
		return -errno;
	while (!err && (mount = getmntent(mounts))) {
		if (strcmp(mount->mnt_type, "cgroup") != 0 && strcmp(mount->mnt_type, "cgroup2") != 0)
			continue;
		hierarchy = hierarchy_of(mount);
		if (hierarchy < 0)
			continue;
		if (is_below(path, mount->mnt_dir)) {
			err = add_directory(&found, path, hierarchy);
			continue;
		}
		if (snprintf(full, sizeof(full), "%s/%s", mount->mnt_dir, path) < (int)sizeof(full))
			err = add_directory(&found, full, hierarchy);
	}
	endmntent(mounts);
	if (err)
		return err;
	return found.n ? (int)found.n : -ENOENT;
}
