/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* command line ──> [main] ──> commands: finds the subcommand and sees that its output was written. */
#include <stdio.h>
#include <string.h>

#include "commands.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"serve", cmd_serve, "attach to everything that runs and answer GET /metrics"},
	{"doctor", cmd_doctor, "what this kernel and these privileges allow, and what to do about the rest"},
	{"catalog", cmd_catalog, "every metric: name, type, unit, labels, help"},
	{"check", cmd_check, "check a configuration file without starting"},
	{"version", cmd_version, "version, commit, libbpf, build facts"},
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(*commands) };

static void print_help(FILE *out)
{
	fprintf(out,
		"Usage: tapstat COMMAND [OPTION...]\n\n"
		"Counts what running services do on their sockets, in the kernel, for Prometheus.\n\nCommands:\n");
	for (int i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
	fprintf(out, "\n`tapstat COMMAND --help` tells each command's options, with examples.\n"
		     "Exit status: 0 done, 1 failed at run time, 2 wrong usage or configuration.\n");
}

static int run(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return STATUS_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_help(stdout);
		return STATUS_DONE;
	}
	if (!strcmp(argv[1], "--version"))
		return cmd_version(1, argv + 1);
	for (int i = 0; i < COMMAND_COUNT; i++) {
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr, "tapstat: unknown %s '%s': valid are", argv[1][0] == '-' ? "option" : "command", argv[1]);
	for (int i = 0; i < COMMAND_COUNT; i++)
		fprintf(stderr, "%s %s", i ? "," : "", commands[i].name);
	fprintf(stderr, "; see tapstat --help\n");
	return STATUS_USAGE;
}

int main(int argc, char **argv)
{
	int status = run(argc, argv);

	if (fflush(stdout) || ferror(stdout)) {
		perror("tapstat: standard output");
		return status ? status : STATUS_FAILED;
	}
	return status;
}
