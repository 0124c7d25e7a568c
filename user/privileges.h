/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * serve, doctor ──> [privileges]: what must be there to load the programs, and what is given up once they are
 * attached.
 */
#ifndef TAPSTAT_PRIVILEGES_H
#define TAPSTAT_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>

/* The circumstances of this process. */
struct privileges {
	bool bpf, perfmon, admin;           /* capabilities in effect; admin stands for both others */
	bool user_namespace, pid_namespace; /* not the initial ones */
	bool types;                         /* the kernel describes its types (BTF) */
	bool unprivileged_bpf;              /* kernel.unprivileged_bpf_disabled is 0 */
	bool seccomp;                       /* a filter decides about system calls */
	bool memlock;                       /* RLIMIT_MEMLOCK limits maps, as it did before Linux 5.11 */
	bool perf_restricted;               /* perf_event_open() needs CAP_SYS_ADMIN, which is not there */
	int bpf_call;                       /* what became of a harmless bpf(): 0 or a negative errno */
	bool kernel_closed;                 /* no program may read the kernel's memory: lockdown at confidentiality */
};

enum { PRIVILEGES_LINES = 6 };

void privileges_read(struct privileges *privileges);

/* What tapstat can't do without, and what to grant: static lines, as many as are returned. 0: nothing is missing. */
size_t privileges_missing(const struct privileges *privileges, const char *lines[PRIVILEGES_LINES]);

/* What is different here from a host without containers, though tapstat runs. */
size_t privileges_remarks(const struct privileges *privileges, const char *lines[PRIVILEGES_LINES]);

/* What to do about an error of the kernel, or of its verifier, when a program is loaded or attached. Static. */
const char *privileges_advice(const struct privileges *privileges, int err, bool verifier);

/* Whether a kernel of this release charges maps to RLIMIT_MEMLOCK. */
bool privileges_release_has_memlock(const char *release);

/*
 * Gives up every capability but the one that reading maps needs, for good, and the way to gain any by exec. 0 with
 * *kept the name of what is left (static), or a negative errno.
 */
int privileges_drop(const char **kept);

/* Gives up what the process that attaches probes does not need (attacher.h); `by_event`: uprobe.h. 0 or a negative
 * errno. */
int privileges_drop_to_attach(bool by_event);

/* Whether the processes of others show what they map. */
bool privileges_may_trace(void);

#endif
