// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * HTTP/1 of one direction: in one call, in many, and by the second reader; the same events, as far as nothing that is
 * no HTTP is passed over, which depends on the calls.
 *
 * Input: a byte that says how to cut, the stream.
 */
#include "heads.h"
#include "fuzz.h"

static struct feed whole, cut, reference;

int LLVMFuzzerTestOneInput(const __u8 *data, size_t n)
{
	if (n < 1)
		return 0;
	feed_begin(&whole, STREAM_HTTP, false, false);
	feed_begin(&cut, STREAM_HTTP, false, false);
	feed_begin(&reference, STREAM_HTTP, false, false);
	feed_call(&whole, data + 1, n - 1);
	feed_cut(&cut, data + 1, n - 1, data[0]);
	heads_read(&reference, data + 1, n - 1);
	if (whole.opaque) {
		require(reference.events <= whole.events);
		whole.events = reference.events;
		feed_must_be_same(&whole, &reference);
		require(reference.events <= cut.events);
		cut.events = reference.events;
	}
	feed_must_be_same(&whole, &reference);
	feed_must_be_same(&whole, &cut);
	return 0;
}
