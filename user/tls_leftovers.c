/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* attacher ──> [tls_leftovers] ──> maps: see tls_leftovers.h. */
#include "tls_leftovers.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>

#include "tapstat/abi.h"

/* The keys of threads are their ids, which are smaller than any of these. */
static bool is_left_over(__u64 key)
{
	pid_t tgid = (pid_t)(key >> TLS_TGID_SHIFT);

	return tgid && kill(tgid, 0) && errno == ESRCH;
}

static bool has(int map, const __u64 *key)
{
	char value[1024]; /* larger than any value here */

	return map >= 0 && !bpf_map_lookup_elem(map, key, value);
}

/* Goes on behind each key before it removes it; what comes or goes meanwhile is met the next time. */
static int remove_from(int map, int kept_by)
{
	__u64 key, next;
	bool more;

	if (map < 0)
		return map;
	more = !bpf_map_get_next_key(map, NULL, &next);
	while (more) {
		key = next;
		more = !bpf_map_get_next_key(map, &key, &next);
		if (is_left_over(key) && !has(kept_by, &key))
			bpf_map_delete_elem(map, &key);
	}
	return 0;
}

int tls_leftovers_remove(const struct bpf_object *object)
{
	int err = remove_from(bpf_object__find_map_fd_by_name(object, "tls_callers"), -1);

	if (err)
		return err;
	/* What has a connection is ended with it, by the scan. */
	return remove_from(bpf_object__find_map_fd_by_name(object, "tls_objects"),
			   bpf_object__find_map_fd_by_name(object, "conns_by_key"));
}
