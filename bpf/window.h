/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * connection ──> [window] ──> classify: the one reader of payload memory. It shows the bytes of a call, segment by
 * segment, through a small per-CPU buffer that is filled only where somebody looks.
 *
 * Offsets are virtual: a segment begins with the bytes carried over from the one before, so that a parser sees every
 * header whole.
 */
#ifndef TAPSTAT_WINDOW_H
#define TAPSTAT_WINDOW_H

#include "maps.h"
#include "syscall.h"

enum { MAX_STEPS = 1 << 17 }; /* of one call; a step takes 20 to 50 ns */

/* What the steps over a call work with. */
struct io {
	struct conn *conn;
	struct stream *stream; /* conn->stream[call->dir] */
	struct series *series; /* NULL until the service is fixed */
	struct scratch *scratch;
	struct call *call; /* scratch->call */
};

/* Begins a segment: `len` bytes at user address `at`, behind what the stream carries. */
static __always_inline void window_begin(struct io *io, __u64 at, __u64 len)
{
	__u64 carried = io->stream->carry_len, fresh;
	__u8 *window = io->scratch->window;

	io->call->base = at;
	io->call->len = len;
	io->call->off = 0;
	io->call->filled_at = 0;
	io->call->filled = 0;
	if (likely(!carried))
		return;
	clamp_mask(carried, 15);
	io->call->base = at - carried;
	io->call->len = carried + len;
	/* Overlapping words: the carry is 15 bytes. */
	store64(window, load64(io->stream->carry));
	store64(window + 7, load64(io->stream->carry + 7));
	io->stream->carry_len = 0;
	fresh = min_u64(len, FIRST_FILL_BYTES);
	opaque(fresh);
	if (fresh > WINDOW_BYTES)
		return;
	if (bpf_probe_read_user(window + carried, fresh, (void *)at))
		io->call->fault = 1;
	io->call->filled = carried + fresh;
}

/*
 * The bytes at the current offset: LOOKAHEAD can be read, *avail of them are valid. NULL: memory could not be read.
 * Only called with io->call->off < io->call->len.
 */
static __always_inline const __u8 *window_at(struct io *io, __u32 *avail)
{
	__u64 left = io->call->len - io->call->off, at = io->call->off - io->call->filled_at;
	__u64 want = min_u64(left, LOOKAHEAD);

	if (at + want > io->call->filled || io->call->off < io->call->filled_at) {
		__u64 n = min_u64(left, io->call->filled && at <= WINDOW_BYTES ? WINDOW_BYTES : FIRST_FILL_BYTES);

		opaque(n);
		if (n > WINDOW_BYTES)
			return NULL;
		if (bpf_probe_read_user(io->scratch->window, n, (void *)(io->call->base + io->call->off))) {
			io->call->fault = 1;
			return NULL;
		}
		io->call->filled_at = io->call->off;
		io->call->filled = n;
		at = 0;
	}
	opaque(at);
	if (at > WINDOW_BYTES)
		return NULL;
	*avail = want;
	return io->scratch->window + at;
}

/* Where window_at() showed the bytes at the current offset. */
static __always_inline const __u8 *window_shown(struct scratch *scratch)
{
	__u64 at = scratch->call.off - scratch->call.filled_at;

	opaque(at);
	return scratch->window + (at > WINDOW_BYTES ? 0 : at);
}

/* Keeps what the parser could not use yet: the `avail` bytes at the current offset, the last of the segment. */
static __always_inline void window_carry(struct io *io, const __u8 *p, __u32 avail)
{
	store64(io->stream->carry, load64(p));
	store64(io->stream->carry + 7, load64(p + 7));
	io->stream->carry_len = avail < CARRY_BYTES ? avail : CARRY_BYTES;
	io->call->off = io->call->len;
}

/* On to the next segment of a vector. False: there is none. */
static __always_inline bool window_next_segment(struct io *io)
{
	__u64 in_batch = io->call->segment & (IOVEC_BATCH - 1), len;
	struct user_iovec *iov;

	if (!io->call->rest || io->call->segment >= io->call->segments)
		return false;
	if (!in_batch) {
		__u64 n = min_u64(io->call->segments - io->call->segment, IOVEC_BATCH) * sizeof(struct user_iovec);

		opaque(n);
		if (n > sizeof(io->scratch->iov))
			return false;
		if (bpf_probe_read_user(io->scratch->iov, n,
					(void *)(io->call->vector + io->call->segment * sizeof(struct user_iovec)))) {
			io->call->fault = 1;
			return false;
		}
	}
	clamp_mask(in_batch, 15);
	iov = &io->scratch->iov[in_batch];
	len = min_u64(iov->len, io->call->rest);
	io->call->rest -= len;
	io->call->segment++;
	if (len)
		window_begin(io, iov->base, len);
	return true;
}

#endif
