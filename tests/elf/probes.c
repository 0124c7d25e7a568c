/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Landings by execution: probes LIBRARY... -- COMMAND...
 *
 * Each exported function whose landing is not its entry gets a probe at both, and a return probe at both where the
 * landing for returns differs, too. After the command both have seen the same: calls, arguments, stack pointer,
 * results.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "elf_symbols.h"
#include "probes.h"
#include "probes.skel.h"
#include "prologue.h"

enum { MAX_FUNCTIONS = 4096, SHOWN = 10 };

struct function {
	const char *library;
	char name[128];
	__u64 entry_offset;
	struct landing landing, at_return;
};

static struct function functions[MAX_FUNCTIONS];
static size_t number;

struct collecting {
	struct elf_file *file;
	const char *library;
};

static int collect(void *context, const char *name, const struct elf_function *function)
{
	const struct collecting *collecting = context;
	struct function *next = &functions[number];

	if (number == MAX_FUNCTIONS)
		return -E2BIG;
	if (prologue_landing(collecting->file, function, ARGUMENTS, false, &next->landing) ||
	    prologue_landing(collecting->file, function, ARGUMENTS, true, &next->at_return) ||
	    next->landing.offset == function->offset)
		return 0;
	for (size_t i = 0; i < number; i++)
		if (functions[i].library == collecting->library && functions[i].entry_offset == function->offset)
			return 0; /* another name of it */
	next->library = collecting->library;
	next->entry_offset = function->offset;
	snprintf(next->name, sizeof(next->name), "%s", name);
	number++;
	return 0;
}

static int collect_from(const char *library)
{
	struct collecting collecting = {.library = library};
	int fd = open(library, O_RDONLY | O_CLOEXEC), err;

	err = elf_file_open(&collecting.file, fd);
	if (!err) {
		err = elf_symbols_each(collecting.file, collect, &collecting);
		elf_file_close(collecting.file);
	}
	if (err)
		fprintf(stderr, "%s: %s\n", library, strerror(-err));
	close(fd);
	return err;
}

/* As much of union bpf_attr as makes a link of many uprobes (Linux 6.6): older headers lack it. */
struct many_uprobes {
	__u32 program, target, type, flags;
	__u64 path, offsets, semaphores, cookies;
	__u32 number, multi_flags, pid, padding;
};

enum { TRACE_UPROBE_MULTI = 48, UPROBE_MULTI_RETURN = 1 };

struct places {
	__u64 offset[MAX_FUNCTIONS], cookie[MAX_FUNCTIONS];
	__u32 number;
};

/*
 * One link for all places of a library. With a perf event for each, closing them takes the kernel a grace period of
 * RCU each, minutes for some thousand.
 */
static int attach(struct bpf_program *program, bool at_return, pid_t pid, const char *library,
		  const struct places *places)
{
	struct many_uprobes link = {.program = (__u32)bpf_program__fd(program),
				    .type = TRACE_UPROBE_MULTI,
				    .path = (__u64)library,
				    .offsets = (__u64)places->offset,
				    .cookies = (__u64)places->cookie,
				    .number = places->number,
				    .multi_flags = at_return ? UPROBE_MULTI_RETURN : 0,
				    .pid = (__u32)pid};

	if (!places->number || syscall(SYS_bpf, BPF_LINK_CREATE, &link, sizeof(link)) >= 0)
		return 0; /* until the process ends */
	fprintf(stderr, "%s: no probes: %s\n", library, strerror(errno));
	return -errno;
}

static void add(struct places *places, __u64 offset, size_t cookie)
{
	places->offset[places->number] = offset;
	places->cookie[places->number++] = cookie;
}

/* All functions from `first` on that are of one library; where the next begins. */
static int attach_library(struct probes_bpf *probes, pid_t pid, size_t *first)
{
	static struct places entry, landing, entry_return, landing_return;
	const char *library = functions[*first].library;
	size_t i = *first;

	entry.number = landing.number = entry_return.number = landing_return.number = 0;
	for (; i < number && functions[i].library == library; i++) {
		const struct function *function = &functions[i];

		add(&entry, function->entry_offset, i);
		add(&landing, function->landing.offset, i);
		if (function->at_return.offset != function->entry_offset) {
			add(&entry_return, function->entry_offset, i);
			add(&landing_return, function->at_return.offset, i);
		}
	}
	*first = i;
	if (attach(probes->progs.at_entry, false, pid, library, &entry) ||
	    attach(probes->progs.at_landing, false, pid, library, &landing) ||
	    attach(probes->progs.of_entry, true, pid, library, &entry_return) ||
	    attach(probes->progs.of_landing, true, pid, library, &landing_return))
		return -1;
	return 0;
}

static int attach_all(struct probes_bpf *probes, pid_t pid)
{
	size_t i = 0;

	while (i < number)
		if (attach_library(probes, pid, &i))
			return -1;
	return 0;
}

/* A process that waits for the probes before it becomes the command; it goes on when *go is closed. */
static pid_t start(char *command[], int *go)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		char byte;

		close(ends[1]);
		if (!read(ends[0], &byte, 1))
			execvp(command[0], command);
		_exit(127);
	}
	close(ends[0]);
	*go = ends[1];
	return pid;
}

static bool same(const struct function *function, const struct probed *probed)
{
	const struct seen *entry = &probed->at[OF_ENTRY], *landing = &probed->at[OF_LANDING];

	return entry->hits == landing->hits &&
	       !memcmp(entry->arguments, landing->arguments, sizeof(entry->arguments)) &&
	       entry->stack == landing->stack + landing->hits * function->landing.stack_moved &&
	       entry->returns == landing->returns && entry->results == landing->results;
}

static int compare(struct probes_bpf *probes)
{
	unsigned long long calls = 0, returns = 0;
	size_t compared = 0, with_returns = 0, different = 0;

	for (__u32 i = 0; i < number; i++) {
		struct probed probed;

		if (bpf_map_lookup_elem(bpf_map__fd(probes->maps.probed), &i, &probed))
			return -1;
		calls += probed.at[OF_ENTRY].hits;
		returns += probed.at[OF_ENTRY].returns;
		compared += probed.at[OF_ENTRY].hits != 0;
		with_returns += probed.at[OF_ENTRY].returns != 0;
		if (same(&functions[i], &probed))
			continue;
		if (different++ < SHOWN)
			printf("  %s of %s: %llu hits at the entry, %llu at the landing; %llu and %llu returns\n",
			       functions[i].name, functions[i].library, probed.at[OF_ENTRY].hits,
			       probed.at[OF_LANDING].hits, probed.at[OF_ENTRY].returns,
			       probed.at[OF_LANDING].returns);
	}
	printf("  %zu functions probed, %zu of them called %llu times; %zu with %llu returns; %zu different\n",
	       number, compared, calls, with_returns, returns, different);
	return compared && with_returns && !different ? 0 : -1;
}

static int watch(char *command[])
{
	struct probes_bpf *probes = probes_bpf__open();
	struct bpf_program *program;
	int go = -1, status, err = -1;
	pid_t pid;

	if (!probes)
		return -1;
	bpf_object__for_each_program (program, probes->obj)
		bpf_program__set_expected_attach_type(program, (enum bpf_attach_type)TRACE_UPROBE_MULTI);
	if (bpf_map__set_max_entries(probes->maps.probed, (__u32)number) || probes_bpf__load(probes))
		return -1;
	pid = start(command, &go);
	if (pid > 0)
		err = attach_all(probes, pid);
	if (err && pid > 0)
		kill(pid, SIGKILL);
	close(go);
	if (pid > 0 && waitpid(pid, &status, 0) == pid && !err && (!WIFEXITED(status) || WEXITSTATUS(status))) {
		fprintf(stderr, "%s: status %#x\n", command[0], status);
		err = -1;
	}
	if (!err)
		err = compare(probes);
	probes_bpf__destroy(probes);
	return err;
}

int main(int argc, char *argv[])
{
	int i = 1;

	for (; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (collect_from(argv[i]))
			return 1;
	if (i + 1 >= argc || !number)
		return 2;
	return watch(argv + i + 1) ? 1 : 0;
}
