/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Opens, loads and attaches the BPF programs, hook by hook; owns every descriptor of the kernel side.
 */
#ifndef TAPSTAT_ATTACH_H
#define TAPSTAT_ATTACH_H

#include <stdbool.h>
#include <stddef.h>

#include "hooks.h"
#include "object.h"
#include "tapstat/abi.h"
#include "verifier.h"

struct attachment;
struct config;

/* What to watch and how much of it; fixed between open and load. */
struct attach_config {
	struct selectors selectors;
	const struct config *config; /* of the file; NULL: none */
	unsigned int max_connections;
	const char *hooks; /* "auto", or the one way to use */
	bool tls;          /* look into TLS libraries */
	bool storage;      /* count calls of storage libraries */
	bool files;        /* count operations on files of whoever the selectors want */
	bool examine;      /* find out about the ways that are not needed, too, by probing each */
	bool verifier;     /* have the verifier tell what each program took */
};

enum way_state {
	WAY_NOT_TRIED, /* nothing is known: another one was forced, or nothing was asked for */
	WAY_CHOSEN,
	WAY_USABLE,   /* a cheaper one is used */
	WAY_UNUSABLE, /* found out by probing */
	WAY_FAILED,   /* looked usable; then loading or attaching failed */
};

enum { ATTACH_WHY_BYTES = 640, ATTACH_PROGRAMS = 48 };

struct way_report {
	enum way_state state;
	char why[ATTACH_WHY_BYTES]; /* the reason, and what to do; empty when chosen or usable */
};

struct hook_report {
	const struct hook_row *row;
	bool attached;
	char why[ATTACH_WHY_BYTES];
};

struct program_report {
	const char *name; /* lives as long as the attachment */
	struct verifier_stats stats;
};

/* What attaching found out, for people. */
struct attach_report {
	enum object_kind object;
	struct way_report way[WAY_COUNT];
	struct hook_report hook[HOOK_COUNT]; /* beside the chosen way */
	int n_hooks;
	char limit[ATTACH_WHY_BYTES]; /* what the chosen way can't do here; empty: nothing */
	struct program_report program[ATTACH_PROGRAMS];
	int n_programs;
};

/*
 * Loads and attaches, by the first way that works. On success *out owns everything until attachment_close(). On
 * failure: negative errno, *out untouched, and `why` (size bytes) one line for people: what failed, the kernel's
 * reason, what to do. *report is filled in either case.
 */
int attachment_open(struct attachment **out, const struct attach_config *config, struct attach_report *report,
		    char *why, size_t size);
void attachment_close(struct attachment *att);

/* The most bytes that the kernel maps can take with this configuration, connection state included. */
__u64 attachment_memory_ceiling(const struct attachment *att);

#endif
