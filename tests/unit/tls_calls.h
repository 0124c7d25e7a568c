/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A service that calls a TLS library, seen by the hooks of bpf/tapstat.bpf.c: the entries and returns of functions,
 * the I/O on the sockets below, and the ends of objects, sockets, threads and processes.
 */
#ifndef TAPSTAT_TESTS_TLS_CALLS_H
#define TAPSTAT_TESTS_TLS_CALLS_H

#define KERNEL_SIDE_HOOKS
#include "connection.h"

#include <sys/mman.h>
#include <unistd.h>

enum {
	PROCESS = 100,
	STACK = 0x7f000, /* of a thread */
	OBJECT = 0x5500100,
	OTHER_OBJECT = 0x5500200,
	PORT = 443,
};

#define TLS_RECORD "\x17\x03\x03\x00\x20................................"
#define ASKED "GET /page HTTP/1.1\r\nHost: x\r\n\r\n"
#define UPGRADE                                                                          \
	"GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
#define SWITCHED "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
#define ANSWERED "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

/* ---- What user space sets ---------------------------------------------------------------------------------------
 */

/* The settings, which are constants for the programs. */
static inline struct settings *settings_set(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *begin = (char *)((size_t)&settings / page * page);

	require(!mprotect(begin, (size_t)((char *)(&settings + 1) - begin), PROT_READ | PROT_WRITE));
	return (struct settings *)&settings;
}

static inline void run_as(int tgid, int pid)
{
	current_task.tgid = tgid;
	current_task.pid = pid;
	current_goroutine = 0;
}

/* Nothing has been seen, and one thread runs. */
static inline void world_begin(void)
{
	struct settings *set = settings_set();

	counters_reset();
	maps_forget();
	if (!operations.flags[OPERATION_REDIS_GET])
		require(!operations_fill(&operations));
	memset(&shared, 0, sizeof(shared));
	memset(&set->selectors, 0, sizeof(set->selectors));
	set->tls = 1;
	set->selecting = set->selecting_process = 0;
	set->max_connections = 65536;
	the_process = (struct process){.selected = 1};
	current_threads.live.counter = 1;
	current_parent.tgid = 1;
	map_full = NULL;
	user_unreadable = NULL;
	run_as(PROCESS, PROCESS);
}

/* ---- Functions of libraries -------------------------------------------------------------------------------------
 */

typedef int hook_fn(struct pt_regs *regs);

static inline struct pt_regs registers(__u64 stack, __u64 first, __u64 second, __u64 fourth)
{
#if defined(__TARGET_ARCH_x86)
	return (struct pt_regs){.sp = stack, .di = first, .si = second, .cx = fourth};
#else
	return (struct pt_regs){.sp = stack, .regs = {first, second, 0, fourth}};
#endif
}

static inline void tls_entry_at(hook_fn *hook, __u32 library, __u64 stack, __u64 object, const void *buffer,
				void *passed)
{
	struct pt_regs regs = registers(stack, object, (__u64)buffer, (__u64)passed);

	clock_ns += 1000;
	probe_cookie = library;
	require(!hook(&regs));
}

static inline void tls_return_at(__u32 library, __u64 stack, __s64 result)
{
	struct pt_regs regs = registers(stack, 0, 0, 0);

#if defined(__TARGET_ARCH_x86)
	regs.sp += 8; /* the return address is taken */
	regs.ax = (__u64)result;
#else
	regs.regs[0] = (__u64)result;
#endif
	clock_ns += 1000;
	probe_cookie = library;
	require(!ts_tls_return(&regs));
	require(!the_scratch.busy);
}

static inline void tls_call(hook_fn *hook, __u64 object, const void *buffer, __s64 result)
{
	tls_entry_at(hook, LIBRARY_OPENSSL, STACK, object, buffer, NULL);
	tls_return_at(LIBRARY_OPENSSL, STACK, result);
}

static inline void tls_reads(__u64 object, const char *text)
{
	tls_call(ts_tls_read, object, text, (__s64)strlen(text));
}

static inline void tls_writes(__u64 object, const char *text)
{
	tls_call(ts_tls_write, object, text, (__s64)strlen(text));
}

/* SSL_new() */
static inline void tls_makes(__u64 object)
{
	tls_call(ts_tls_new, 0, NULL, (__s64)object);
}

static inline void tls_frees(__u64 object)
{
	struct pt_regs regs = registers(STACK, object, 0, 0);

	require(!ts_tls_free(&regs));
}

static inline void tls_clears(__u64 object)
{
	struct pt_regs regs = registers(STACK, object, 0, 0);

	probe_cookie = LIBRARY_OPENSSL;
	require(!ts_tls_clear(&regs));
}

/* ---- Sockets ----------------------------------------------------------------------------------------------------
 */

/* A connection on which TLS is spoken, to this port. */
static inline void socket_begin(struct connection *c, __u16 port)
{
	connection_begin(c, true);
	c->sk.__sk_common.skc_daddr = 0x0100007f;
	c->sk.__sk_common.skc_dport = __builtin_bswap16(port);
}

/* One call on it that reads or writes a record. */
static inline void socket_io(struct connection *c, enum label_direction direction)
{
	connection_call(c, direction, TLS_RECORD, 0, sizeof(TLS_RECORD) - 1);
}

static inline void socket_destroyed(struct connection *c)
{
	require(!ts_tcp_destroy(&c->sk));
	c->has_state = false;
}

/* The object's read or write, in which its thread does I/O on the socket. */
static inline void tls_reads_from(__u64 object, struct connection *c, const char *text)
{
	tls_entry_at(ts_tls_read, LIBRARY_OPENSSL, STACK, object, text, NULL);
	socket_io(c, DIRECTION_RECEIVED);
	tls_return_at(LIBRARY_OPENSSL, STACK, (__s64)strlen(text));
}

/* ---- Go ---------------------------------------------------------------------------------------------------------
 */

enum { GO_STACK_WORDS = 64, GO_FRAME = 20 }; /* where, in words, the stack pointer is at a function's entry */

/* What lies in memory of a goroutine: struct g, and its stack. */
struct goroutine {
	_Alignas(16) __u64 g[2]; /* the lower and the upper end of its stack */
	__u64 stack[GO_STACK_WORDS];
};

static inline void goroutine_begin(struct goroutine *goroutine)
{
	memset(goroutine, 0, sizeof(*goroutine));
	goroutine->g[0] = (__u64)goroutine->stack;
	goroutine->g[1] = (__u64)(goroutine->stack + GO_STACK_WORDS);
}

static inline __u64 *goroutine_frame(struct goroutine *goroutine)
{
	return (__u64 *)goroutine->g[1] - GO_STACK_WORDS + GO_FRAME;
}

static inline struct pt_regs go_registers(struct goroutine *goroutine)
{
	__u64 sp = (__u64)goroutine_frame(goroutine), g = (__u64)goroutine->g;

#if defined(__TARGET_ARCH_x86)
	return (struct pt_regs){.sp = sp, .r14 = g};
#else
	return (struct pt_regs){.sp = sp, .regs = {[28] = g}};
#endif
}

static inline void go_entry(hook_fn *hook, struct goroutine *goroutine, __u64 object, const void *buffer)
{
	struct pt_regs regs = go_registers(goroutine);

#if defined(__TARGET_ARCH_x86)
	regs.ax = object;
	regs.bx = (__u64)buffer;
#else
	regs.regs[0] = object;
	regs.regs[1] = (__u64)buffer;
#endif
	clock_ns += 1000;
	require(!hook(&regs));
}

/* At an instruction that returns. */
static inline void go_return(struct goroutine *goroutine, bool writes, __s64 result)
{
	struct pt_regs regs = go_registers(goroutine);

#if defined(__TARGET_ARCH_x86)
	regs.ax = (__u64)result;
#else
	regs.regs[0] = (__u64)result;
#endif
	clock_ns += 1000;
	probe_cookie = LIBRARY_GO | (writes ? COOKIE_WRITES : 0);
	require(!ts_tls_return(&regs));
	require(!the_scratch.busy);
}

/* Where Go keeps the arguments of the call that returns here. */
static inline void go_spill(struct goroutine *goroutine, __u64 object, const void *buffer, __u64 bytes)
{
	__u64 *at = (__u64 *)((char *)goroutine_frame(goroutine) + GO_SPILL_OFFSET);

	at[0] = object;
	at[1] = (__u64)buffer;
	at[2] = bytes;
}

/* ---- The scan ---------------------------------------------------------------------------------------------------
 */

/* Of the current process, by tapstat. */
static inline const struct scan_total *scan(__u64 object)
{
	static struct scan_total none;
	__u64 key = tls_key(current_task.tgid, object);
	struct bpf_iter__bpf_map_elem context = {.key = &key};
	__u32 first = 0;
	struct scan_total *total = map_lookup(MAP_SHAPE(&scan_totals), &first);
	struct task_struct before = current_task;

	require(total);
	*total = none;
	run_as(1, 1);
	require(!ts_scan_hash(&context));
	current_task = before;
	return total;
}

/* ---- What was counted -------------------------------------------------------------------------------------------
 */

static inline __u64 rows_counted(__u32 from, __u32 to)
{
	__u64 n = 0;

	for (__u32 row = 1; row <= shared.row_count && row < MAX_ROWS; row++)
		for (__u32 i = from; i < to; i++)
			n += row_cells[row].cell[i];
	return n;
}

/* HTTP requests with an answer. */
static inline __u64 answered(void)
{
	return rows_counted(ROW_STATUS, ROW_UNANSWERED);
}

/* ... and those whose connection ended before it. */
static inline __u64 unanswered(void)
{
	return rows_counted(ROW_UNANSWERED, ROW_DURATION);
}

static inline __u64 connections_counted(enum label_library library, enum label_visible visible)
{
	return self_cells.cell[SELF_TLS + library * VISIBLE_COUNT + visible];
}

static inline __u64 connections_of_any_library(enum label_visible visible)
{
	__u64 n = 0;

	for (int library = 0; library < LIBRARY_COUNT; library++)
		n += connections_counted(library, visible);
	return n;
}

static inline __u64 unparsed(void)
{
	__u64 n = 0;

	for (int i = 0; i < UNPARSED_COUNT; i++)
		n += self_cells.cell[SELF_UNPARSED + i];
	return n;
}

/* The WebSocket connection inside an object, in words; NULL: it has none. */
static inline const char *websocket_counted(__u64 object)
{
	static struct connection c;
	struct conn *conn = tls_conn_find(tls_key(current_task.tgid, object));

	if (!conn)
		return NULL;
	c.conn = *conn;
	return counted(&c);
}

#endif
