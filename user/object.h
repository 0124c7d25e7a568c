/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bpf_objects ──> [object] ──> attach: the BPF object that suits the kernel, opened and configured.
 */
#ifndef TAPSTAT_OBJECT_H
#define TAPSTAT_OBJECT_H

#include <stdbool.h>

#include "tapstat/abi.h"

struct bpf_object;

/* The same programs, maps and variables for two ranges of kernels. */
enum object_kind {
	OBJECT_LOOP, /* with the helper bpf_loop: Linux 5.17 and later, or a backport */
	OBJECT_5_10, /* without it, callbacks and atomic fetches */
	OBJECT_KIND_COUNT
};

/* What people read about each. Static. */
extern const char *const object_text[OBJECT_KIND_COUNT];

/* Opens an object. 0 and *out, which is the caller's to load and close, or a negative errno. */
int object_open(struct bpf_object **out, enum object_kind kind);

/*
 * Gives back the memory of the bytes from which objects are opened: some 2 MB, which the kernel reads from the
 * program's file again where they are needed.
 */
void object_give_back(void);

/*
 * Sets the configuration of an open object, and the sizes of its maps. `growing`: the kernel has maps that grow and
 * that every program may use. 0 or a negative errno.
 */
int object_configure(struct bpf_object *object, const struct settings *settings, bool growing);

#endif
