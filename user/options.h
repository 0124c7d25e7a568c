/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * command line ──> [options] ──> serve, doctor: one table of options gives the parser and the help text.
 */
#ifndef TAPSTAT_OPTIONS_H
#define TAPSTAT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "listen.h"
#include "log.h"
#include "selectors.h"

enum { OPTIONS_MAX_LISTEN = 16, OPTIONS_WHY_BYTES = 512 };

/* Commands that take options of this table, as bits. */
enum options_command { OPTIONS_SERVE = 1, OPTIONS_DOCTOR = 2 };

struct options {
	struct selectors selectors;
	const char *hooks;
	unsigned int max_connections;
	enum log_level log_level;
	enum log_format log_format;
	struct listen_address listen[OPTIONS_MAX_LISTEN];
	size_t n_listen;
	const char *telemetry_path;
	bool web_disable;
	bool no_tls;            /* leave TLS libraries alone */
	bool storage_libraries; /* count calls of SQLite and the like */
	bool files;
	const char *config_file; /* NULL: none */
	bool verifier;
	bool help; /* --help was given: nothing else was checked behind it */
};

/*
 * Reads argv[1…] (argv[0] is the command's name) over the defaults. 0 with *out set; its strings live as long as
 * argv. Or -EINVAL, *out untouched, and `why` (size bytes) naming the option, the bad value and what is valid.
 */
int options_parse(enum options_command command, int argc, char **argv, struct options *out, char *why, size_t size);

/* Prints the options of the command, one or two lines each. */
void options_help(enum options_command command, FILE *out);

#endif
