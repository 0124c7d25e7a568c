/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a protocol parser answers. A parser is a pure step: it sees `avail` valid bytes at `p` (LOOKAHEAD are always
 * readable; fewer are valid only where the call has no more), moves its state on, and says how much it took.
 */
#ifndef TAPSTAT_PROTO_VERDICT_H
#define TAPSTAT_PROTO_VERDICT_H

enum verdict {
	CONSUMED,   /* *consumed bytes are done with; it may be 0 when only the state moved */
	INCOMPLETE, /* all `avail` (at most CARRY_BYTES) bytes must be seen again together with the next ones */
	MALFORMED,  /* the stream breaks the protocol here; nothing was consumed */
};

#endif
