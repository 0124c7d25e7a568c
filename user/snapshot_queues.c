// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * maps ──> [snapshot] ──> labels: how long the queues of the configuration are, the keys of one added up.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot_read.h"

static int by_labels(const void *a, const void *b)
{
	const struct queue_snapshot *x = a, *y = b;
	int order = strcmp(x->service, y->service);

	return order ? order : strcmp(x->queue_type, y->queue_type);
}

/* The labels of a key. False: it is gone, or was never complete. */
static bool labels_read(const struct attachment *att, const struct queue_depth_key *key, struct queue_snapshot *out)
{
	struct queue_rule rule;
	struct service service;

	if (bpf_map_lookup_elem(att->fd.queue_rules, &key->queue, &rule) ||
	    bpf_map_lookup_elem(att->fd.services, &key->service, &service))
		return false;
	memcpy(out->queue_type, rule.queue_type, sizeof(out->queue_type));
	memcpy(out->service, service.name, sizeof(out->service));
	if (key->service == SERVICE_OTHER)
		memcpy(out->service, "other", sizeof("other"));
	out->queue_type[QUEUE_TYPE_BYTES - 1] = out->service[SERVICE_NAME_BYTES - 1] = '\0';
	return *out->service && *out->queue_type;
}

void queues_merge(struct snapshot *snap)
{
	size_t kept = 0;

	if (snap->n_queues)
		qsort(snap->queues, snap->n_queues, sizeof(*snap->queues), by_labels);
	for (size_t i = 0; i < snap->n_queues; i++) {
		if (kept && !by_labels(&snap->queues[kept - 1], &snap->queues[i]))
			snap->queues[kept - 1].depth += snap->queues[i].depth;
		else
			snap->queues[kept++] = snap->queues[i];
	}
	snap->n_queues = kept;
}

int queues_read(struct attachment *att, struct snapshot *snap)
{
	struct queue_depth_key key, next, *previous = NULL;

	snap->n_queues = 0;
	while (!bpf_map_get_next_key(att->fd.queue_depths, previous, &next)) {
		struct queue_snapshot *queue;
		int err = reserve((void **)&snap->queues, &snap->cap_queues, snap->n_queues, sizeof(*snap->queues));

		if (err)
			return err;
		key = next;
		previous = &key;
		queue = &snap->queues[snap->n_queues];
		memset(queue, 0, sizeof(*queue));
		if (!bpf_map_lookup_elem(att->fd.queue_depths, &key, &queue->depth) && labels_read(att, &key, queue))
			snap->n_queues++;
	}
	queues_merge(snap);
	return 0;
}
