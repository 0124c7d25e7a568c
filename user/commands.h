/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * main ──> [commands]: one function for each subcommand, in cmd_NAME.c. argv[0] is the command's name. Returns the
 * exit status.
 */
#ifndef TAPSTAT_COMMANDS_H
#define TAPSTAT_COMMANDS_H

enum { STATUS_DONE, STATUS_FAILED, STATUS_USAGE };

int cmd_serve(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_catalog(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_version(int argc, char **argv);

#endif
