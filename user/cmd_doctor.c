/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* main ──> [doctor] ──> attach: tells what can be attached here, hook by hook. */
#include <stdio.h>

#include "attach.h"
#include "commands.h"
#include "options.h"

static void print_help(void)
{
	printf("Usage: tapstat doctor [OPTION...]\n\n"
	       "Tells, hook by hook, what this kernel and these privileges allow, and what to do about the rest.\n"
	       "Exit status 0: tapstat can run here.\n\nOptions:\n");
	options_help(OPTIONS_DOCTOR, stdout);
	printf("\nExamples:\n"
	       "  tapstat doctor\n"
	       "  tapstat doctor --hooks=sock_length   could this way of hooking sockets be forced?\n");
}

int cmd_doctor(int argc, char **argv)
{
	static struct options opt;
	struct attach_config config;
	char why[OPTIONS_WHY_BYTES];

	if (options_parse(OPTIONS_DOCTOR, argc, argv, &opt, why, sizeof(why))) {
		fprintf(stderr, "tapstat doctor: %s\n", why);
		return STATUS_USAGE;
	}
	if (opt.help) {
		print_help();
		return STATUS_DONE;
	}
	log_configure(opt.log_level, opt.log_format);
	config = (struct attach_config){opt.selectors, opt.max_connections, opt.hooks};
	return attachment_doctor(&config) ? STATUS_FAILED : STATUS_DONE;
}
