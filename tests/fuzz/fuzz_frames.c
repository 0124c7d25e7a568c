// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Frames of one direction: in one call, in many, and by the second reader; the same events.
 *
 * Input: a byte of rules (1 masked, 2 RSV1 allowed), a byte that says how to cut, the stream.
 */
#include "frames.h"
#include "fuzz.h"

static struct feed whole, cut, reference;

int LLVMFuzzerTestOneInput(const __u8 *data, size_t n)
{
	if (n < 2)
		return 0;
	feed_begin(&whole, STREAM_FRAMES, data[0] & 1, data[0] & 2);
	feed_begin(&cut, STREAM_FRAMES, data[0] & 1, data[0] & 2);
	feed_begin(&reference, STREAM_FRAMES, data[0] & 1, data[0] & 2);
	feed_call(&whole, data + 2, n - 2);
	feed_cut(&cut, data + 2, n - 2, data[1]);
	reference_read(&reference, data + 2, n - 2);
	feed_must_be_same(&whole, &reference);
	feed_must_be_same(&whole, &cut);
	return 0;
}
