// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Opens, loads and attaches the BPF programs, hook by hook; owns every descriptor of the kernel side.
 */
#include "attach.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attachment.h"

/* A connection's state lies in a 256-byte slab object (conn.h); the kernel's list of a socket's storage takes 192
 * more. */
enum { CONNECTION_BYTES = 256 + 192 };

/*
 * Every hook: the name people see, its programs, the kernel type that shows that the kernel has it, and what is lost
 * without it. `way` names the ways of --hooks; a hook without one is always used.
 */
struct hook_row {
	const char *name;
	const char *way;
	bool required;
	const char *program[2];
	const char *kernel_type[2]; /* in the kernel's BTF */
	const char *without;
};

static const struct hook_row hook_rows[] = {
	{"sock_length",
	 "sock_length",
	 true,
	 {"ts_send_length", "ts_recv_length"},
	 {"btf_trace_sock_send_length", "btf_trace_sock_recv_length"},
	 "it needs Linux 6.3 or later"},
	{"tcp_destroy_sock",
	 NULL,
	 true,
	 {"ts_tcp_destroy", NULL},
	 {"btf_trace_tcp_destroy_sock", NULL},
	 "without it the end of no connection is seen; it needs Linux 4.16 or later"},
	{"inet_sock_set_state",
	 NULL,
	 false,
	 {"ts_tcp_state", NULL},
	 {"btf_trace_inet_sock_set_state", NULL},
	 "without it a connection that TCP gave up may count as connection_lost instead of timeout"},
	{"sk_storage_iter",
	 NULL,
	 true,
	 {"ts_scan", NULL},
	 {"bpf_iter__bpf_sk_storage_map", NULL},
	 "without it gauges and the end of AF_UNIX connections are not seen; it needs Linux 5.11 or later"},
};

enum { HOOKS = sizeof(hook_rows) / sizeof(hook_rows[0]) };
_Static_assert((int)HOOKS <= (int)ATTACHMENT_MAX_HOOKS, "struct attachment has no room for every hook");

/* The kernel's own words about what went wrong last: libbpf's warnings, among them the verifier's last lines. */
static char libbpf_words[512];

static int libbpf_print(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char line[512];
	int n;

	if (level != LIBBPF_WARN)
		return 0;
	n = vsnprintf(line, sizeof(line), format, arguments);
	if (n <= 0 || strstr(line, "-- BEGIN PROG LOAD LOG --"))
		return 0;
	line[strcspn(line, "\n")] = 0;
	if (!libbpf_words[0])
		snprintf(libbpf_words, sizeof(libbpf_words), "%s", line);
	return 0;
}

static const char *kernel_reason(int err)
{
	static char text[640];

	if (libbpf_words[0])
		snprintf(text, sizeof(text), "%s (%s)", strerror(-err), libbpf_words);
	else
		snprintf(text, sizeof(text), "%s", strerror(-err));
	return text;
}

static const char *advice(int err)
{
	switch (-err) {
	case EPERM:
	case EACCES:
		return "run as root, or grant CAP_BPF and CAP_PERFMON";
	case ENOMEM:
		return "lower --max-connections or free memory";
	default:
		return "run `tapstat doctor` to see what this kernel allows";
	}
}

/* Which of the hooks the kernel has, as bits by row. Negative errno: the kernel's types can't be read. */
static int hooks_available(unsigned int *available)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int err = libbpf_get_error(btf);

	if (err)
		return err;
	*available = 0;
	for (int i = 0; i < HOOKS; i++) {
		bool has = true;

		for (int j = 0; j < 2; j++)
			if (hook_rows[i].kernel_type[j] && btf__find_by_name(btf, hook_rows[i].kernel_type[j]) < 0)
				has = false;
		*available |= (unsigned int)has << i;
	}
	btf__free(btf);
	return 0;
}

static int check_way(const char *hooks, char *why, size_t size)
{
	if (!strcmp(hooks, "auto"))
		return 0;
	for (int i = 0; i < HOOKS; i++)
		if (hook_rows[i].way && !strcmp(hook_rows[i].way, hooks))
			return 0;
	snprintf(why, size, "--hooks=%s: this build can hook sockets only by sock_length; use auto or sock_length",
		 hooks);
	return -ENOTSUP;
}

static void configure(struct tapstat_bpf *skel, const struct attach_config *config)
{
	const struct selectors *s = &config->selectors;

	skel->rodata->self_tgid = getpid();
	skel->rodata->max_connections = config->max_connections;
	memcpy((void *)&skel->rodata->selectors, s, sizeof(*s));
	skel->rodata->selecting_process =
		s->pids || s->comms || s->exes || s->cgroups || s->containers || s->services;
	skel->rodata->selecting = skel->rodata->selecting_process || s->ports;
}

/* Attaches the programs of one hook; *att takes the links. */
static int hook_attach(struct attachment *att, int row)
{
	for (int j = 0; j < 2 && hook_rows[row].program[j]; j++) {
		struct bpf_program *program =
			bpf_object__find_program_by_name(att->skel->obj, hook_rows[row].program[j]);
		union bpf_iter_link_info target = {.map.map_fd = bpf_map__fd(att->skel->maps.conns)};
		LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &target, .link_info_len = sizeof(target));
		struct bpf_link *link;

		if (!program)
			return -ENOENT;
		libbpf_words[0] = 0;
		link = bpf_program__expected_attach_type(program) == BPF_TRACE_ITER
			       ? bpf_program__attach_iter(program, &options)
			       : bpf_program__attach(program);
		if (!link)
			return -errno;
		att->hook[row].link[j] = link;
		att->hook[row].program_fd[j] = bpf_program__fd(program);
	}
	att->hook[row].attached = true;
	return 0;
}

static int hooks_attach(struct attachment *att, unsigned int available, char *why, size_t size)
{
	for (int i = 0; i < HOOKS; i++) {
		int err;

		att->hook[i].name = hook_rows[i].name;
		att->n_hooks = i + 1;
		if (!(available >> i & 1))
			continue;
		err = hook_attach(att, i);
		if (err && hook_rows[i].required) {
			snprintf(why, size, "hook %s cannot be attached: %s; %s", hook_rows[i].name,
				 kernel_reason(err), advice(err));
			return err;
		}
	}
	return 0;
}

/* Opens and loads the programs of the available hooks. */
static int programs_load(struct attachment *att, const struct attach_config *config, unsigned int available,
			 char *why, size_t size)
{
	int err;

	att->skel = tapstat_bpf__open();
	if (!att->skel) {
		err = -errno;
		snprintf(why, size, "the BPF programs cannot be opened: %s", kernel_reason(err));
		return err;
	}
	configure(att->skel, config);
	for (int i = 0; i < HOOKS; i++)
		for (int j = 0; j < 2 && hook_rows[i].program[j]; j++) {
			struct bpf_program *program =
				bpf_object__find_program_by_name(att->skel->obj, hook_rows[i].program[j]);

			bpf_program__set_autoload(program, available >> i & 1);
		}
	libbpf_words[0] = 0;
	err = tapstat_bpf__load(att->skel);
	if (err) {
		snprintf(why, size, "the BPF programs cannot be loaded: %s; %s", kernel_reason(err), advice(err));
		tapstat_bpf__destroy(att->skel);
		att->skel = NULL;
	}
	return err;
}

/* What a map takes by the kernel's own account. */
static __u64 map_bytes(int fd)
{
	char path[64], line[128];
	unsigned long long bytes = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "memlock: %llu", &bytes) == 1)
			break;
	fclose(file);
	return bytes;
}

static __u64 memory_ceiling(const struct attachment *att, const struct attach_config *config)
{
	__u64 bytes = (__u64)config->max_connections * CONNECTION_BYTES;
	struct bpf_map *map;

	bpf_object__for_each_map (map, att->skel->obj)
		bytes += map_bytes(bpf_map__fd(map));
	return bytes;
}

int attachment_open(struct attachment **out, const struct attach_config *config, char *why, size_t size)
{
	unsigned int available, optional = 0, required = 0;
	struct attachment *att;
	int err;

	libbpf_set_print(libbpf_print);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	err = check_way(config->hooks, why, size);
	if (err)
		return err;
	err = hooks_available(&available);
	if (err) {
		snprintf(why, size,
			 "the kernel's types (BTF) cannot be read: %s; tapstat needs a kernel with "
			 "CONFIG_DEBUG_INFO_BTF "
			 "and /sys mounted",
			 strerror(-err));
		return err;
	}
	for (int i = 0; i < HOOKS; i++) {
		if (hook_rows[i].required)
			required |= 1u << i;
		else
			optional |= 1u << i;
		if (hook_rows[i].required && !(available >> i & 1)) {
			snprintf(why, size, "required hook %s: this kernel does not have it; %s", hook_rows[i].name,
				 hook_rows[i].without);
			return -ENOTSUP;
		}
	}

	att = calloc(1, sizeof(*att));
	if (!att)
		return -ENOMEM;
	err = programs_load(att, config, available, why, size);
	/* An optional program must not keep the required ones from loading. */
	if (err && (available & optional)) {
		available &= required;
		err = programs_load(att, config, available, why, size);
	}
	if (!err)
		err = hooks_attach(att, available, why, size);
	if (err) {
		attachment_close(att);
		return err;
	}
	att->memory_ceiling_bytes = memory_ceiling(att, config);
	att->max_connections = config->max_connections;
	*out = att;
	return 0;
}

void attachment_close(struct attachment *att)
{
	if (!att)
		return;
	for (int i = 0; i < att->n_hooks; i++)
		for (int j = 0; j < 2; j++)
			bpf_link__destroy(att->hook[i].link[j]);
	if (att->skel)
		tapstat_bpf__destroy(att->skel);
	free(att->series_unix);
	free(att->percpu);
	free(att);
}

__u64 attachment_memory_ceiling(const struct attachment *att)
{
	return att->memory_ceiling_bytes;
}

int attachment_doctor(const struct attach_config *config)
{
	unsigned int available = 0;
	struct attachment *att = NULL;
	char why[768] = "";
	int err;

	libbpf_set_print(libbpf_print);
	err = hooks_available(&available);
	if (err) {
		printf("kernel types (BTF): %s: tapstat needs a kernel with CONFIG_DEBUG_INFO_BTF and /sys mounted\n",
		       strerror(-err));
		return err;
	}
	printf("kernel types (BTF): readable\n");
	err = attachment_open(&att, config, why, sizeof(why));
	for (int i = 0; i < HOOKS; i++) {
		bool has = available >> i & 1;
		bool attached = att && att->hook[i].attached;

		printf("hook %-20s %s%s%s\n", hook_rows[i].name,
		       attached ? "works"
		       : has    ? "not attached"
				: "missing in this kernel",
		       attached ? "" : ": ", attached ? "" : hook_rows[i].without);
	}
	if (err) {
		printf("cannot run: %s\n", why);
		return err;
	}
	printf("memory: at most %.1f MiB of kernel memory with %u connections\n",
	       (double)att->memory_ceiling_bytes / (1 << 20), config->max_connections);
	printf("tapstat can run here\n");
	attachment_close(att);
	return 0;
}
