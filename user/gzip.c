/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* exposition ──> [gzip] ──> HTTP: see gzip.h. */
#include "gzip.h"

#include <errno.h>
#include <event2/buffer.h>
#include <limits.h>
#include <stdbool.h>
#include <zlib.h>

enum {
	CHUNK_BYTES = 16384,
	GZIP_WINDOW_BITS = 15 + 16, /* zlib: 16 more asks for the gzip format */
	GZIP_MEMORY_LEVEL = 8,
	/* On expositions: a third of the default level's time for a quarter more bytes. The loop waits meanwhile. */
	GZIP_LEVEL = 1,
};

int gzip_append(struct evbuffer *out, const void *data, size_t n)
{
	z_stream stream = {.next_in = (Bytef *)data, .avail_in = (uInt)n};
	int result = Z_OK;

	if (n > UINT_MAX || deflateInit2(&stream, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS, GZIP_MEMORY_LEVEL,
					 Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	while (result == Z_OK) {
		struct evbuffer_iovec room;

		if (evbuffer_reserve_space(out, CHUNK_BYTES, &room, 1) != 1)
			break;
		stream.next_out = room.iov_base;
		stream.avail_out = (uInt)(room.iov_len < CHUNK_BYTES ? room.iov_len : CHUNK_BYTES);
		room.iov_len = stream.avail_out;
		result = deflate(&stream, Z_FINISH);
		room.iov_len -= stream.avail_out;
		if (evbuffer_commit_space(out, &room, 1))
			break;
	}
	deflateEnd(&stream);
	return result == Z_STREAM_END ? 0 : -ENOMEM;
}
