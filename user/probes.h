/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * config ──> [probes] ──> attaching: function probes as the kernel side knows them. (Probing whether a hook works is
 * probe.h.)
 *
 * Whoever resolves a configured probe to sites in files asks here, for each, which program goes there and with which
 * cookie.
 */
#ifndef TAPSTAT_PROBES_H
#define TAPSTAT_PROBES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "libraries.h"
#include "tapstat/abi.h"

struct bpf_object;
struct config;
struct config_probe;
struct probe_term;

enum probe_side {
	/* At the entry of the function, or further on where its arguments still are in their registers and each call
	 * comes along once: in Go behind the check of the stack, which is run again when the stack has grown. */
	PROBE_ENTRY,
	/* The function's entry, as a return probe, where config_probe.returns asks for it: the kernel replaces the
	 * return address. Never in Go, whose stacks move. */
	PROBE_RETURN_ADDRESS,
	PROBE_RETURN_INSTRUCTION, /* each instruction of the function that returns */
	/* Each jump out of the function, to one that returns in its place, unless it is conditional: with what result
	 * is not known there. Not those to a part of the function that the compiler put elsewhere (NAME.cold). */
	PROBE_TAIL_CALL,
	PROBE_POINT, /* a USDT probe, which nothing returns from */
};

/* One resolved site of a configured probe. */
struct probe_site {
	unsigned int probe; /* its number in config.probes */
	__u64 offset;       /* in the file */
	enum probe_side side;
	bool is_go;             /* Go's calling convention, and calls of goroutines */
	__u64 semaphore_offset; /* in the file; 0: none */
	int stack_moved; /* PROBE_ENTRY: bytes that the stack pointer has gone down since the function's entry */
	const struct operand *argument; /* PROBE_POINT: where it has its arguments */
	size_t n_arguments;
};

struct probes;

/* Of a configuration, whose probes must not change meanwhile. 0, or -ENOMEM with *out untouched. */
int probes_new(struct probes **out, const struct config *config);
void probes_free(struct probes *probes);

/* Fills the map of probes of a loaded object, which must outlive `probes`. 0 or a negative errno. */
int probes_fill(struct probes *probes, const struct bpf_object *object);

/* The probe of that number, as it is configured. */
const struct config_probe *probes_config(const struct probes *probes, unsigned int probe);

/* Whether entries of this probe wait for returns, so that it needs sites of either kind. */
bool probes_need_return(const struct probes *probes, unsigned int probe);

/*
 * What goes to a site. 0; or a negative errno with *out untouched: -ERANGE if the site doesn't have an argument that
 * the probe asks for, -ENOSPC if there are MAX_FUNCTION_PLACES kinds of sites already, or the map can't be written.
 */
int probes_site(struct probes *probes, const struct probe_site *site, struct probe_place *out);

/* ---- For tests ------------------------------------------------------------------------------------------------- */

/* A probe as the kernel side knows it. */
void probe_to_kernel(const struct config_probe *from, struct function_probe *out);

/* The register of an argument or result. -ERANGE: it has none in this calling convention. */
int probe_operand(const struct probe_term *term, bool is_go, struct operand *out);

#endif
