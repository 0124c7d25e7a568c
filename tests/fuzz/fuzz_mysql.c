// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* MySQL: first bytes, and conversations; see dialogue.h. */
#include "dialogue.h"
#include "proto/mysql.h"

EXCHANGE_PROTOCOL(mysql)

static enum starts joined(const __u8 *p, __u32 avail)
{
	return mysql_starts_joined(p, avail);
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t n)
{
	if (!operations.flags[OPERATION_REDIS_GET])
		require(!operations_fill(&operations));
	starts_fuzz(mysql_starts_, data, n);
	starts_fuzz(joined, data, n);
	dialogue_fuzz(&mysql_protocol, false, data, n);
	return 0;
}
