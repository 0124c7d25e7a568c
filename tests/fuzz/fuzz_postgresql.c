// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* bpf/proto/postgresql.h; input: fuzz_exchanges.h. */
#include "fuzz_exchanges.h"
#include "proto/postgresql.h"

EXCHANGE_PROTOCOL(postgresql)

int LLVMFuzzerTestOneInput(const __u8 *data, size_t n)
{
	__u8 first[LOOK_BYTES] = {};

	memcpy(first, data, n < LOOK_BYTES ? n : LOOK_BYTES);
	require(n < LOOKAHEAD || postgresql_starts_joined(first, n < LOOK_BYTES ? n : LOOK_BYTES) != STARTS_SHORT);
	fuzz_exchanges(&postgresql_protocol, false, data, n);
	return 0;
}
