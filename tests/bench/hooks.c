// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * hooks [PID]: tapstat's BPF programs, loaded as `tapstat serve [--pid=PID]` loads them, whose hooks on socket calls
 * go on and off by command, so that the two cases can be measured in turn within milliseconds. Starts with them off;
 * what the maps hold stays. Commands on standard input, each answered by one line:
 *
 *   attach, detach    ok
 *   counts            messages sent and received, connections joined, bytes not parsed: of all series, so far
 *   programs          NAME VERIFIED_INSNS of every program
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "attachment.h"

enum { MAX_CPUS = 1024 };

static void print_counts(const struct attachment *att)
{
	static struct series series[MAX_CPUS];
	static struct self_counters self[MAX_CPUS];
	int cpus = libbpf_num_possible_cpus();
	__u64 sent = 0, received = 0, joined = 0, unparsed = 0;
	__u32 key = 0;

	for (; key < MAX_SERIES; key++) {
		if (bpf_map_lookup_elem(att->fd.series, &key, series))
			continue;
		for (int cpu = 0; cpu < cpus; cpu++) {
			joined += series[cpu].cell[CELL_WS_CONNECTIONS_JOINED];
			for (int type = 0; type < MESSAGE_TYPE_COUNT; type++) {
				sent += series[cpu].cell[CELL_WS_MESSAGES_SENT + type];
				received += series[cpu].cell[CELL_WS_MESSAGES_RECEIVED + type];
			}
		}
	}
	key = 0;
	if (!bpf_map_lookup_elem(att->fd.self, &key, self))
		for (int cpu = 0; cpu < cpus; cpu++)
			for (int reason = 0; reason < UNPARSED_COUNT; reason++)
				unparsed += self[cpu].cell[SELF_UNPARSED + reason];
	printf("%llu %llu %llu %llu\n", sent, received, joined, unparsed);
}

static void print_programs(const struct attachment *att)
{
	struct bpf_program *program;

	bpf_object__for_each_program (program, att->object) {
		struct bpf_prog_info info = {0};
		__u32 size = sizeof(info);

		if (!bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
			printf("%s %u ", bpf_program__name(program), info.verified_insns);
	}
	puts("");
}

int main(int argc, char **argv)
{
	struct attach_config config = {.max_connections = 65536, .hooks = "auto"};
	static struct attach_report report;
	struct attachment *att;
	char why[4096], line[64];

	if (argc > 1) {
		config.selectors.pids = 1;
		config.selectors.pid[0] = atoi(argv[1]);
	}
	setlinebuf(stdout);
	if (libbpf_num_possible_cpus() > MAX_CPUS || attachment_open(&att, &config, &report, why, sizeof(why))) {
		fprintf(stderr, "hooks: %s\n", why);
		return 1;
	}
	attachment_way_detach(att);
	puts("ready");
	while (fgets(line, sizeof(line), stdin)) {
		if (!strcmp(line, "attach\n")) {
			puts(attachment_way_attach(att) ? "fail" : "ok");
		} else if (!strcmp(line, "detach\n")) {
			attachment_way_detach(att);
			puts("ok");
		} else if (!strcmp(line, "counts\n")) {
			print_counts(att);
		} else if (!strcmp(line, "programs\n")) {
			print_programs(att);
		} else {
			puts("what?");
		}
	}
	attachment_close(att);
	return 0;
}
