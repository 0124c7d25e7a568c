/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* main ──> [check] ──> config: reads a configuration file and tells what is wrong with it, or what it configures. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "config.h"

static const char help[] =
	"Usage: tapstat check FILE\n\n"
	"Checks a configuration file (--config.file of tapstat serve) without starting: prints what it\n"
	"configures, or each mistake as FILE:LINE:COLUMN. Needs no privileges. Exit status 2: the file\n"
	"has mistakes.\n\n"
	"Options:\n"
	"  --help            this text\n\n"
	"Examples:\n"
	"  tapstat check /etc/tapstat/config.yml\n"
	"  tapstat check /etc/tapstat/config.yml && systemctl reload tapstat\n";

static void print_summary(const char *path, const struct config *config)
{
	printf("%s: valid\n", path);
	printf("  services   naming rules: %u; told apart: at most %u\n", config->services.n,
	       config->limits.services);
	printf("  endpoints  routes: %u; label combinations of a service: at most %u; literals of a segment: at most "
	       "%u\n",
	       config->endpoints.n_routes, config->endpoints.limit, config->endpoints.segment_limit);
	printf("  queues     keys: %u\n", config->queues.n);
	printf("  probes     functions: %u\n", config->probes.n);
	printf("  files      patterns of services: %u%s\n", config->files.n,
	       config->files.n ? "" : " (operations on files are not counted)");
}

int cmd_check(int argc, char **argv)
{
	static struct config config;
	static struct config_error why;

	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(help, stdout);
		return STATUS_DONE;
	}
	if (argc > 1 && !strcmp(argv[1], "--")) {
		argc--;
		argv++;
	} else if (argc > 1 && argv[1][0] == '-') {
		fprintf(stderr, "tapstat check: unknown option '%s': valid are FILE and --help\n", argv[1]);
		return STATUS_USAGE;
	}
	if (argc != 2 || !*argv[1]) {
		fprintf(stderr, "tapstat check: %s: valid is tapstat check FILE\n",
			argc > 2 ? "one argument too many" : "no file is named");
		return STATUS_USAGE;
	}
	if (config_load(argv[1], &config, &why)) {
		config_error_print(&why, argv[1], "", stderr);
		return STATUS_USAGE;
	}
	print_summary(argv[1], &config);
	return STATUS_DONE;
}
