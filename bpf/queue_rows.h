/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * protocol parser ──> [queues] ──> rows: which commands concern a queue of the configuration, and how long it is.
 *
 * A request whose answer tells the length of its key's list counts in a row of its own if the key is that of a queue:
 * by its row the answer finds the queue. Its labels are those of the operation's other rows.
 */
#ifndef TAPSTAT_QUEUE_ROWS_H
#define TAPSTAT_QUEUE_ROWS_H

#include "glob.h"
#include "rows.h"

enum { QUEUE_STEPS = 1 << 13 }; /* 64 queues and 128 bytes; where patterns make it more, the later ones don't match */

/* A number for the key in scratch->exchange; its text ends with a NUL from now on. */
static __always_inline __u64 queue_key_hash(struct scratch *scratch)
{
	struct exchange_key *key = &scratch->exchange.key;
	__u64 hash = 0xcbf29ce484222325ULL, bytes = key->bytes;

	opaque(bytes);
	if (bytes >= EXCHANGE_KEY_BYTES)
		bytes = EXCHANGE_KEY_BYTES - 1;
	store64(key->text + bytes, 0);
#pragma clang loop unroll(disable)
	for (__u32 at = 0; at < EXCHANGE_KEY_BYTES; at += 8) {
		__u64 word = at < bytes ? load64(key->text + at) : 0;

		hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 29;
	}
	return hash ^ bytes;
}

/* The search goes on with the next queue, or with its other pattern. */
static __always_inline void queue_search_from(struct queue_search *search, __u32 rule, __u32 in_service)
{
	__builtin_memset(&search->glob, 0, sizeof(search->glob));
	search->rule = rule;
	search->in_service = in_service;
}

/* One step of comparing one pattern; search.found is the first queue that matches, counted from 1. One flat loop,
 * since the call stack has eight frames. */
STEP(queue_step, scratch)
{
	struct queue_search *search = &it->search;
	struct queue_rule *rule = bpf_map_lookup_elem(&queue_rules, &search->rule);
	struct service *service = bpf_map_lookup_elem(&services, &search->service);

	if (!rule || !service || search->rule >= settings.queues)
		return 1;
	if (search->in_service) {
		if (!glob_step(&search->glob, rule->service, SELECTOR_TEXT_BYTES, service->name, SERVICE_NAME_BYTES))
			return 0;
	} else if (!glob_step(&search->glob, rule->key, QUEUE_KEY_BYTES, it->exchange.key.text, EXCHANGE_KEY_BYTES)) {
		return 0;
	}
	if (!search->glob.matched) {
		queue_search_from(search, search->rule + 1, 0);
		return 0;
	}
	if (!search->in_service && rule->service[0]) {
		queue_search_from(search, search->rule, 1);
		return 0;
	}
	search->found = search->rule + 1;
	return 1;
}

/* Gives a row to an operation on a queue's key; 0: there is none left. */
static __always_inline __u32 queue_row_give(const struct queue_key *key, __u32 queue)
{
	struct row_info *info = row_info(operation_row(key->series, key->operation));
	__u32 row, protocol;

	if (!info || info->operation != key->operation) /* it counts as `other` */
		return 0;
	protocol = info->protocol;
	row = shared.queue_rows < QUEUE_ROWS ? row_number(false) : 0;
	info = row_info(row);
	if (!row || !info) {
		record_dropped(DROPPED_MAX_QUEUE_KEYS);
		return 0;
	}
	__sync_fetch_and_add(&shared.queue_rows, 1);
	info->series = key->series;
	info->operation = key->operation;
	info->queue = queue;
	info->key_hash = key->hash;
	info->protocol = protocol;
	bpf_map_update_elem(&queue_rows, key, &row, BPF_NOEXIST);
	return row;
}

/* The row of the request whose key is in the working memory; 0: it concerns no queue. A global function, so that the
 * verifier looks at it once. */
__noinline int queue_row(__u32 slot, __u32 series, __u32 operation)
{
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &slot);
	struct queue_key key = {.series = series, .operation = operation};
	__u32 *known, none = 0;

	if (!scratch)
		return 0;
	key.hash = queue_key_hash(scratch);
	known = bpf_map_lookup_elem(&queue_rows, &key);
	if (likely(known))
		return *known;
	if (bpf_map_lookup_elem(&queue_misses, &key))
		return 0;
	scratch->search.service = series / ROLE_COUNT;
	scratch->search.found = 0;
	queue_search_from(&scratch->search, 0, 0);
	repeat(QUEUE_STEPS, queue_step, scratch);
	if (scratch->search.found)
		none = queue_row_give(&key, scratch->search.found);
	if (!none)
		bpf_map_update_elem(&queue_misses, &key, &none, BPF_ANY);
	return none;
}

/* An answer told how long the list is. */
static __always_inline void queue_told(__u32 row, __u64 length)
{
	struct row_info *info = row_info(row);
	struct queue_depth_key key = {};

	if (!info || !info->queue)
		return;
	key.service = info->series / ROLE_COUNT;
	key.queue = info->queue - 1;
	key.hash = info->key_hash;
	bpf_map_update_elem(&queue_depths, &key, &length, BPF_ANY);
}

#endif
