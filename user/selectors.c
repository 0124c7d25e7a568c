/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* options ──> [selectors] ──> attach: see selectors.h. */
#include "selectors.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup.h"

enum {
	PID_LAST = 4194304, /* PID_MAX_LIMIT of 64-bit kernels */
	PORT_LAST = 65535,
	CONTAINER_ID_DIGITS = 64,
};

int parse_number(const char *text, unsigned long low, unsigned long high, unsigned long *out, char *why, size_t size)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long value;

	errno = 0;
	value = strtoul(text, NULL, 10);
	if (!digits || text[digits] || errno || value < low || value > high) {
		snprintf(why, size, "valid is a whole number from %lu to %lu", low, high);
		return -EINVAL;
	}
	*out = value;
	return 0;
}

static int check_room(__u32 used, char *why, size_t size)
{
	if (used < SELECTOR_MAX)
		return 0;
	snprintf(why, size, "one time too many: valid are at most %d of this selector", SELECTOR_MAX);
	return -EINVAL;
}

static int add_text(char *slot, size_t slot_size, __u32 *used, const char *value, char *why, size_t size)
{
	int err = check_room(*used, why, size);
	size_t n = strlen(value);

	if (err)
		return err;
	if (!n || n >= slot_size) {
		snprintf(why, size, "valid are 1 to %zu bytes", slot_size - 1);
		return -EINVAL;
	}
	memcpy(slot, value, n + 1);
	++*used;
	return 0;
}

/* Where the next alternative goes; the last place when all are taken, which add_text() then refuses to use. */
static size_t next(__u32 used)
{
	return used < SELECTOR_MAX ? used : SELECTOR_MAX - 1;
}

int selectors_add_pid(struct selectors *sel, const char *value, char *why, size_t size)
{
	unsigned long pid;
	int err = parse_number(value, 1, PID_LAST, &pid, why, size);

	err = err ? err : check_room(sel->pids, why, size);
	if (err)
		return err;
	sel->pid[sel->pids++] = (__u32)pid;
	return 0;
}

int selectors_add_port(struct selectors *sel, const char *value, char *why, size_t size)
{
	unsigned long port;
	int err = parse_number(value, 1, PORT_LAST, &port, why, size);

	err = err ? err : check_room(sel->ports, why, size);
	if (err)
		return err;
	sel->port[sel->ports++] = (__u16)port;
	return 0;
}

int selectors_add_comm(struct selectors *sel, const char *value, char *why, size_t size)
{
	return add_text(sel->comm[next(sel->comms)], SELECTOR_TEXT_BYTES, &sel->comms, value, why, size);
}

int selectors_add_service(struct selectors *sel, const char *value, char *why, size_t size)
{
	return add_text(sel->service[next(sel->services)], SELECTOR_TEXT_BYTES, &sel->services, value, why, size);
}

int selectors_add_exe(struct selectors *sel, const char *value, char *why, size_t size)
{
	char pattern[SELECTOR_PATH_BYTES];

	if (*value && !strchr(value, '/') && strlen(value) + 2 < sizeof(pattern)) {
		snprintf(pattern, sizeof(pattern), "*/%s", value);
		value = pattern;
	}
	return add_text(sel->exe[next(sel->exes)], SELECTOR_PATH_BYTES, &sel->exes, value, why, size);
}

int selectors_add_container(struct selectors *sel, const char *value, char *why, size_t size)
{
	char id[CONTAINER_ID_DIGITS + 1];
	size_t n = strlen(value);

	if (!n || n > CONTAINER_ID_DIGITS || strspn(value, "0123456789abcdefABCDEF") != n) {
		snprintf(why, size, "valid are the first 1 to %d hexadecimal digits of a container's id",
			 CONTAINER_ID_DIGITS);
		return -EINVAL;
	}
	for (size_t i = 0; i <= n; i++)
		id[i] = (char)tolower((unsigned char)value[i]);
	return add_text(sel->container[next(sel->containers)], sizeof(sel->container[0]), &sel->containers, id, why,
			size);
}

int selectors_add_cgroup(struct selectors *sel, const char *value, char *why, size_t size)
{
	struct selected_cgroup found[SELECTOR_MAX];
	size_t room = SELECTOR_MAX - sel->cgroups;
	int n = *value ? cgroup_find(value, found, room) : -ENOENT;

	if (n == -E2BIG) {
		snprintf(why, size, "too many: with the cgroup of each mounted hierarchy, valid are at most %d",
			 SELECTOR_MAX);
		return -EINVAL;
	}
	if (n == -ENOENT) {
		snprintf(why, size,
			 "no mounted cgroup hierarchy has it: valid is a path as in /proc/PID/cgroup "
			 "(/system.slice/x.service) or a directory below /sys/fs/cgroup");
		return -EINVAL;
	}
	if (n < 0) {
		snprintf(why, size, "cannot read the mounted cgroup hierarchies: %s", strerror(-n));
		return -EINVAL;
	}
	memcpy(sel->cgroup + sel->cgroups, found, (size_t)n * sizeof(*found));
	sel->cgroups += (__u32)n;
	return 0;
}
