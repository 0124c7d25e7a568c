/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every map: its key, its lifetime, what happens when it is full, and why it has its size. user/attachment.c adds up
 * what they can take.
 */
#ifndef TAPSTAT_MAPS_H
#define TAPSTAT_MAPS_H

#include "compat.h"
#include "conn.h"
#include "endpoint.h"
#include "function_frames.h"
#include "glob.h"
#include "operation_names.h"
#include "proto/exchange.h"
#include "proto/queue.h"
#include "proto/websocket.h"
#ifndef TAPSTAT_5_10
#include "proto/sqlite.h"
#endif

/* By socket; freed with it. Full (max_connections): the socket is not followed, counted as dropped. Not used where
 * settings.hashed. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct conn);
} conns SEC(".maps");

struct hashed_conn {
	struct conn conn;
	__u64 generation; /* of the socket at this address: sock_generation(); of a TLS object its process's */
};

/* The same by address of the socket, where settings.hashed. The end of the socket removes it; one that went unnoticed
 * is found by its generation, by the scan or by the next socket at the address. Everywhere by key of a TLS object,
 * see tls_objects. Full: as above. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* max_connections, where it is used */
	__type(key, __u64);
	__type(value, struct hashed_conn);
} conns_by_key SEC(".maps");

/* By SERIES_INDEX, for ever. Never full: indices are given out by `services`. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MAX_SERIES);
	__type(key, __u32);
	__type(value, struct series);
} series SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct self_counters);
} self SEC(".maps");

/* By service index, for ever. Full (MAX_SERVICES): further services share SERVICE_OTHER. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_SERVICES + 1);
	__type(key, __u32);
	__type(value, struct service);
} services SEC(".maps");

struct service_name {
	char text[SERVICE_NAME_BYTES]; /* zeroed behind the name */
};

/* The index of a service by its name, for ever; as large as `services`. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_SERVICES);
	__type(key, struct service_name);
	__type(value, __u32);
} service_by_name SEC(".maps");

/* By tgid. Full: the longest unused is forgotten and found out again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_PROCESSES);
	__type(key, __u32);
	__type(value, struct process);
} processes SEC(".maps");

/* The naming rules, in their order; user space fills it before anything is attached. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_SERVICE_RULES); /* 1 where there are none */
	__type(key, __u32);
	__type(value, struct service_rule);
} service_rules SEC(".maps");

/* ---- Rows: operations and endpoints of a series ---------------------------------------------------------------- */

/* By number, for ever; 0 is none. Never full: where no number is left, rows of `other` are shared. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MAX_ROWS);
	__type(key, __u32);
	__type(value, struct row);
} rows SEC(".maps");

/* What the rows count. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_ROWS);
	__type(key, __u32);
	__type(value, struct row_info);
} row_infos SEC(".maps");

struct operation_rows {
	__u16 row[(OPERATION_COUNT + 3) / 4 * 4]; /* 0: none yet */
};

/* The row of an operation, by series, for ever. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_SERIES);
	__type(key, __u32);
	__type(value, struct operation_rows);
} rows_by_series SEC(".maps");

/* By service, for ever. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_SERVICES + 1);
	__type(key, __u32);
	__type(value, struct combinations);
} combinations_by_service SEC(".maps");

/* The queues of the configuration, in their order; user space fills it before anything is attached. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_QUEUES); /* 1 where there are none, as below */
	__type(key, __u32);
	__type(value, struct queue_rule);
} queue_rules SEC(".maps");

struct queue_key {
	__u32 series;
	__u32 operation;
	__u64 hash;
};

/* The row of an operation on a key of a queue, for ever. Never full: so many are given out. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, QUEUE_ROWS);
	__type(key, struct queue_key);
	__type(value, __u32);
} queue_rows SEC(".maps");

/* Keys that belong to no queue, or whose queue has no row left. Full: the longest unused is looked for again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct queue_key);
	__type(value, __u32);
} queue_misses SEC(".maps");

/* The length that was told last. Full: the longest untold is forgotten. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, QUEUE_ROWS * 2); /* an LRU map forgets before it is quite full */
	__type(key, struct queue_depth_key);
	__type(value, __u64);
} queue_depths SEC(".maps");

/* Uncommon statuses of a row, for ever. Full: counted as dropped. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct row_code);
	__type(value, __u64);
} count_by_code SEC(".maps");

/* The row of a path seen before. Full: the longest unused is forgotten and found out again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct path_key);
	__type(value, __u32);
} row_by_path SEC(".maps");

/* The row of a template, by its hash, 0 for `other`; for ever, as large as `rows`. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_ROWS);
	__type(key, struct path_key);
	__type(value, __u32);
} row_by_template SEC(".maps");

/* How many literals have been seen behind the beginning of a path, by series and hash; for ever. Full: further ones
 * count as literals until the limit of the service folds them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct path_key);
	__type(value, __u32);
} literals_by_prefix SEC(".maps");

/* Those literals, by the hash of the path up to their end; for ever. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct path_key);
	__type(value, __u8);
} literals SEC(".maps");

/* The path of a request whose call ended in the middle of it, by address of the socket. Full: the longest unused is
 * forgotten, and that request counts under `other`. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 512);
	__type(key, __u64);
	__type(value, struct target);
} targets SEC(".maps");

/* An outstanding request that has no place in its connection. */
struct run_key {
	__u64 sock;   /* address of the socket */
	__u32 number; /* of the run, or what the protocol matches by */
	__u32 by_id;
};

/* Until the answer. Full: the longest unused is forgotten, and is counted under `other` without a duration. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct run_key);
	__type(value, __u64);
} runs SEC(".maps");

/* By series and status, for ever. Full: counted as dropped. 16 codes for each of 64 series; there are rarely five. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct refused_key);
	__type(value, __u64);
} refused_by_code SEC(".maps");

/* A peer that may come back. */
struct peer_key {
	__u32 series;
	__u16 port;  /* host order; 0 where the port of the peer does not matter (server) */
	__u16 depth; /* end_by_peer: position in the peer's stack of ends */
	__u32 addr[4];
};

struct abnormal_end {
	__u64 at_ns;
	__u32 reason; /* enum label_reconnect_reason */
	__u32 pad;
};

/* How many abnormal ends wait in end_by_peer; forgotten when unused for long. As many as peers that fail at once. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct peer_key);
	__type(value, __u32);
} ends_by_peer SEC(".maps");

/* The ends themselves, for RECONNECT_WINDOW_NS. Full: the oldest are forgotten. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct peer_key);
	__type(value, struct abnormal_end);
} end_by_peer SEC(".maps");

/* The scan that saw a peer last, by series and address; user space removes old ones. Full: counted as dropped. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct peer_key);
	__type(value, __u32);
} scan_by_peer SEC(".maps");

/* Results of a scan; zeroed by user space before it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_SERIES);
	__type(key, __u32);
	__type(value, struct scan_series);
} scan_by_series SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scan_total);
} scan_totals SEC(".maps");

enum {
	WINDOW_BYTES = 2048,
	FIRST_FILL_BYTES =
		512, /* most calls hold one frame: more is copied only where small frames follow one another */
	IOVEC_BATCH = 16,
};

/*
 * What a step found to begin. The walk stops, and the handler lets it begin (conn_turn()): naming the service takes
 * more of the stack than is left inside the walk.
 */
enum turn {
	TURN_NONE,
	TURN_ASKED,     /* an upgrade request is complete */
	TURN_OPENED,    /* the 101 is */
	TURN_RECOGNISE, /* the first bytes are of no protocol that classify() knows */
	TURN_PATH,      /* the path of a request is complete and new, or the first of its connection */
	TURN_READY,     /* the evidence for WebSocket in mid-stream is */
};

/*
 * One call on one direction of one connection: where it stands. It lies in map memory, so that the verifier takes its
 * members for unknown and every loop over them converges.
 */
struct call {
	__u64 now;      /* ns, monotonic */
	__u64 entered;  /* likewise, when the bytes that it sends were handed over; `now` where that is not known */
	__u64 base;     /* user address of virtual offset 0 of the segment, see window.h */
	__u64 len, off; /* of the segment, virtual */
	__u64 filled_at, filled; /* virtual offset and bytes of what the window holds */
	__u64 rest;              /* bytes of the call behind this segment */
	__u64 vector, segments, segment;
	__u32 dir;    /* enum label_direction */
	__u32 opened; /* the connection became WebSocket in this call */
	__u32 fault;  /* user memory could not be read */
	__u32 turn;   /* enum turn */
	__u32 locked; /* stream_wait(): got it */
	__u32 later;  /* bytes that passed behind this call already: their events follow */
};

/* A search among the queues of the configuration. */
struct queue_search {
	struct glob glob;
	__u32 rule, service, found;
	__u32 in_service; /* the pattern of the service is compared */
};

/* Plaintext that a call of a TLS library has passed on: tls.h. */
struct tls_plain {
	__u64 object; /* tls_key() */
	__u64 at;     /* user address; 0: it is nowhere to be read */
	__u64 entered_ns;
	__u64 caller; /* key of tls_callers */
	__u32 bytes;  /* 0: the peer sends no more */
	__u32 dir;
	__u32 library;
	__u32 begun; /* its connection is found or made */
};

/* Per CPU, for the length of one program run. */
struct scratch {
	struct call call;
	__u8 window[WINDOW_BYTES + LOOK_BYTES];
	struct user_iovec iov[IOVEC_BATCH];
	struct user_msghdr msg;
	struct ws_candidate candidate;
	struct exchange exchange;
	struct queue_search search;
#ifndef TAPSTAT_5_10
	struct sqlite_text sqlite;
#endif
	struct target target;
	struct hashed_conn fresh; /* a state that is about to begin */
	struct tls_plain plain;
	__u64 sock; /* 5.10: the address of the socket, key of its state */
	__u32 busy;
	__u32 slot; /* key of this in its map, and of what belongs to it in others */
};

/* As many as programs that may be under way on a CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCH_SLOTS);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/* That of a program that can't be preempted. */
static __always_inline struct scratch *scratch_current(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&scratches, &key);
}

/* Working memory until scratch_give(); NULL: all is taken. */
static __always_inline struct scratch *scratch_take(void)
{
	struct scratch *scratch;

	if (!settings.preemptible) {
		scratch = scratch_current();
		if (!scratch || unlikely(scratch->busy))
			return NULL;
		scratch->busy = 1;
		return scratch;
	}
#pragma clang loop unroll(full)
	for (__u32 slot = 0; slot < SCRATCH_SLOTS; slot++) {
		__u32 key = slot;

		scratch = bpf_map_lookup_elem(&scratches, &key);
		if (scratch && try_lock(&scratch->busy)) {
			scratch->slot = slot;
			return scratch;
		}
	}
	return NULL;
}

static __always_inline void scratch_give(struct scratch *scratch)
{
	if (settings.preemptible)
		unlock(&scratch->busy);
	else
		scratch->busy = 0;
}

/* The state that a function without arguments works on (5.10). */
static __always_inline struct conn *conn_of_call(struct scratch *scratch)
{
	struct hashed_conn *hashed = bpf_map_lookup_elem(&conns_by_key, &scratch->sock);

	return hashed ? &hashed->conn : NULL;
}

/* Where a task stands in a sendmmsg or recvmmsg. */
struct mmsg_progress {
	__u64 vector; /* user address */
	__u32 next;   /* index of the message of the next event */
	__u32 nr;     /* of the syscall */
};

/* By pid. Full: the longest unused is forgotten; no more tasks than this are inside such a call at once. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct mmsg_progress);
} mmsg_by_pid SEC(".maps");

/* ---- TLS in clear: tls_object.h, tls.h ----------------------------------------------------------------------------
 */

/* The other end of a socket. */
struct tls_socket {
	__u64 sock;    /* address; 0: not known */
	__u64 seen_ns; /* when it received last */
	__u32 addr[4]; /* of the peer: peer_address() */
	__u16 peer_port, local_port;
	__u32 is_unix;
};

enum tls_object_flags {
	TLS_FRESH = 1 << 0,   /* its beginning was seen */
	TLS_COUNTED = 1 << 1, /* in tapstat_tls_connections_total */
};

/* What a TLS library keeps of a connection: an SSL, a gnutls_session_t, a *tls.Conn. */
struct tls_object {
	struct tls_socket socket;
	__u64 generation; /* of its process */
	__u64 parent;     /* its key before a fork, until its connection has followed; 0: none */
	__u64 unsent;     /* user address of what the last call could not send, for one without a buffer (GnuTLS) */
	__u32 flags;
	__u32 library; /* enum label_library */
};

/* By tls_key(), until the object is freed, its socket destroyed or, found by the scan, its process has ended. Full:
 * the object's connection is not followed, counted as dropped. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384); /* 1 where TLS is not looked into */
	__type(key, __u64);
	__type(value, struct tls_object);
} tls_objects SEC(".maps");

/* The object of a socket that does not know it yet, by address of the socket; until then. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096); /* as above */
	__type(key, __u64);
	__type(value, __u64);
} tls_object_by_sock SEC(".maps");

/* A call of a TLS library's function under way. */
struct tls_call {
	__u64 stack;  /* the stack pointer at its entry; 0: none is */
	__u64 object; /* tls_key(), or where the function leaves the object */
	__u64 buffer; /* user address */
	__u64 passed; /* user address where the function leaves the number of bytes; 0: it returns it */
	__u64 entered_ns;
	__u32 kind; /* enum tls_kind */
	__u32 library;
	__u32 whole; /* bytes that all pass if any do; 0: part of them may */
	__u32 pad;
};

/* A thread, or a goroutine, that calls a TLS library. */
struct tls_caller {
	struct tls_call call;
	struct tls_call nested;     /* one on its way into tls_nested_calls or out of it: the stack is short */
	__u64 inside;               /* the object of the call entered last, 0 behind its return */
	struct tls_socket received; /* the socket without object that it read last */
	__u32 unwanted;             /* its process is not selected */
	__u32 pad;
};

/* By thread id, until the thread ends, or by tls_key() of the goroutine, for the length of the call. Full: calls are
 * not seen, counted as dropped. As many as threads that wait in such calls. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384); /* as above */
	__type(key, __u64);
	__type(value, struct tls_caller);
} tls_callers SEC(".maps");

struct tls_nested_key {
	__u64 caller;
	__u64 stack;
};

/* Further calls of a caller inside of one: TLS in TLS, coroutines. Full: the longest in its call is forgotten. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024); /* as above */
	__type(key, struct tls_nested_key);
	__type(value, struct tls_call);
} tls_nested_calls SEC(".maps");

/* Which TLS library a process has that can't be looked into, by tgid; user space fills it. Full: the longest unused
 * is forgotten and counts as unknown. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096); /* as above */
	__type(key, __u32);
	__type(value, __u32);
} library_by_process SEC(".maps");

/* What the entry of a function noted for its return (kprobe). */
struct entered_call {
	__u64 sock; /* address of the socket */
	__u32 flags;
	__u32 pad;
};

/* By pid << 1 | direction, for the length of the call. Full: the longest in its call is forgotten, and its bytes are
 * a gap. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384); /* 1 where it is not used */
	__type(key, __u64);
	__type(value, struct entered_call);
} entered_calls SEC(".maps");

/* A call on files under way. */
struct file_call {
	__u64 begun_ns; /* 0: none is */
	__u32 nr;       /* of the syscall */
	__u32 service;  /* index, SERVICE_UNKNOWN */
	__u16 operation, second;
	__u32 pad;
};

/* By pid; an entry stays for the thread's next call. Full: the longest unused is forgotten, and the call of it that
 * is under way is not counted. As many as threads of the services whose files are counted that are in a call at once.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384); /* 1 where it is not used */
	__type(key, __u32);
	__type(value, struct file_call);
} file_calls SEC(".maps");

enum { FILE_THREADS = 1024, FILE_THREADS_EACH = 64 };

struct file_threads {
	__u8 noted[FILE_THREADS_EACH];
};

/* Whether a thread of this pid, or of one that is the same modulo 65,536, ever had an entry in file_calls: spares the
 * others a look-up at each return. Never full. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FILE_THREADS); /* 1 where it is not used */
	__type(key, __u32);
	__type(value, struct file_threads);
} file_threads SEC(".maps");

/* The process whose files were not wanted last: spares its next call a look-up. */
struct file_unwanted {
	__u64 start_ns;
	__u32 exec_id, tgid;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct file_unwanted);
} file_unwanted SEC(".maps");

#ifndef TAPSTAT_5_10

/* ---- Storage libraries: storage_library.h ------------------------------------------------------------------------
 */

struct storage_caller {
	__u32 pid;
	__u32 backend;
};

/* A thread's call of a storage library: the outermost one. */
struct storage_call {
	__u64 stack;      /* the stack pointer at its entry; 0: none is under way */
	__u64 generation; /* of the thread, and of the program that it runs */
	__u64 begun_ns;
	__u64 argument[3]; /* what its kind makes of them: user addresses, a length */
	__u64 function;    /* struct storage_function */
	__u32 service;     /* index, SERVICE_UNKNOWN */
	__u32 unwanted;    /* its process is not selected */
};

/* By thread and backend; an entry stays for the thread's next call. Full: the longest unused is forgotten, and the
 * call of it that is under way is not counted. As many as threads that are in such calls at once. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384); /* 1 where it is not used, as below */
	__type(key, struct storage_caller);
	__type(value, struct storage_call);
} storage_calls SEC(".maps");

struct sqlite_statement_key {
	__u64 statement; /* its user address, */
	__u32 tgid;      /* ... in this process */
	__u32 pad;
};

struct sqlite_statement {
	__u64 begun_ns; /* its first step; 0: it does not run */
	__u32 operation;
	__u32 pad;
};

/* Until the statement is finalized. Full: the longest unused is forgotten and counts under `other`. Programs keep
 * some tens of prepared statements for each connection. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct sqlite_statement_key);
	__type(value, struct sqlite_statement);
} sqlite_statements SEC(".maps");

/* ---- Function probes: user/probes.h. Without any, each map takes next to nothing ---------------------------------
 */

/* In the order of the configuration; user space fills it before anything is attached. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_PROBES);
	__type(key, __u32);
	__type(value, struct function_probe);
} function_probes SEC(".maps");

/* By cookie, for ever; user space fills in one before the first program with that cookie is attached. Full: further
 * forms of places are refused. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_FUNCTION_PLACES);
	__type(key, __u32);
	__type(value, struct function_place);
} function_places SEC(".maps");

/* By row, for ever. Full: each probe's row of `other` serves, 1 + its number. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MAX_FUNCTION_ROWS);
	__type(key, __u32);
	__type(value, struct function_cells);
} function_cells SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_FUNCTION_ROWS);
	__type(key, __u32);
	__type(value, struct function_row_info);
} function_row_infos SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_PROBES *(MAX_SERVICES + 1));
	__type(key, __u32);
	__type(value, struct function_rows);
} function_rows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MAX_PROBES);
	__type(key, __u32);
	__type(value, struct function_unmatched);
} unmatched_by_probe SEC(".maps");

/* Who calls. */
struct frames_key {
	__u32 tgid;
	__u32 pid;       /* 0: a goroutine */
	__u64 goroutine; /* its address */
};

/* Calls that have not returned: of a thread from its first one to its end, of a goroutine while there are any. Full:
 * further threads' calls are counted and not timed. As many as threads of programs that are probed. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct frames_key);
	__type(value, struct frames);
} frames_by_caller SEC(".maps");

/* What a thread begins with; larger than the stack allows. Always zero. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct frames);
} no_frames SEC(".maps");

enum { GO_PROCESSES = 1024 };

/* Goroutines in `frames_by_caller`, of all processes of equal tgid modulo GO_PROCESSES: spares other processes the
 * search at their end. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GO_PROCESSES);
	__type(key, __u32);
	__type(value, __u64);
} goroutines SEC(".maps");

#endif

#endif
