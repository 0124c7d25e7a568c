// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Calls on one connection through the whole kernel side. What lay in its buffers before must not matter, nor whether
 * a call's bytes came in one segment or in many; and what was counted must fit together.
 *
 * Input: a byte (1: seen from the first byte on), then calls: a byte (1 sent, the rest how to cut), a byte of length,
 * so many bytes.
 */
#include "connection.h"

int LLVMFuzzerTestOneInput(const __u8 *data, size_t n);

enum { ROWS_COMPARED = 64 };

struct outcome {
	struct conn conn;
	struct series cells[ROLE_COUNT];
	struct row rows[ROWS_COMPARED];
};

static struct connection c;

static void converse_as_told(const __u8 *data, size_t n, __u8 before, bool cut, struct outcome *outcome)
{
	size_t at = 1, length;

	clock_ns = 1000000000;
	memset(&the_scratch, before, sizeof(the_scratch));
	the_scratch.busy = 0;
	counters_reset();
	maps_forget();
	connection_begin(&c, data[0] & 1);
	while (at + 2 < n) {
		length = min_u64(data[at + 1], n - at - 2);
		if (!length)
			length = n - at - 2;
		call_cut(&c, data[at] & 1, data + at + 2, length, cut ? CUT_SEGMENTS : CUT_NOT, data[at] >> 1);
		at += 2 + length;
	}
	outcome->conn = c.conn;
	conn_normalise(&outcome->conn);
	memcpy(outcome->cells, series_cells, sizeof(series_cells));
	memcpy(outcome->rows, row_cells, sizeof(outcome->rows));
}

static void check_sums(size_t n)
{
	for (int i = 0; i < DIRECTION_COUNT; i++) {
		__u64 frames = 0, messages = 0, closes = 0, sizes = 0;

		for (int j = 0; j < OPCODE_COUNT; j++)
			frames += cell(CELL_WS_FRAMES_RECEIVED + i * OPCODE_COUNT + j);
		for (int j = 0; j < MESSAGE_TYPE_COUNT; j++)
			messages += cell(CELL_WS_MESSAGES_RECEIVED + i * MESSAGE_TYPE_COUNT + j);
		for (int j = 0; j < CLOSE_CODE_COUNT; j++)
			closes += cell(CELL_WS_CLOSES + i * CLOSE_CODE_COUNT + j);
		for (int j = 0; j < SHAPE_SIZE_CELLS - 1; j++)
			sizes += cell(CELL_MESSAGE_SIZE + i * SHAPE_SIZE_CELLS + j);
		require(2 * frames <= n);
		require(messages <= frames);
		require(closes == cell(CELL_WS_MESSAGES_RECEIVED + i * MESSAGE_TYPE_COUNT + MESSAGE_TYPE_CLOSE));
		require(sizes ==
			cell(CELL_WS_MESSAGES_RECEIVED + i * MESSAGE_TYPE_COUNT + MESSAGE_TYPE_TEXT) +
				cell(CELL_WS_MESSAGES_RECEIVED + i * MESSAGE_TYPE_COUNT + MESSAGE_TYPE_BINARY));
	}
	require(cell(CELL_WS_ERRORS + WS_ERROR_DECODE) <= DIRECTION_COUNT);
	require(cell(CELL_WS_CONNECTIONS) + cell(CELL_WS_CONNECTIONS_JOINED) <= 1);
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t n)
{
	static struct outcome one, other;

	if (n < 4)
		return 0;
	converse_as_told(data, n, 0, false, &one);
	check_sums(n);
	converse_as_told(data, n, 0xff, false, &other);
	require(!memcmp(&one, &other, sizeof(one)));

	/* What is no HTTP passes to the end of its segment. */
	if (one.conn.protocol == PROTOCOL_HTTP || cell(CELL_WS_CONNECTIONS))
		return 0;
	converse_as_told(data, n, 0xa5, true, &other);
	require(one.conn.protocol == other.conn.protocol);
	require(!memcmp(one.cells, other.cells, sizeof(one.cells)));
	require(!memcmp(one.rows, other.rows, sizeof(one.rows)));
	return 0;
}
