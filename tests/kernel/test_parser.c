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
#include "parser_5_10.skel.h"
#include "replay.h"

enum { DIFFERENCES_SHOWN = 5 };

static struct bpf_object *kernel;
static int program, states; /* descriptors: the program, the map of states */
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
	struct hashed_conn got = {.conn = {.series = SERIES_NONE, .flags = native->fresh ? CONN_FRESH : 0}};
	struct conn want = native->conn;
	__u64 key = REPLAYED_SOCK;
	char what[80];

	got.conn.first_tgid = current_task.tgid;
	if (!calls++)
		require(!bpf_map_update_elem(states, &key, &got, BPF_ANY));
	if (bpf_prog_test_run_opts(program, &run) || run.retval) {
		differs("the program does not run");
		return;
	}
	require(!bpf_map_lookup_elem(states, &key, &got));
	conn_normalise(&want);
	conn_normalise(&got.conn);
	for (size_t i = 0; i < sizeof(want); i++)
		if (((__u8 *)&want)[i] != ((__u8 *)&got.conn)[i]) {
			snprintf(what, sizeof(what), "byte %zu of the state is %#x, natively %#x", i,
				 ((__u8 *)&got.conn)[i], ((__u8 *)&want)[i]);
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

static int map_named(const char *name)
{
	return bpf_object__find_map_fd_by_name(kernel, name);
}

/* The counts of rows, whose numbers are the same on both sides. */
static void compare_rows(void)
{
	for (__u32 number = 1; number <= shared.row_count; number++)
		compare_cells(map_named("rows"), number, row_cells[number].cell, ROW_CELL_COUNT, "other rows");
	for (__u32 number = MAX_ROWS - ROWS_SHARED; number < MAX_ROWS; number++)
		compare_cells(map_named("rows"), number, row_cells[number].cell, ROW_CELL_COUNT, "other shared rows");
}

/* Takes the kernel's refusals out, key by key: asking for each possible one is 2000 calls a stream. */
static void compare_refused(void)
{
	int map = map_named("refused_by_code");
	__u64 sum[1000] = {}, count;
	struct refused_key key;

	while (!bpf_map_get_next_key(map, NULL, &key)) {
		require(key.code < 1000 && !bpf_map_lookup_elem(map, &key, &count));
		sum[key.code] += count;
		require(!bpf_map_delete_elem(map, &key));
	}
	for (__u32 code = 0; code < 1000; code++)
		if (sum[code] != refused_count[code])
			differs("another refusal");
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
		compare_cells(map_named("series"), SERIES_INDEX(0, role), series_cells[role].cell, SERIES_CELL_COUNT,
			      "other counters");
	compare_cells(map_named("self"), 0, self_cells.cell, SELF_CELL_COUNT, "other counters of its own");
	compare_rows();
	compare_refused();
}

static void converse_in_every_way(const char *description, bool fresh, const struct call_row *script)
{
	for (enum cutting cutting = CUT_NOT; cutting < CUTTINGS; cutting++)
		for (__u32 cut = 1; cut < 2 + 40 * (cutting == CUT_CALLS || cutting == CUT_SEGMENTS); cut += 3) {
			stream_begin(description);
			connection_begin(&c, fresh);
			for (const struct call_row *row = script; row->len; row++)
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
		struct call_row script[] = {IN(ASK), OUT(ANSWER), {}, {}};
		struct bytes b = {};

		bytes_add_hex(&b, v->hex);
		if (v->rsv1_allowed)
			script[1] = (struct call_row)OUT(ANSWER_DEFLATE);
		script[2] = (struct call_row){v->masked ? DIRECTION_RECEIVED : DIRECTION_SENT, b.n, (char *)b.at};
		converse_in_every_way(v->description, true, script);
		bytes_free(&b);
	}
}

static void run_heads(void)
{
	for (int i = 0; i < HTTP_VECTORS; i++) {
		const char *text = http_vectors[i].text, *end;
		bool response = !strncmp(text, "HTTP", 4);
		struct call_row script[16] = {}, *row = script;

		for (; *text; text = *end ? end + 1 : end) {
			end = strchrnul(text, '|');
			*row++ = (struct call_row){response ? DIRECTION_SENT : DIRECTION_RECEIVED, end - text, text};
		}
		converse_in_every_way(http_vectors[i].description, true, script);
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
	struct call_row script[] = {IN(ASK), OUT(ANSWER), {}, {}};
	__u64 seed = 43;

	for (int round = 0; round < 30; round++) {
		__u8 message = 0;
		struct bytes b = {};

		while (b.n < 100000)
			frame_add_likely(&b, false, &message, &seed);
		script[2] = (struct call_row){DIRECTION_SENT, b.n, (char *)b.at};
		stream_begin("hundreds of frames in a call");
		connection_begin(&c, true);
		for (const struct call_row *row = script; row->len; row++)
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

/* The two objects of bpf/compat.h. */
static const struct {
	const char *name;
	const void *(*bytes)(size_t *size);
	bool needs_loop;
} objects[] = {
	{"5.17", parser_bpf__elf_bytes, true},
	{"5.10", parser_5_10_bpf__elf_bytes, false},
};

/* 0 or a negative errno. */
static int object_load(const void *bytes, size_t size)
{
	struct settings told = settings;
	int err;

	kernel = bpf_object__open_mem(bytes, size, NULL);
	if (!kernel)
		return -errno;
	told.max_connections = told.hashed = 1;
	maps_forget();
	require(!operations_fill(&operations));
	err = bpf_map__set_initial_value(bpf_object__find_map_by_name(kernel, ".rodata.settings"), &told,
					 sizeof(told));
	if (!err)
		err = bpf_map__set_initial_value(bpf_object__find_map_by_name(kernel, ".rodata.operations"),
						 &operations, sizeof(operations));
	if (!err)
		err = bpf_object__load(kernel);
	if (err)
		return err;
	program = bpf_program__fd(bpf_object__find_program_by_name(kernel, "replay"));
	states = map_named("conns_by_key");
	return 0;
}

int main(void)
{
	int passed = 0, failed = 0, skipped = 0;

	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	stay_on_this_cpu();
	current_task.tgid = current_task.pid = getpid();
	cpus = libbpf_num_possible_cpus();
	call_watcher = replay;
	for (size_t o = 0; o < sizeof(objects) / sizeof(objects[0]); o++) {
		const void *bytes;
		size_t size;

		if (objects[o].needs_loop &&
		    libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_FUNC_loop, NULL) != 1) {
			printf("SKIP for %s: this kernel has no bpf_loop()\n", objects[o].name);
			skipped++;
			continue;
		}
		bytes = objects[o].bytes(&size);
		if (object_load(bytes, size)) {
			printf("FAIL for %s: this kernel does not take the program\n", objects[o].name);
			failed++;
			continue;
		}
		for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
			streams = differences = 0;
			groups[i].run();
			printf("%s for %s, %s: %u streams, %u differences\n", differences ? "FAIL" : "ok  ",
			       objects[o].name, groups[i].name, streams, differences);
			if (differences)
				failed++;
			else
				passed++;
		}
		bpf_object__close(kernel);
	}
	printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
	return failed != 0;
}
