/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel side as attach.c leaves it and snapshot.c reads it. Nobody else looks inside.
 */
#ifndef TAPSTAT_ATTACHMENT_H
#define TAPSTAT_ATTACHMENT_H

#include <stdbool.h>

#include "hooks.h"
#include "tapstat/abi.h"
#include "uprobe.h"

struct bpf_object;
struct config;
struct bpf_link;
struct kretprobes;
struct probe_families;
struct probes;
struct processes;

struct attached_hook {
	const struct hook_row *row;
	bool wanted;         /* its programs are loaded */
	unsigned int absent; /* those that the kernel has no place for, as bits */
	bool attached;
	int program_fd[HOOK_MAX_PROGRAMS];
	struct bpf_link *link[HOOK_MAX_PROGRAMS]; /* owned; NULL while detached */
};

/* AF_UNIX connections of a series that were found ended, by how; never goes back. */
struct series_unix {
	__u64 closed, lost, timeout;
	__u64 sampled, sampled_opened_us;     /* those that vanished without a sample, and the sum of their begins */
	__u64 lifetime[SHAPE_LIFETIME_CELLS]; /* their durations */
};

/* Maps that are read by key. */
struct attachment_maps {
	int services, series, self, refused_by_code, scan_by_series, scan_totals, rows, row_infos, count_by_code,
		processes, literals_by_prefix, combinations, queue_rules, queue_depths;
	int function_cells, function_row_infos, unmatched_by_probe; /* where there are function probes */
};

struct attachment {
	struct bpf_object *object; /* owned */
	struct shared *shared;     /* its variables, mapped; owned */
	struct attachment_maps fd; /* the object's */
	bool hashed;
	enum uprobe_way uprobe_way;
	bool cookies;                          /* its programs know by which place they were reached */
	struct attached_hook hook[HOOK_COUNT]; /* the way first */
	int n_hooks;
	int iterator_fd[2], n_iterators; /* of the links; the hooks' */
	struct kretprobes *kretprobes;   /* owned; NULL: none, or perf's */
	char limit[256];                 /* why return probes are perf's; empty: they are not */
	__u64 memory_ceiling_bytes;
	unsigned int max_connections;
	const struct config *config;              /* of the file, as it is in force now; NULL: none */
	unsigned int max_services, segment_limit; /* as the configuration has them */
	struct probes *probes;                    /* owned; NULL: none is configured, as below */
	struct probe_families *probe_families;    /* owned */
	/* snapshot.c: */
	struct series_unix *series_unix; /* MAX_SERIES of them, owned */
	__u64 scanned_ns;                /* when the last scan was, monotonic */
	struct processes *processes;     /* of the watched services, owned */
	void *percpu;                    /* one value of the largest per-CPU map, owned */
};

/* ---- Of a loaded object: attach.c ------------------------------------------------------------------------------ */

/* Gets hold of the object's variables and maps. 0 or a negative errno. */
int attachment_maps_open(struct attachment *att);

/* Makes ready for return probes; att->limit tells what can't be done without tracefs. */
void attachment_tracefs_open(struct attachment *att);

/* Attaches the programs of one hook, all or none. 0 or a negative errno. */
int attachment_hook_attach(struct attachment *att, struct attached_hook *hook);

/* Whether programs are loaded that attacher.c puts on functions of binaries; says that it does not, or no longer. */
bool attachment_wants_probes(const struct attachment *att);
bool attachment_has(const struct attachment *att, enum hook_wish wish); /* ... of that hook */
void attachment_probes_off(struct attachment *att);

/* Gives up what belongs to one way, but for the object. */
void attachment_reset(struct attachment *att);

/* ---- Of a whole one -------------------------------------------------------------------------------------------- */

/* Runs the iterator over every socket with state. 0 or a negative errno. */
int attachment_iterate(const struct attachment *att);

/* Attaches the programs of the way; detaches them: connections keep their state. 0 or a negative errno. */
int attachment_way_attach(struct attachment *att);
void attachment_way_detach(struct attachment *att);

#endif
