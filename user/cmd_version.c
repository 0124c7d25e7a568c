/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* main ──> [version]: prints what was built. */
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "version.h"

static const char help[] = "Usage: tapstat version [--help]\n\n"
			   "Prints version, commit, the libbpf in use, compiler and architecture.\n\n"
			   "Example:\n"
			   "  tapstat version\n";

int cmd_version(int argc, char **argv)
{
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(help, stdout);
		return STATUS_DONE;
	}
	if (argc > 1) {
		fprintf(stderr, "tapstat version: unexpected argument '%s': it takes none but --help\n", argv[1]);
		return STATUS_USAGE;
	}
	printf("tapstat %s\ncommit   %s\nlibbpf   %u.%u\ncompiler %s\narch     %s\n", tapstat_version, tapstat_commit,
	       libbpf_major_version(), libbpf_minor_version(), tapstat_compiler, tapstat_arch);
	return STATUS_DONE;
}
