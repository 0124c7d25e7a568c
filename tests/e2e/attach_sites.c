// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Function probes without the search for functions: attaches the kernel side as `tapstat serve` does, puts probes
 * where it is told, and shows what they counted. Arguments: a configuration file, and perhaps what --exe
 * has. Standard input, a command a line:
 *
 *   site PROBE SIDE go|c MOVED PATH OFFSET   attaches; PROBE and SIDE are those of user/probes.h
 *   point PROBE PATH OFFSET KIND BASE NUMBER BYTES   attaches a USDT probe with one argument
 *   scrape                                            prints the exposition
 *
 * Each answer ends with a line "ok".
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "attachment.h"
#include "config.h"
#include "exposition.h"
#include "probes.h"
#include "uprobe.h"

static void die(const char *what, const char *why)
{
	fprintf(stderr, "attach_sites: %s: %s\n", what, why);
	exit(1);
}

static struct attachment *open_all(const struct config *config, const char *exe)
{
	static struct attach_config wanted = {.max_connections = 1024, .hooks = "auto"};
	static struct attach_report report;
	struct attachment *attachment;
	char why[4096] = "";

	wanted.config = config;
	if (exe) {
		wanted.selectors.exes = 1;
		snprintf(wanted.selectors.exe[0], sizeof(wanted.selectors.exe[0]), "%s", exe);
	}
	if (attachment_open(&attachment, &wanted, &report, why, sizeof(why)))
		die("cannot attach", why);
	return attachment;
}

static void attach(const struct attachment *att, const struct probe_site *site, const char *path)
{
	struct uprobe_place where = {.path = path};
	struct bpf_program *program;
	struct probe_place place;
	int err = probes_site(att->probes, site, &place);

	if (err)
		die("no program for the site", strerror(-err));
	where.offset = place.offset;
	where.cookie = place.cookie;
	where.at_return = place.at_return;
	program = bpf_object__find_program_by_name(att->object, place.program);
	err = uprobe_attach(att->uprobe_way, bpf_program__fd(program), &where); /* stays until the end */
	if (err < 0)
		die("cannot attach", strerror(-err));
}

static enum probe_side side_of(const char *text)
{
	static const char *const names[] = {[PROBE_ENTRY] = "entry",
					    [PROBE_RETURN_ADDRESS] = "return_address",
					    [PROBE_RETURN_INSTRUCTION] = "return_instruction",
					    [PROBE_TAIL_CALL] = "tail_call"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i], text))
			return (enum probe_side)i;
	die("no such side", text);
	return PROBE_POINT;
}

static void do_site(const struct attachment *att, const char *line)
{
	char side[32], language[8], path[1024];
	struct probe_site site = {.probe = 0};
	unsigned long long offset;

	if (sscanf(line, "site %u %31s %7s %d %1023s %llx", &site.probe, side, language, &site.stack_moved, path,
		   &offset) != 6)
		die("malformed", line);
	site.side = side_of(side);
	site.is_go = !strcmp(language, "go");
	site.offset = offset;
	attach(att, &site, path);
}

static void do_point(const struct attachment *att, const char *line)
{
	struct operand operand = {.is_signed = 1, .index = NO_REGISTER};
	struct probe_site site = {.side = PROBE_POINT, .argument = &operand, .n_arguments = 1};
	unsigned int kind, base, bytes;
	unsigned long long offset;
	long long number;
	char path[1024];

	if (sscanf(line, "point %u %1023s %llx %u %u %lld %u", &site.probe, path, &offset, &kind, &base, &number,
		   &bytes) != 7)
		die("malformed", line);
	site.offset = offset;
	operand.kind = (__u8)kind;
	operand.base = (__u16)base;
	operand.number = number;
	operand.bytes = (__u8)bytes;
	attach(att, &site, path);
}

static void do_scrape(struct attachment *att)
{
	static const struct self_metrics self = {.version = "", .commit = "", .libbpf = ""};
	static struct snapshot snap;
	static struct buffer text;

	buffer_clear(&text);
	if (snapshot_take(att, &snap) || exposition_write(&text, &snap, &self, EXPOSITION_TEXT))
		die("cannot scrape", strerror(errno));
	fwrite(text.data, 1, text.len, stdout);
}

int main(int argc, char **argv)
{
	static struct config_error mistakes;
	static struct config config;
	struct attachment *attachment;
	char line[4096];

	if (argc < 2 || argc > 3)
		die("usage", "attach_sites CONFIG [EXE]");
	if (config_load(argv[1], &config, &mistakes)) {
		config_error_print(&mistakes, argv[1], "", stderr);
		return 1;
	}
	attachment = open_all(&config, argv[2]);
	while (fgets(line, sizeof(line), stdin)) {
		if (!strncmp(line, "site ", 5))
			do_site(attachment, line);
		else if (!strncmp(line, "point ", 6))
			do_point(attachment, line);
		else
			do_scrape(attachment);
		printf("ok\n");
		fflush(stdout);
	}
	attachment_close(attachment);
	return 0;
}
