/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the kernel side and user space share: shapes of maps and of the read-only configuration.
 */
#ifndef TAPSTAT_ABI_H
#define TAPSTAT_ABI_H

#include <linux/types.h>

#include "catalog.h"

enum role { ROLE_SERVER, ROLE_CLIENT, ROLE_COUNT };

enum {
	SERVICE_NAME_BYTES = 64, /* with the terminating NUL; a longer name is cut */
	MAX_SERVICES = 128,      /* interface: at most 128 services, then `other` */
	SERVICE_OTHER = MAX_SERVICES,
	MAX_SERIES = (MAX_SERVICES + 1) * ROLE_COUNT,
	SEGMENT_LIMIT = 40,     /* literals of a segment of a path, before further ones become {name} */
	MAX_COMBINATIONS = 100, /* label combinations of a family and service */
	MAX_ROWS = 4096,        /* combinations of series and operation or endpoint */
	ROW_PROTOCOLS = PROTOCOL_REDIS + BACKEND_COUNT, /* enum label_protocol, and backends that are no protocol */
	ROWS_SHARED =
		ROLE_COUNT * ROW_PROTOCOLS, /* the last of them: `other` of all services, by role and protocol */
	MAX_PROCESSES = 8192,               /* known at once: a busy host's number of processes */
};

/* Index of a series in every per-series map. */
#define SERIES_INDEX(service, role) ((service)*ROLE_COUNT + (role))

/* Value of map `series`, one per CPU. Units: counts, bytes, nanoseconds; see catalog.h for the layout. */
struct series {
	__u64 cell[SERIES_CELL_COUNT];
};

/* Value of map `self`, one per CPU: see enum self_cell. */
struct self_counters {
	__u64 cell[SELF_CELL_COUNT];
};

/* Value of map `services`, indexed by service; an empty name: not in use. */
struct service {
	char name[SERVICE_NAME_BYTES];
	__u32 seen[ROLE_COUNT]; /* 1 << enum label_protocol of what it spoke in this role: those families are exposed
				 */
};

#define SEEN_HTTP (1U << PROTOCOL_HTTP)
#define SEEN_WEBSOCKET (1U << PROTOCOL_WEBSOCKET)

enum { ENDPOINT_BYTES = 176 }; /* of a path's template; longer ones are `other` */

/* Value of map `rows`, one per CPU. */
struct row {
	__u64 cell[ROW_CELL_COUNT];
};

/* Value of map `row_infos`: what a row counts. Written once, before the row's number is given to anybody. */
struct row_info {
	__u32 series;  /* SERIES_INDEX */
	__u8 protocol; /* PROTOCOL_HTTP, or a storage's; PROTOCOL_UNDECIDED: not in use */
	__u8 method;   /* HTTP: enum label_method */
	__u16 operation;
	__u32 statuses; /* 1 << (row cell) of those that hold a label combination */
	__u32 queue;    /* 1 + the number in `queue_rules` of what the keys of its requests belong to; 0: nothing */
	__u64 key_hash; /* ... of the one key */
	char endpoint[ENDPOINT_BYTES]; /* HTTP: template; empty: `other` */
};

/* What was asked, by a hash of its path, of a template, or of a template's beginning. */
struct path_key {
	__u32 series;
	__u32 method; /* 0 of a template's beginning */
	__u64 hash;
};

/* Label combinations that a service holds. */
struct combinations {
	__u32 http;    /* http_requests_total */
	__u32 storage; /* storage_operations_total */
};

/* Value of map `processes`: what is known of a process; valid for one program image of one process. */
struct process {
	__u64 start_ns; /* of the group leader, since boot */
	__u64 probes;   /* those function probes of services that want its calls, as bits */
	__u32 exec_id;  /* number of execs */
	__u32 service;  /* index; above SERVICE_OTHER: not asked for yet */
	__u32 selected; /* whether the selectors want it */
	__u32 files;    /* ... and its operations on files */
	__u32 ended;
	__u32 pad;
};

/* What the iterator found alive, by series. Zeroed by user space before each scan. */
struct scan_series {
	__u32 unix_alive[UNIX_STATE_COUNT];
	__u32 unix_unsampled; /* alive of those in CELL_UNIX_UNSAMPLED ... */
	__u64 unix_opened_us; /* ... and of CELL_UNIX_OPENED_US */
	__u32 idle;
	__u32 pings_outstanding;
	__u32 peers;
	__u32 http_in_flight;
	__u32 pool_active[BACKEND_COUNT]; /* client connections by protocol - PROTOCOL_REDIS */
	__u32 pool_idle[BACKEND_COUNT];
	__u32 established; /* TCP connections that neither side has ended, whatever their protocol */
	__u32 pad;
};

/* What the iterator found alive, in all. Zeroed by user space before each scan. */
struct scan_total {
	__u32 protocol[PROTOCOL_COUNT];
	__u32 listed; /* sockets that hold state, closed ones included */
};

/* Key of map `row_by_code`: statuses of a row that have no cell. The value is a __u64 count. */
struct row_code {
	__u32 row;
	__u32 code;
};

/* Key of map `refused_by_code`; code 0: no response. The value is a __u64 count. */
struct refused_key {
	__u32 series;
	__u32 code;
};

/* ---- Selectors (interface.md, Options). Repeats of one are alternatives; different ones must all match. ---- */

enum {
	SELECTOR_MAX = 16,        /* repeats of one selector */
	SELECTOR_TEXT_BYTES = 64, /* --comm, --service, --container: with the terminating NUL */
	SELECTOR_PATH_BYTES = 192 /* --exe: with the terminating NUL */
};

/* A cgroup's id is unique within its hierarchy only. */
struct selected_cgroup {
	__u64 id;        /* inode of its directory */
	__u32 hierarchy; /* first field of /proc/PID/cgroup; 0: version 2 */
	__u32 pad;
};

struct selectors {
	__u32 pids, comms, exes, ports, cgroups, containers, services; /* how many of each */
	__u32 pid[SELECTOR_MAX];                                       /* as the initial pid namespace counts */
	__u16 port[SELECTOR_MAX];                                      /* host byte order */
	struct selected_cgroup cgroup[SELECTOR_MAX];
	char comm[SELECTOR_MAX][SELECTOR_TEXT_BYTES]; /* glob */
	char service[SELECTOR_MAX][SELECTOR_TEXT_BYTES];
	char container[SELECTOR_MAX][SELECTOR_TEXT_BYTES + 8]; /* prefix of the id, 64 digits at most */
	char exe[SELECTOR_MAX][SELECTOR_PATH_BYTES];           /* glob over the absolute path */
};

/* ---- The configuration file (user/config.h); patterns are those of bpf/glob.h, an empty one matches everything ----
 */

enum {
	MAX_SERVICE_RULES = 64,
	MAX_FILE_SERVICES = 16,
	MAX_QUEUES = 64,
	QUEUE_TYPE_BYTES = 64,
	QUEUE_KEY_BYTES = 128,
	QUEUE_ROWS = 512, /* keys of queues that are told apart, by operation: an eighth of the rows */
};

/* Value of map `service_rules`: the first one of which every pattern matches gives a process's service its name. */
struct service_rule {
	char name[SERVICE_NAME_BYTES];
	char exe[SELECTOR_PATH_BYTES];     /* the absolute path */
	char comm[SELECTOR_TEXT_BYTES];    /* of the group leader */
	char service[SELECTOR_TEXT_BYTES]; /* the name without this rule */
};

/* Value of map `queue_rules`: whose lengths are told as message_queue_depth. The first that matches counts. */
struct queue_rule {
	char queue_type[QUEUE_TYPE_BYTES];
	char key[QUEUE_KEY_BYTES];
	char service[SELECTOR_TEXT_BYTES];
};

/* Key of map `queue_depths`; the value is the last length that an answer told, a __u64. */
struct queue_depth_key {
	__u32 service;
	__u32 queue; /* number in `queue_rules` */
	__u64 hash;  /* of the key */
};

/* ---- Storage libraries: user/libraries.c, bpf/storage_library.h --------------------------------------------------
 */

/* How the result of a function tells success. */
enum storage_result {
	STORAGE_VOID,           /* it always succeeds */
	STORAGE_LMDB,           /* an int: 0, or MDB_NOTFOUND */
	STORAGE_ROCKSDB_STATUS, /* an object, which the caller gives room for; its first byte: 0, or NotFound */
	STORAGE_LEVELDB_STATUS, /* the same; a pointer to more: NULL, or NotFound behind four bytes */
	/* SQLite's, each by a program of its own: */
	STORAGE_SQLITE_STEP,
	STORAGE_SQLITE_PREPARE,
	STORAGE_SQLITE_PREPARE_3,     /* with flags in front of where the statement is left */
	STORAGE_SQLITE_PREPARE_INNER, /* ... and a statement that is prepared again */
};

enum storage_bits {
	STORAGE_UTF16 = 1 << 0,    /* SQLite: the text's encoding */
	STORAGE_INDIRECT = 1 << 1, /* `sized` points to something whose second word points to the thing with a size */
};

/* What a probe on a function of a storage library is attached with: its cookie. Arguments count from 1, `this`
 * included, room for the result not. */
struct storage_function {
	__u16 operation;
	__u8 result;    /* enum storage_result */
	__u8 direction; /* of the bytes that the arguments below tell, enum label_direction */
	__u8 sized[2];  /* arguments that point to something with a size; 0: none */
	__u8 size_at;   /* where in that, in bytes */
	__u8 bits;      /* enum storage_bits */
};

/* ---- Function probes (user/probes.h) -------------------------------------------------------------------------- */

enum {
	MAX_PROBES = 64,
	MAX_FUNCTION_PLACES = 1024, /* kinds of places, of all probes; USDT has one for each form of its arguments */
	MAX_FUNCTION_ROWS = 1024,
	PROBE_BOUNDS = 24,                /* of a histogram, without +Inf */
	PROBE_VALUES = 16,                /* numbers that an argument's label has a text for ... */
	PROBE_VALUE_OTHER = PROBE_VALUES, /* ... and any other one */
	PROBE_VALUE_CELLS,
};

/* What a probe measures; bits of function_probe.measures. */
enum probe_measure {
	MEASURE_CALLS,
	MEASURE_ERRORS,
	MEASURE_IN_FLIGHT,
	MEASURE_DURATION,
	MEASURE_BYTES, /* one number */
	MEASURE_SIZES, /* a histogram of the same */
	MEASURE_COUNT
};

enum function_cell {
	FUNCTION_CALLS,
	FUNCTION_ERRORS,
	FUNCTION_IN_FLIGHT, /* entries less ends; of one CPU it may be below 0 */
	FUNCTION_BYTES,
	FUNCTION_DURATION, /* a histogram, ns */
	FUNCTION_SIZES = FUNCTION_DURATION + PROBE_BOUNDS + 2,
	FUNCTION_CELL_COUNT = FUNCTION_SIZES + PROBE_BOUNDS + 2
};

/* Value of map `function_cells`, one per CPU: what one probe counts of one service and value of its argument's label.
 */
struct function_cells {
	__u64 cell[FUNCTION_CELL_COUNT];
};

/* Value of map `function_row_infos`: what a row of `function_cells` counts. */
struct function_row_info {
	__u32 used; /* written last */
	__u32 probe;
	__u32 service;
	__u32 value; /* of the argument's label */
};

/* Value of map `function_rows`, by probe * (MAX_SERVICES + 1) + service: the row of each value; 0: none yet. */
struct function_rows {
	__u32 row[PROBE_VALUE_CELLS + 1];
};

/* Value of map `unmatched_by_probe`, one per CPU. */
struct function_unmatched {
	__u64 entries; /* whose return never came, or came when the entry was forgotten */
	__u64 returns; /* that no entry is known of */
};

enum operand_kind { OPERAND_NONE, OPERAND_CONSTANT, OPERAND_REGISTER, OPERAND_MEMORY };

/* Where a place finds a number, and how wide it is. */
struct operand {
	__u8 kind;      /* enum operand_kind */
	__u8 bytes;     /* 1, 2, 4 or 8 */
	__u8 is_signed; /* else it is filled up with zeros */
	__u8 scale;     /* OPERAND_MEMORY: the index counts 1 << scale bytes */
	__u16 base;     /* offset of a register in struct pt_regs; OPERAND_MEMORY: NO_REGISTER for none */
	__u16 index;    /* OPERAND_MEMORY: another one, or NO_REGISTER */
	__s64 number;   /* OPERAND_CONSTANT: itself; OPERAND_MEMORY: added to the address */
};

#define NO_REGISTER 0xffff

/* Value of map `function_places`, by the cookie of an attached program. */
struct function_place {
	__u32 probe;
	__u32 is_go; /* calls belong to the goroutine, else to the thread */
	__s32 depth; /* bytes from the stack pointer at this place up to that at the function's entry */
	__u32 pad;
	struct operand value; /* entry: of the argument's label; return: what the condition of errors looks at */
	struct operand bytes;
};

enum comparison { COMPARE_EQ, COMPARE_NE, COMPARE_LT, COMPARE_LE, COMPARE_GT, COMPARE_GE };

/* Value of map `function_probes`, by the number of the probe in the configuration. */
struct function_probe {
	__u32 measures;   /* 1 << enum probe_measure */
	__u32 has_return; /* entries wait for their returns */
	__u32 n_values;
	__u32 comparison; /* enum comparison: of a result with `limit`, which makes it an error */
	__s64 limit;
	__s64 value[PROBE_VALUES];
	__u64 duration_bound[PROBE_BOUNDS]; /* ns, upper, inclusive; behind the last: NO_BOUND */
	__u64 size_bound[PROBE_BOUNDS];
	char service[SELECTOR_TEXT_BYTES]; /* glob over the services whose calls count; empty: all */
};

#define NO_BOUND (~0ULL >> 1)

/* ---- Probes on TLS libraries: what user space attaches them with ------------------------------------------------
 */

/* Keys of what belongs to TLS: the number of the process, then so many bits of a user address. */
enum { TLS_TGID_SHIFT = 41 };

enum {
	COOKIE_LIBRARY = 0xff,  /* enum label_library */
	COOKIE_WRITES = 1 << 8, /* Go: the function whose return this is sends */
};

/* ---- Variables ---------------------------------------------------------------------------------------------- */

/* The configuration: section .rodata.settings, set between open and load. */
struct settings {
	__u32 max_connections;
	__u32 hashed;           /* state lies in `conns_by_key`: the programs of this hook can't use sk_storage */
	__u32 at_syscall_end;   /* the hook is the end of the syscall, behind its result */
	__u32 entry_and_return; /* the hook is the entry and the return of a function: `entered_calls` is used */
	__u32 preemptible;      /* another program may run on the CPU in the middle of one */
	__u32 max_combinations; /* label combinations of a family and service */
	__u32 segment_limit;    /* literals of a segment of a path, before further ones become {name} */
	__u32 max_services;     /* told apart, at most MAX_SERVICES */
	__u32 service_rules;    /* how many are in the map of that name */
	__u32 files;            /* whether operations on files are counted at all: of whoever the selectors want, */
	__u32 files_of_all;     /* ... or of the services that match a pattern */
	__u32 file_services;
	__u32 queues;            /* how many are in `queue_rules` */
	__u32 selecting;         /* whether there is any selector */
	__u32 selecting_process; /* ... that looks at the process */
	__u32 tls;               /* whether TLS libraries are looked into */
	__u32 storage_libraries; /* whether calls of storage libraries are counted */
	__u32 probes;            /* how many are in `function_probes` */
	char file_service[MAX_FILE_SERVICES][SELECTOR_TEXT_BYTES]; /* globs */
	struct selectors selectors;
};

/* What both sides change: section .bss, mapped into user space. */
struct shared {
	__u64 states_live;   /* sockets with state; a scan corrects it: not every end of an AF_UNIX socket is told */
	__u32 service_count; /* indices given out in `services` */
	__u32 row_count;     /* numbers given out in `rows` */
	__u32 scan_number;   /* of the scan that runs; set by user space before it */
	__u32 self_tgid;     /* tapstat itself, never watched; each scan sets it, in the context of tapstat */
	__u32 lock;          /* kernel side, where atomic operations are missing */
	__u32 queue_rows;    /* those of `rows` that belong to keys of queues */
	__u32 function_rows; /* numbers given out in `function_cells`, but for the first MAX_PROBES */
	__u32 pad;
};

#endif
