/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* attach ──> [opening]: which hooks a way has here, and loading their programs. */
#ifndef TAPSTAT_OPENING_H
#define TAPSTAT_OPENING_H

#include "attach.h"
#include "attachment.h"
#include "way.h"

/* What one attachment_open() works with. */
struct opening {
	const struct attach_config *config;
	struct attach_report *report;
	struct attachment *att;
	struct way_context context;
	bool dropped[HOOK_COUNT];   /* optional hooks, by row, that the kernel did not take; report->hook tells why */
	bool mute;                  /* this time the log is to tell a reason, not statistics */
	char *log[ATTACH_PROGRAMS]; /* owned */
};

/* Whether the object holds every program of the hook. */
bool opening_is_built(const struct opening *opening, const struct hook_row *row);

/* Opens the object anew, to try another time. 0 or a negative errno: there is no object then. */
int opening_reopen(struct opening *opening);

/*
 * Loads the programs of a way, of those hooks beside it that can be used here. Negative errno: `why` tells the
 * reason, and the object is open anew.
 */
int opening_load(struct opening *opening, enum way way, char *why, size_t size);

/* "WHAT: the kernel's reason; what to do", once something failed with `err`. */
void opening_say(char *out, size_t size, const char *what, int err);

#endif
