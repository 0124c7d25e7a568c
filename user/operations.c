// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* labels ──> [operations] ──> opening: see operations.h. */
#include "operations.h"

#include <errno.h>
#include <string.h>

#define TEXT(backend, id, name, flags) [OPERATION_##backend##_##id] = (name),
#define BACKEND(backend, id, name, flags) [OPERATION_##backend##_##id] = BACKEND_##backend,
#define FLAGS(backend, id, name, flags) [OPERATION_##backend##_##id] = (flags),
#define BACKEND_TEXT(set, value, text) text,

const char *const operation_text[OPERATION_COUNT] = {"", TAPSTAT_OPERATIONS(TEXT)};
const enum label_backend operation_backend[OPERATION_COUNT] = {TAPSTAT_OPERATIONS(BACKEND)};
const char *const backend_text[BACKEND_COUNT] = {LABEL_SET_BACKEND(BACKEND_TEXT)};
static const __u8 operation_flags[OPERATION_COUNT] = {TAPSTAT_OPERATIONS(FLAGS)};

int operations_fill(struct operation_table *table)
{
	memset(table, 0, sizeof(*table));
	for (unsigned int i = 0; i < OPERATION_SLOTS; i++)
		table->slot[i].backend = BACKEND_COUNT; /* free: not even an empty name is there */
	for (unsigned int i = 1; i < OPERATION_COUNT; i++) {
		size_t bytes = strlen(operation_text[i]);
		char text[OPERATION_NAME_BYTES] = "";
		__u64 word[2];
		__u32 hash, probe;

		memcpy(text, operation_text[i], bytes);
		for (size_t j = 0; j < bytes; j++)
			text[j] |= 0x20; /* as operation_by_name() does with what it reads */
		memcpy(word, text, sizeof(word));
		hash = operation_hash(word[0], word[1], (__u32)bytes, operation_backend[i]);
		for (probe = 0; probe < OPERATION_PROBES; probe++) {
			struct operation_slot *slot = &table->slot[(hash + probe) & (OPERATION_SLOTS - 1)];

			if (slot->operation)
				continue;
			*slot = (struct operation_slot){.low = word[0],
							.high = word[1],
							.operation = (__u16)i,
							.bytes = (__u8)bytes,
							.backend = (__u8)operation_backend[i]};
			break;
		}
		if (probe == OPERATION_PROBES)
			return -ENOSPC;
		table->flags[i] = operation_flags[i];
		table->backend[i] = (__u8)operation_backend[i];
	}
	return 0;
}
