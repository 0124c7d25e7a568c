// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Conversations of Redis and of HTTP/1: see fuzz_exchanges.h.
 *
 * Input: a byte that says which protocol, calls.
 */
#include "fuzz_exchanges.h"
#include "proto/http.h"
#include "proto/redis.h"

EXCHANGE_PROTOCOL(redis)

static bool http_is_opaque(const struct stream *s)
{
	return s->http.state == HTTP_OPAQUE;
}

EXCHANGE_STEPS(http, NULL, http_is_opaque)

int LLVMFuzzerTestOneInput(const __u8 *data, size_t n)
{
	static const struct exchange_protocol *const protocols[] = {&redis_protocol, &http_protocol};

	if (n)
		fuzz_exchanges(protocols[data[0] & 1], false, data + 1, n - 1);
	return 0;
}
