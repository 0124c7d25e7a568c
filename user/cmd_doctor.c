/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* main ──> [doctor] ──> attach, report: tells what can be attached here, way by way and hook by hook. */
#include <stdio.h>
#include <sys/utsname.h>

#include "attach.h"
#include "commands.h"
#include "options.h"
#include "privileges.h"
#include "report.h"

enum { WHY_BYTES = 4096 };

static void print_help(void)
{
	printf("Usage: tapstat doctor [OPTION...]\n\n"
	       "Tells which way of hooking sockets is used, why the others are not, what each hook beside it does\n"
	       "here, and what to do about the rest. Exit status 0: tapstat can run here.\n\nOptions:\n");
	options_help(OPTIONS_DOCTOR, stdout);
	printf("\nExamples:\n"
	       "  tapstat doctor\n"
	       "  tapstat doctor --hooks=sys_exit   could this way of hooking sockets be forced?\n"
	       "  tapstat doctor --verifier         what did checking each program take?\n");
}

static void print_kernel(void)
{
	struct utsname kernel;

	if (!uname(&kernel))
		printf("%-20s %s %s\n", "kernel", kernel.release, kernel.machine);
}

static void print_lines(const char *before, const char *const *lines, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("%s%s\n", before, lines[i]);
}

static void print_report(const struct attach_report *report, const struct options *opt, bool attached)
{
	struct buffer text = {0};

	printf("%-20s %s\n", "BPF programs", object_text[report->object]);
	report_ways(&text, report, opt->hooks);
	if (attached)
		report_hooks(&text, report);
	if (opt->verifier)
		report_verifier(&text, report);
	fwrite(text.data, 1, text.len, stdout);
	buffer_free(&text);
}

/* Attaches for real, and lets go. */
static int examine(const struct options *opt)
{
	static struct attach_report report;
	const struct attach_config config = {.selectors = opt->selectors,
					     .max_connections = opt->max_connections,
					     .hooks = opt->hooks,
					     .tls = true,
					     .storage = !opt->selectors.ports,
					     .files = !opt->selectors.ports,
					     .examine = true,
					     .verifier = opt->verifier};
	struct attachment *attachment = NULL;
	char why[WHY_BYTES] = "";
	int err = attachment_open(&attachment, &config, &report, why, sizeof(why));

	print_report(&report, opt, !err);
	if (err) {
		printf("cannot run: %s\n", why);
		return STATUS_FAILED;
	}
	printf("memory: at most %.1f MiB of kernel memory with %u connections\n",
	       (double)attachment_memory_ceiling(attachment) / (1 << 20), opt->max_connections);
	printf("tapstat can run here\n");
	attachment_close(attachment);
	return STATUS_DONE;
}

static int diagnose(const struct options *opt)
{
	const char *lines[PRIVILEGES_LINES];
	struct privileges privileges;
	size_t n;

	print_kernel();
	privileges_read(&privileges);
	print_lines("note: ", lines, privileges_remarks(&privileges, lines));
	n = privileges_missing(&privileges, lines);
	print_lines("cannot run: ", lines, n);
	return n ? STATUS_FAILED : examine(opt);
}

int cmd_doctor(int argc, char **argv)
{
	static struct options opt;
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
	return diagnose(&opt);
}
