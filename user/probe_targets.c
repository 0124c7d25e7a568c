/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* config, mappings ──> [probe_targets] ──> attacher: see probe_targets.h. */
#include "probe_targets.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "config.h"
#include "glob_match.h"
#include "process_names.h"

_Static_assert((int)MAX_PROBES <= 64, "each probe has a bit");

static const char deleted[] = " (deleted)"; /* behind the path of a mapped file that is gone */

enum { EXEC_WAITS = 20 }; /* ms; between the mapping of a program and its arguments the kernel needs far less */

bool probe_target_is_path(const char *pattern, const char *path)
{
	const char *slash = strrchr(path, '/'), *end = strrchr(pattern, '/');
	const char *text = end || !slash ? path : slash + 1;
	char longer[CONFIG_EXE_BYTES + sizeof(".*")];

	if (glob_match(pattern, text))
		return true;
	if (!strstr(end ? end : pattern, ".so"))
		return false;
	snprintf(longer, sizeof(longer), "%s.*", pattern);
	return glob_match(longer, text);
}

/* Whether the path, which no pattern is in, leads the process to the file: by symbolic links. */
static bool leads_to(const char *pattern, const char *proc, const struct mapping *mapping)
{
	char path[PATH_MAX];
	struct stat st;

	if (*pattern != '/' || strpbrk(pattern, "*?"))
		return false;
	snprintf(path, sizeof(path), "%s/%d/root%s", proc, mapping->pid, pattern);
	return !stat(path, &st) && st.st_ino == mapping->inode;
}

/* ---- Services ------------------------------------------------------------------------------------------------- */

static int read_names(const char *proc, pid_t pid, struct process_names *names)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	int err = process_names_read(proc, pid, names);

	for (int i = 0; err == -EAGAIN && i < EXEC_WAITS; i++) {
		nanosleep(&moment, NULL);
		err = process_names_read(proc, pid, names);
	}
	return err;
}

static bool is_executable(const char *proc, const struct mapping *mapping)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%d/exe", proc, mapping->pid);
	return !stat(path, &st) && st.st_ino == mapping->inode;
}

static bool any_matches(const struct process_names *names, const char *pattern)
{
	for (size_t i = 0; i < names->n; i++)
		if (glob_match(pattern, names->name[i]))
			return true;
	return false;
}

/* Whether a rule may name the process. Its `comm` is of the moment when the kernel side asks: it is left open. */
static bool may_name(const struct config_service_rule *rule, const struct process_names *names, const char *path)
{
	return (!*rule->exe || glob_match(rule->exe, path)) && (!*rule->service || any_matches(names, rule->service));
}

static bool is_of_service(const struct config *config, const char *pattern, const struct process_names *names,
			  const char *path)
{
	for (unsigned int i = 0; i < config->services.n; i++) {
		const struct config_service_rule *rule = &config->services.rule[i];

		if (glob_match(pattern, rule->name) && may_name(rule, names, path))
			return true;
	}
	return any_matches(names, pattern);
}

__u64 probe_targets(const struct config *config, const char *proc, const struct mapping *mapping)
{
	bool asked = false, is_named = false;
	struct process_names names;
	size_t bytes = strlen(mapping->path);
	char path[PATH_MAX];
	__u64 wanted = 0;

	if (bytes > strlen(deleted) && !strcmp(mapping->path + bytes - strlen(deleted), deleted))
		bytes -= strlen(deleted);
	snprintf(path, sizeof(path), "%.*s", (int)bytes, mapping->path);
	for (unsigned int i = 0; i < config->probes.n; i++) {
		const struct config_probe *probe = &config->probes.probe[i];

		if (*probe->binary) {
			if (probe_target_is_path(probe->binary, path) || leads_to(probe->binary, proc, mapping))
				wanted |= 1ULL << i;
			continue;
		}
		if (!asked)
			is_named = is_executable(proc, mapping) && !read_names(proc, mapping->pid, &names);
		asked = true;
		if (is_named && is_of_service(config, probe->service, &names, path))
			wanted |= 1ULL << i;
	}
	return wanted;
}
