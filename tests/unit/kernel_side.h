/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The whole kernel side, from the hook's handler to the metric cells, compiled natively: bpf/follow.h as it is, with
 * stand-ins for the helpers and for the sockets behind it. What it reads as "user memory" are the caller's bytes, so
 * that sanitizers and guard pages see every access. With KERNEL_SIDE_HOOKS defined the hooks come, too: the whole of
 * bpf/tapstat.bpf.c.
 *
 * Include it before anything of the C library but guard.h: bpf/kernel.h has its own names for a few constants.
 */
#ifndef TAPSTAT_TESTS_KERNEL_SIDE_H
#define TAPSTAT_TESTS_KERNEL_SIDE_H

#include "guard.h"

#if defined(__x86_64__)
#define __TARGET_ARCH_x86
#elif defined(__aarch64__)
#define __TARGET_ARCH_arm64
#endif

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunknown-pragmas"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wsign-compare"

#undef bool
#undef NULL
#define preserve_access_index annotate("kernel") /* means nothing outside BPF */
#include "kernel.h"
#undef preserve_access_index

/* ---- <bpf/bpf_helpers.h>, <bpf/bpf_core_read.h> ------------------------------------------------------------ */

#define __BPF_HELPERS__
#define __BPF_CORE_READ_H__
#define __BPF_TRACING_H__
#define SEC(name)
#define BPF_PROG(name, ...) name(__VA_ARGS__)
#define __uint(name, value) int(*name)[value]
#define __type(name, value) __typeof__(value) *name
#define __noinline __attribute__((noinline))

#define CORE_READ_2(p, a) ((p)->a)
#define CORE_READ_3(p, a, b) ((p)->a->b)
#define CORE_READ_4(p, a, b, c) ((p)->a->b->c)
#define CORE_READ_PICK(_1, _2, _3, _4, name, ...) name
#define BPF_CORE_READ(...) CORE_READ_PICK(__VA_ARGS__, CORE_READ_4, CORE_READ_3, CORE_READ_2, )(__VA_ARGS__)
#define BPF_CORE_READ_INTO(to, p, member) memcpy(to, &(p)->member, sizeof((p)->member))
#define bpf_core_field_exists(member) (sizeof(member) != 0)
#define bpf_core_field_offset(type, member) __builtin_offsetof(type, member)
#define bpf_core_field_size(type, member) sizeof(((type *)0)->member)

/* What a map's definition says of it: __uint() and __type(). */
struct map_shape {
	const void *map;
	__u32 key_bytes, value_bytes;
	bool is_array; /* all of its keys are there from the beginning */
};
#define MAP_SHAPE(m)                                                                  \
	(&(struct map_shape){m, sizeof(*(m)->key), sizeof(*(m)->value),               \
			     sizeof(*(m)->type) == sizeof(int[BPF_MAP_TYPE_ARRAY]) || \
				     sizeof(*(m)->type) == sizeof(int[BPF_MAP_TYPE_PERCPU_ARRAY])})
static void *map_lookup(const struct map_shape *shape, const void *key);
static long map_update(const struct map_shape *shape, const void *key, const void *value, __u64 flags);
static long map_delete(const struct map_shape *shape, const void *key);
#define bpf_map_lookup_elem(map, key) map_lookup(MAP_SHAPE(map), key)
#define bpf_map_update_elem(map, key, value, flags) map_update(MAP_SHAPE(map), key, value, flags)
#define bpf_map_delete_elem(map, key) map_delete(MAP_SHAPE(map), key)

static long bpf_loop(__u32 n, void *step, void *context, __u64 flags)
{
	long (*call)(__u32, void *) = (long (*)(__u32, void *))step;
	__u32 i;

	for (i = 0; i < n && !flags;)
		if (call(i++, context))
			break;
	return i;
}

static const void *user_unreadable; /* an address of user memory where nothing is */

static long bpf_probe_read_user(void *to, __u32 n, const void *from)
{
	if (from == user_unreadable) {
		memset(to, 0, n); /* as the kernel does */
		return -14;       /* EFAULT */
	}
	memcpy(to, from, n);
	return 0;
}

static long bpf_probe_read_kernel(void *to, __u32 n, const void *from)
{
	memcpy(to, from, n);
	return 0;
}

static long read_string(char *to, __u32 n, const char *from)
{
	__u32 i = 0;

	while (i + 1 < n && from[i]) {
		to[i] = from[i];
		i++;
	}
	to[i] = 0;
	return i + 1;
}
#define bpf_probe_read_user_str(to, n, from) read_string((char *)(to), n, (const char *)(from))
#define bpf_probe_read_kernel_str bpf_probe_read_user_str

static __u64 clock_ns = 1000000000; /* a millisecond on at each call */
#define bpf_ktime_get_ns() clock_ns
static struct signal_struct current_threads = {.live = {1}};
static struct task_struct current_leader, current_parent;
static struct task_struct current_task = {.group_leader = &current_leader,
					  .real_parent = &current_parent,
					  .signal = &current_threads,
					  .tgid = 4242,
					  .pid = 4242};
#define bpf_get_current_task_btf() (&current_task)
#define bpf_get_current_pid_tgid() ((__u64)current_task.tgid << 32 | (__u32)current_task.pid)
static struct pt_regs current_regs;
static __u64 current_goroutine; /* Go keeps it in a register */
#define bpf_task_pt_regs(task) ((void)(task), &current_regs)

struct conn;
struct tcp_sock;
static struct conn *connection_storage(struct sock *sk, const struct conn *fresh, __u64 flags);
static struct tcp_sock *connection_tcp(struct sock *sk);
#define bpf_sk_storage_get(map, sk, value, flags) ((void)(map), connection_storage(sk, value, flags))
#define bpf_skc_to_tcp_sock(sk) connection_tcp(sk)

#ifdef KERNEL_SIDE_HOOKS
static __u64 probe_cookie; /* of the probe whose program runs */
#define bpf_get_attach_cookie(context) ((void)(context), probe_cookie)
/* What function probes do with a map's elements: their maps are empty here. */
struct bpf_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, char);
	__type(value, char);
};
#define bpf_for_each_map_elem(map, step, context, flags) ((void)(map), (void)(step), (void)(context))
#include "tapstat.bpf.c"
#else
#include "follow.h"
#endif

#undef bpf_map_lookup_elem
#undef bpf_map_update_elem
#undef bpf_map_delete_elem /* libbpf has functions of these names */
#pragma GCC diagnostic pop

int operations_fill(struct operation_table *table); /* user/operations.h, whose names bpf/rows.h has, too */

/* ---- Maps -------------------------------------------------------------------------------------------------- */

static struct series series_cells[ROLE_COUNT]; /* of the one service, 0 */
static struct row row_cells[MAX_ROWS];
static struct self_counters self_cells;
static __u64 refused_count[1000]; /* by status, both roles */
static struct scratch the_scratch;
static struct process the_process;
static struct service the_service;

/* An entry of any other map. */
struct map_entry {
	struct map_entry *next;
	const void *map;
	__u8 *key, *value;
};
enum { MAP_BUCKETS = 4096 };
static struct map_entry *map_bucket[MAP_BUCKETS];
static __u32 map_used[MAP_BUCKETS], map_n_used; /* the buckets that hold something */

static struct map_entry **map_place(const struct map_shape *shape, const void *key)
{
	__u32 hash = (__u32)(__u64)shape->map * 2654435761u, i;
	struct map_entry **at;

	for (i = 0; i < shape->key_bytes; i++)
		hash = (hash ^ ((const __u8 *)key)[i]) * 16777619u;
	i = (hash ^ hash >> 15) % MAP_BUCKETS;
	if (!map_bucket[i] && map_n_used < MAP_BUCKETS)
		map_used[map_n_used++] = i;
	for (at = &map_bucket[i]; *at; at = &(*at)->next)
		if ((*at)->map == shape->map && !memcmp((*at)->key, key, shape->key_bytes))
			break;
	return at;
}

static void *map_add(const struct map_shape *shape, struct map_entry **at, const void *key)
{
	struct map_entry *entry = calloc(1, sizeof(*entry));

	require(entry);
	entry->map = shape->map;
	entry->key = malloc(shape->key_bytes);
	entry->value = calloc(1, shape->value_bytes);
	require(entry->key && entry->value);
	memcpy(entry->key, key, shape->key_bytes);
	*at = entry;
	return entry->value;
}

static void *map_lookup(const struct map_shape *shape, const void *key)
{
	__u32 index = *(const __u32 *)key;
	const void *map = shape->map;
	struct map_entry **at;

	if (map == &series)
		return index < ROLE_COUNT ? &series_cells[index] : NULL;
	if (map == &self)
		return &self_cells;
	if (map == &scratches)
		return &the_scratch;
	if (map == &processes)
		return &the_process;
	if (map == &services)
		return index ? NULL : &the_service;
	if (map == &rows)
		return index < MAX_ROWS ? &row_cells[index] : NULL;
	if (map == &refused_by_code) {
		__u32 code = ((const struct refused_key *)key)->code;

		require(code < 1000);
		return &refused_count[code];
	}
	at = map_place(shape, key);
	if (*at)
		return (*at)->value;
	return shape->is_array ? map_add(shape, at, key) : NULL;
}

static const void *map_full; /* a map that takes no further key */

static long map_update(const struct map_shape *shape, const void *key, const void *value, __u64 flags)
{
	struct map_entry **at = map_place(shape, key);

	if (!*at && shape->map == map_full)
		return -7; /* E2BIG */
	if (*at && flags == BPF_NOEXIST)
		return -17; /* EEXIST */
	memcpy(*at ? (*at)->value : map_add(shape, at, key), value, shape->value_bytes);
	return 0;
}

/* The memory stays: the kernel's outlives the program's run, too. */
static struct map_entry *map_deleted;

static void map_entry_free(struct map_entry *entry)
{
	free(entry->key);
	free(entry->value);
	free(entry);
}

static long map_delete(const struct map_shape *shape, const void *key)
{
	struct map_entry **at = map_place(shape, key), *entry = *at;

	if (!entry)
		return -2; /* ENOENT */
	*at = entry->next;
	entry->next = map_deleted;
	map_deleted = entry;
	return 0;
}

/* The counts of all rows. */
static inline void rows_reset(void)
{
	memset(row_cells, 0, (1 + min_u64(shared.row_count, MAX_ROWS - 1)) * sizeof(row_cells[0]));
	memset(row_cells + MAX_ROWS - ROWS_SHARED, 0, ROWS_SHARED * sizeof(row_cells[0]));
}

/* Everything that was learnt: rows, paths, what is outstanding. */
static inline void maps_forget(void)
{
	struct map_entry *entry, *next;
	bool all = map_n_used == MAP_BUCKETS;

	for (__u32 i = 0; i < map_n_used; i++) {
		__u32 bucket = all ? i : map_used[i];

		for (entry = map_bucket[bucket]; entry; entry = next) {
			next = entry->next;
			map_entry_free(entry);
		}
		map_bucket[bucket] = NULL;
	}
	for (entry = map_deleted; entry; entry = next) {
		next = entry->next;
		map_entry_free(entry);
	}
	map_deleted = NULL;
	map_n_used = 0;
	rows_reset();
	shared.row_count = 0;
	memset(&the_service, 0, sizeof(the_service));
}

/* ---- Connections and the calls on them --------------------------------------------------------------------- */

struct connection {
	struct sock sk; /* first: the helpers get its address */
	struct tcp_sock tcp;
	struct conn conn;
	bool has_state;
	bool fresh;
};

/* Told of each call once it is done. */
static void (*call_watcher)(const struct connection *c, enum label_direction direction, const void *at, __u64 n,
			    __u32 len);

static struct conn *connection_storage(struct sock *sk, const struct conn *fresh, __u64 flags)
{
	struct connection *c = (struct connection *)sk;

	if (!c->has_state && !flags)
		return NULL;
	if (!c->has_state)
		c->conn = fresh ? *fresh : (struct conn){};
	c->has_state = true;
	return &c->conn;
}

static struct tcp_sock *connection_tcp(struct sock *sk)
{
	return &((struct connection *)sk)->tcp;
}

/* Clears what is no part of a state: whatever the window held behind the carry, the lock, the place in TCP's stream.
 */
static inline void conn_normalise(struct conn *conn)
{
	int i;

	for (i = 0; i < DIRECTION_COUNT; i++) {
		struct stream *s = &conn->stream[i];
		bool in_control = s->mode == STREAM_FRAMES && s->ws.payload_left && (s->frame & WS_CONTROL);
		__u8 used = in_control ? &s->control.passed + 1 - s->carry : s->carry_len;

		memset(s->carry + used, 0, CARRY_BYTES - used);
		s->lock = s->seq = 0;
		s->flags &= ~STREAM_SEQ_KNOWN;
	}
	conn->peer_port = 0;
}

/* A TCP connection. `fresh`: it is seen from its first byte on; else it is older than tapstat. */
static inline void connection_begin(struct connection *c, bool fresh)
{
	__u32 before = fresh ? 0 : 5000;

	if (!operations.flags[OPERATION_REDIS_GET])
		require(!operations_fill(&operations));
	shared.states_live = 0;
	memset(c, 0, sizeof(*c));
	c->fresh = fresh;
	c->sk.sk_type = SOCK_STREAM;
	c->sk.sk_protocol = IPPROTO_TCP;
	c->sk.__sk_common.skc_family = AF_INET;
	c->tcp.write_seq = 0xfffff000 + before; /* wraps soon */
	c->tcp.snd_una = c->tcp.write_seq;
	c->tcp.bytes_acked = before;
	c->tcp.copied_seq = c->tcp.rcv_nxt = 0xffffff00;
	c->tcp.bytes_received = before;
}

/* One call of the service on the connection: bytes as a buffer, or a vector of them (`n` above 0). */
static inline void connection_call(struct connection *c, enum label_direction direction, const void *at, __u64 n,
				   __u32 len)
{
	bool sends = direction == DIRECTION_SENT;
	long nr = sends ? (n ? NR_WRITEV : NR_WRITE) : (n ? NR_READV : NR_READ);

#if defined(__TARGET_ARCH_x86)
	current_regs = (struct pt_regs){
		.orig_ax = nr, .si = (__u64)at, .dx = n ? n : len, .ax = -ENOSYS, .r14 = current_goroutine};
#else
	current_regs = (struct pt_regs){.syscallno = nr};
	current_regs.regs[28] = current_goroutine;
	current_regs.regs[1] = (__u64)at;
	current_regs.regs[2] = n ? n : len;
#endif
	if (sends) {
		c->tcp.write_seq += len;
	} else {
		c->tcp.copied_seq += len;
		c->tcp.rcv_nxt += len;
		c->tcp.bytes_received += len;
	}
	clock_ns += 1000000;
	on_io(&c->sk, direction, len, 0);
	require(!the_scratch.busy);
	if (call_watcher)
		call_watcher(c, direction, at, n, len);
}

static inline void counters_reset(void)
{
	memset(series_cells, 0, sizeof(series_cells));
	memset(&self_cells, 0, sizeof(self_cells));
	memset(refused_count, 0, sizeof(refused_count));
	rows_reset();
}

/* A cell of either role's series: a connection has one role. */
static inline __u64 cell(__u32 index)
{
	return series_cells[ROLE_SERVER].cell[index] + series_cells[ROLE_CLIENT].cell[index];
}

#endif
