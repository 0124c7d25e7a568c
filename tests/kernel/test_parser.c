// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The kernel side in the kernel and natively, call by call on the same bytes: the same state after each call, the
 * same counters at the end of each connection.
 */
#include "conversations.h"
#include "http_vectors.h"
#include "other_protocols.h"
#include "vectors.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sched.h>

#include "parser.skel.h"
#include "replay.h"

enum { DIFFERENCES_SHOWN = 5 };

static struct parser_bpf *kernel;
static int cpus;
static struct connection c;
static __u32 calls, streams, differences;
static const char *subject;

static void differs(const char *what)
{
	if (++differences <= DIFFERENCES_SHOWN)
		printf("  %s: %s after %u calls\n", subject, what, calls);
}

/* The call that was just made natively, now in the kernel. */
static void replay(const struct connection *native, enum label_direction direction, const void *at, __u64 n,
		   __u32 len)
{
	struct replay_call call = {
		.at = (__u64)at, .segments = n, .now = clock_ns, .len = len, .direction = direction};
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = &call, .ctx_size_in = sizeof(call));
	struct conn want = native->conn, got;
	char what[80];

	if (!calls++)
		kernel->bss->replayed = (struct conn){.series = SERIES_NONE, .flags = native->fresh ? CONN_FRESH : 0};
	if (bpf_prog_test_run_opts(bpf_program__fd(kernel->progs.replay), &run) || run.retval) {
		differs("the program does not run");
		return;
	}
	got = kernel->bss->replayed;
	conn_normalise(&want);
	conn_normalise(&got);
	for (size_t i = 0; i < sizeof(want); i++)
		if (((__u8 *)&want)[i] != ((__u8 *)&got)[i]) {
			snprintf(what, sizeof(what), "byte %zu of the state is %#x, natively %#x", i,
				 ((__u8 *)&got)[i], ((__u8 *)&want)[i]);
			differs(what);
			return;
		}
}

/* Compares a per-CPU value with the native one, summed up, and zeroes it. */
static void compare_cells(int map, __u32 key, const __u64 *want, __u32 cells, const char *what)
{
	__u64 *got = calloc(cpus, cells * sizeof(*got)), sum;

	require(got && !bpf_map_lookup_elem(map, &key, got));
	for (__u32 i = 0; i < cells; i++) {
		sum = 0;
		for (int cpu = 0; cpu < cpus; cpu++)
			sum += got[cpu * cells + i];
		if (sum != want[i]) {
			differs(what);
			break;
		}
	}
	memset(got, 0, cpus * cells * sizeof(*got));
	require(!bpf_map_update_elem(map, &key, got, BPF_ANY));
	free(got);
}

static void compare_refused(void)
{
	int map = bpf_map__fd(kernel->maps.refused_by_code);

	for (__u32 code = 0; code < 1000; code++) {
		__u64 count, sum = 0;

		for (__u32 role = 0; role < ROLE_COUNT; role++) {
			struct refused_key key = {.series = SERIES_INDEX(0, role), .code = code};

			if (!bpf_map_lookup_elem(map, &key, &count)) {
				sum += count;
				bpf_map_delete_elem(map, &key);
			}
		}
		if (sum != refused_count[code])
			differs("another refusal");
	}
}

static void stream_begin(const char *description)
{
	subject = description;
	streams++;
	calls = 0;
	counters_reset();
}

static void stream_end(void)
{
	for (__u32 role = 0; role < ROLE_COUNT; role++)
		compare_cells(bpf_map__fd(kernel->maps.series), SERIES_INDEX(0, role), series_cells[role].cell,
			      SERIES_CELL_COUNT, "other counters");
	compare_cells(bpf_map__fd(kernel->maps.self), 0, self_cells.cell, SELF_CELL_COUNT,
		      "other counters of its own");
	compare_refused();
}

static void converse_in_every_way(const char *description, bool fresh, const struct call_row *rows)
{
	for (enum cutting cutting = CUT_NOT; cutting < CUTTINGS; cutting++)
		for (__u32 cut = 1; cut < 2 + 40 * (cutting == CUT_CALLS || cutting == CUT_SEGMENTS); cut += 3) {
			stream_begin(description);
			connection_begin(&c, fresh);
			for (const struct call_row *row = rows; row->len; row++)
				call_cut(&c, row->direction, row->bytes, row->len, cutting, cut);
			stream_end();
		}
}

/* ---- Groups ------------------------------------------------------------------------------------------------ */

static void run_conversations(void)
{
	for (int i = 0; i < CONVERSATIONS; i++)
		converse_in_every_way(conversations[i].description, true, conversations[i].calls);
}

static void run_frames(void)
{
	for (int i = 0; i < FRAMES_VECTORS; i++) {
		const struct frames_vector *v = &frames_vectors[i];
		struct call_row rows[] = {IN(ASK), OUT(ANSWER), {}, {}};
		struct bytes b = {};

		bytes_add_hex(&b, v->hex);
		if (v->rsv1_allowed)
			rows[1] = (struct call_row)OUT(ANSWER_DEFLATE);
		rows[2] = (struct call_row){v->masked ? DIRECTION_RECEIVED : DIRECTION_SENT, b.n, (char *)b.at};
		converse_in_every_way(v->description, true, rows);
		bytes_free(&b);
	}
}

static void run_heads(void)
{
	for (int i = 0; i < HTTP_VECTORS; i++) {
		const char *text = http_vectors[i].text, *end;
		bool response = !strncmp(text, "HTTP", 4);
		struct call_row rows[16] = {}, *row = rows;

		for (; *text; text = *end ? end + 1 : end) {
			end = strchrnul(text, '|');
			*row++ = (struct call_row){response ? DIRECTION_SENT : DIRECTION_RECEIVED, end - text, text};
		}
		converse_in_every_way(http_vectors[i].description, true, rows);
	}
}

static void run_mid_stream(void)
{
	__u64 seed = 41;

	for (int round = 0; round < 300; round++) {
		bool server = round & 1;
		__u8 message[DIRECTION_COUNT] = {};

		stream_begin("WebSocket in mid-stream");
		connection_begin(&c, false);
		for (int i = 0; i < 60; i++) {
			enum label_direction direction = random_below(&seed, 2);
			enum cutting cutting = random_below(&seed, CUTTINGS);
			struct bytes b = {};

			for (int n = 1 + random_below(&seed, 4); n; n--)
				frame_add_likely(&b, server == (direction == DIRECTION_RECEIVED), &message[direction],
						 &seed);
			call_cut(&c, direction, b.at, b.n, cutting == CUT_BYTES ? CUT_NOT : cutting,
				 random_below(&seed, b.n));
			bytes_free(&b);
		}
		stream_end();
	}
}

static void run_other_protocols(void)
{
	for (int i = 0; i < OTHER_PROTOCOLS; i++) {
		__u64 seed = 42 + i;

		for (int round = 0; round < 30; round++) {
			stream_begin(other_protocols[i].name);
			connection_begin(&c, round & 1);
			for (int call = 0; call < 30; call++) {
				struct bytes b = {};

				for (int n = 1 + random_below(&seed, 12); n; n--)
					other_protocols[i].write(&b, &seed, call & 1);
				if (b.n && b.n < 65536)
					call_cut(&c, call & 1, b.at, b.n, CUT_NOT, 0);
				bytes_free(&b);
			}
			stream_end();
		}
	}
}

static void run_batches(void)
{
	struct call_row rows[] = {IN(ASK), OUT(ANSWER), {}, {}};
	__u64 seed = 43;

	for (int round = 0; round < 30; round++) {
		__u8 message = 0;
		struct bytes b = {};

		while (b.n < 100000)
			frame_add_likely(&b, false, &message, &seed);
		rows[2] = (struct call_row){DIRECTION_SENT, b.n, (char *)b.at};
		stream_begin("hundreds of frames in a call");
		connection_begin(&c, true);
		for (const struct call_row *row = rows; row->len; row++)
			call_cut(&c, row->direction, row->bytes, row->len, CUT_SEGMENTS, 5000 * round);
		stream_end();
		bytes_free(&b);
	}
}

static const struct {
	const char *name;
	void (*run)(void);
} groups[] = {
	{"conversations", run_conversations},
	{"frames", run_frames},
	{"heads", run_heads},
	{"WebSocket in mid-stream", run_mid_stream},
	{"other protocols", run_other_protocols},
	{"batches", run_batches},
};

/* One CPU, so that the program's per-CPU memory is one. */
static void stay_on_this_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	require(!sched_setaffinity(0, sizeof(set), &set));
}

int main(void)
{
	int passed = 0, failed = 0;

	stay_on_this_cpu();
	current_task.tgid = current_task.pid = getpid();
	cpus = libbpf_num_possible_cpus();
	kernel = parser_bpf__open_and_load();
	if (!kernel) {
		printf("the program is not accepted by this kernel\n0 passed, 1 failed, 0 skipped\n");
		return 1;
	}
	call_watcher = replay;
	for (unsigned int i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		streams = differences = 0;
		groups[i].run();
		printf("%s %s: %u streams, %u differences\n", differences ? "FAIL" : "ok  ", groups[i].name, streams,
		       differences);
		if (differences)
			failed++;
		else
			passed++;
	}
	parser_bpf__destroy(kernel);
	printf("%d passed, %d failed, 0 skipped\n", passed, failed);
	return failed != 0;
}
