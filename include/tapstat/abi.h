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
	__u32 seen[ROLE_COUNT]; /* 1 once the service had this role: its families are exposed from then on */
};

/* What the iterator found alive, by series. Zeroed by user space before each scan. */
struct scan_series {
	__u32 unix_alive[UNIX_STATE_COUNT];
	__u32 unix_unsampled; /* alive of those in CELL_UNIX_UNSAMPLED ... */
	__u64 unix_opened_us; /* ... and of CELL_UNIX_OPENED_US */
	__u32 idle;
	__u32 pings_outstanding;
	__u32 peers;
	__u32 pad;
};

/* What the iterator found alive, in all. Zeroed by user space before each scan. */
struct scan_total {
	__u32 protocol[PROTOCOL_COUNT];
	__u32 listed; /* sockets that hold state, closed ones included */
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

/* ---- Variables ---------------------------------------------------------------------------------------------- */

/* The configuration: section .rodata.settings, set between open and load. */
struct settings {
	__u32 max_connections;
	__u32 hashed;           /* state lies in `conns_by_sock`: the programs of this hook can't use sk_storage */
	__u32 at_syscall_end;   /* the hook is the end of the syscall, behind its result */
	__u32 entry_and_return; /* the hook is the entry and the return of a function: `entered_calls` is used */
	__u32 preemptible;      /* another program may run on the CPU in the middle of one */
	__u32 pad;
	__u32 selecting;         /* whether there is any selector */
	__u32 selecting_process; /* ... that looks at the process */
	struct selectors selectors;
};

/* What both sides change: section .bss, mapped into user space. */
struct shared {
	__u64 states_live;   /* sockets with state; a scan corrects it: not every end of an AF_UNIX socket is told */
	__u32 service_count; /* indices given out in `services` */
	__u32 scan_number;   /* of the scan that runs; set by user space before it */
	__u32 self_tgid;     /* tapstat itself, never watched; each scan sets it, in the context of tapstat */
	__u32 lock;          /* kernel side, where atomic operations are missing */
};

#endif
