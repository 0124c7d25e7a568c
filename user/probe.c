/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* [probe] ──> way, privileges: see probe.h. bpf(2), perf_event_open(2). */
#include "probe.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <link.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "complaint.h"

static const char kprobe_type_path[] = "/sys/bus/event_source/devices/kprobe/type";

/* Instructions; BPF_LD, BPF_IMM, BPF_K and BPF_W are 0. */
enum {
	LOAD_64 = BPF_DW,
	MOVE = BPF_ALU64 | BPF_MOV,
	ATOMIC = BPF_STX | BPF_ATOMIC,
	ADD = BPF_ALU64 | BPF_ADD,
	CALL = BPF_JMP | BPF_CALL,
	LEAVE = BPF_JMP | BPF_EXIT,
};

/* What is tried: a program type, and where the program goes. */
struct trial {
	enum bpf_prog_type type;
	enum bpf_attach_type attach_type;
	__u32 id;
	const char *function; /* of a kprobe */
	__u64 offset;         /* of a uprobe, in tapstat's own file */
};

static int send_byte(int sock, int call)
{
	char byte = 0;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n = call == 0   ? write(sock, &byte, 1)
		    : call == 1 ? send(sock, &byte, 1, MSG_NOSIGNAL)
				: sendmsg(sock, &msg, MSG_NOSIGNAL);

	return n == 1 ? 0 : -1;
}

static int receive_byte(int sock, int call)
{
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n = call == 0 ? read(sock, &byte, 1) : call == 1 ? recv(sock, &byte, 1, 0) : recvmsg(sock, &msg, 0);

	return n == 1 ? 0 : -1;
}

/* What a uprobe is put on. */
__attribute__((noinline, noclone)) static void called(int n)
{
	__asm__ volatile("" ::"r"(n) : "memory");
}

/* Where the file that the address came from has it. */
struct own_file {
	__u64 address, offset;
};

static int look_into(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct own_file *own = arg;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		__u64 start = info->dlpi_addr + segment->p_vaddr;

		if (segment->p_type == PT_LOAD && own->address - start < segment->p_filesz)
			own->offset = own->address - start + segment->p_offset;
	}
	return 1; /* the program itself comes first */
}

/* PROBE_CALLS of each. */
static int exercise(void)
{
	int pair[2], err = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	for (int call = 0; call < PROBE_CALLS && !err; call++)
		if (send_byte(pair[0], call) || receive_byte(pair[1], call))
			err = -errno;
	for (int call = 0; call < PROBE_CALLS; call++)
		called(call);
	close(pair[0]);
	close(pair[1]);
	return err;
}

/* counter += 1; return 0; */
static int load(const struct trial *trial, int counter)
{
	const struct bpf_insn insns[] = {
		{.code = LOAD_64, .dst_reg = 1, .src_reg = BPF_PSEUDO_MAP_VALUE, .imm = counter},
		{0},
		{.code = MOVE, .dst_reg = 2, .imm = 1},
		{.code = ATOMIC, .dst_reg = 1, .src_reg = 2, .imm = BPF_ADD},
		{.code = MOVE, .dst_reg = 0, .imm = 0},
		{.code = LEAVE},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = trial->attach_type,
		    .attach_btf_id = trial->id);

	return bpf_prog_load(trial->type, "ts_probe", "GPL", insns, sizeof(insns) / sizeof(insns[0]), &options);
}

static int attach_kprobe(const char *function, int program)
{
	struct perf_event_attr attr = {.size = sizeof(attr), .config1 = (__u64)(unsigned long)function};
	FILE *file = fopen(kprobe_type_path, "re");
	int fd, n, err;

	if (!file)
		return -ENODEV;
	n = fscanf(file, "%u", &attr.type);
	fclose(file);
	if (n != 1)
		return -ENODEV;
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, program) || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0)) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static int attach(const struct trial *trial, int program)
{
	const struct uprobe_places here = {.path = "/proc/self/exe", .offset = &trial->offset, .n = 1};
	int fd, n;

	if (trial->function)
		return attach_kprobe(trial->function, program);
	if (!trial->offset)
		return bpf_raw_tracepoint_open(NULL, program);
	n = uprobe_attach(trial->attach_type ? UPROBE_BY_LINK : UPROBE_BY_EVENT, program, &here, &fd);
	return n < 0 ? n : fd;
}

static struct probe_result try(const struct trial *trial, int counter, unsigned int least)
{
	__u32 key = 0, runs = 0;
	int program = load(trial, counter), attached, err;

	if (program < 0)
		return (struct probe_result){PROBE_NOT_LOADED, program};
	attached = attach(trial, program);
	if (attached < 0) {
		close(program);
		return (struct probe_result){PROBE_NOT_ATTACHED, attached};
	}
	err = exercise();
	if (!err)
		err = bpf_map_lookup_elem(counter, &key, &runs);
	close(attached);
	close(program);
	if (err)
		return (struct probe_result){PROBE_NOT_TRIED, err};
	return (struct probe_result){runs < least ? PROBE_SILENT : PROBE_WORKS, 0};
}

static int new_counter(void)
{
	return bpf_map_create(BPF_MAP_TYPE_ARRAY, "ts_probe", sizeof(__u32), sizeof(__u32), 1, NULL);
}

/* What becomes of a descriptor. */
static int closed(int fd)
{
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static struct probe_result probe(const struct trial *trial, unsigned int least)
{
	int counter = new_counter();
	struct probe_result result;

	if (counter < 0)
		return (struct probe_result){PROBE_NOT_TRIED, counter};
	result = try(trial, counter, least);
	close(counter);
	return result;
}

struct probe_result probe_tracepoint(__u32 type, unsigned int least)
{
	return probe(&(struct trial){BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, type, NULL, 0}, least);
}

struct probe_result probe_trampoline(__u32 function, unsigned int least)
{
	return probe(&(struct trial){BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, function, NULL, 0}, least);
}

int probe_trampoline_load(__u32 function)
{
	const struct trial trial = {BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, function, NULL, 0};
	const int counter = new_counter();
	int err = counter < 0 ? counter : closed(load(&trial, counter));

	closed(counter);
	return err;
}

struct probe_result probe_kprobe(const char *function, unsigned int least)
{
	return probe(&(struct trial){BPF_PROG_TYPE_KPROBE, 0, 0, function, 0}, least);
}

struct probe_result probe_uprobe(enum uprobe_way way, unsigned int least)
{
	struct own_file own = {.address = (__u64)(unsigned long)called};

	dl_iterate_phdr(look_into, &own);
	if (!own.offset)
		return (struct probe_result){PROBE_NOT_TRIED, -ENOENT};
	return probe(&(struct trial){BPF_PROG_TYPE_KPROBE, way == UPROBE_BY_LINK ? UPROBE_LINK_TYPE : 0, 0, NULL,
				     own.offset},
		     least);
}

int probe_call(void)
{
	return closed(new_counter());
}

int probe_kernel_reads(void)
{
	/* bpf_probe_read_kernel(fp - 8, 8, NULL); return 0; */
	const struct bpf_insn insns[] = {
		{.code = MOVE | BPF_X, .dst_reg = 1, .src_reg = BPF_REG_10},
		{.code = ADD, .dst_reg = 1, .imm = -8},
		{.code = MOVE, .dst_reg = 2, .imm = 8},
		{.code = MOVE, .dst_reg = 3, .imm = 0},
		{.code = CALL, .imm = BPF_FUNC_probe_read_kernel},
		{.code = MOVE, .dst_reg = 0, .imm = 0},
		{.code = LEAVE},
	};

	return closed(bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "ts_probe", "GPL", insns,
				    sizeof(insns) / sizeof(insns[0]), NULL));
}

int probe_kernel_word(__u64 address, __u32 *out)
{
	/* word = 0; bpf_probe_read_kernel(&word, 4, address); return word; */
	const struct bpf_insn insns[] = {
		{.code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .off = -8, .imm = 0},
		{.code = MOVE | BPF_X, .dst_reg = 1, .src_reg = BPF_REG_10},
		{.code = ADD, .dst_reg = 1, .imm = -8},
		{.code = MOVE, .dst_reg = 2, .imm = sizeof(*out)},
		{.code = LOAD_64, .dst_reg = 3, .imm = (__s32)address},
		{.imm = (__s32)(address >> 32)},
		{.code = CALL, .imm = BPF_FUNC_probe_read_kernel},
		{.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 0, .src_reg = BPF_REG_10, .off = -8},
		{.code = LEAVE},
	};
	LIBBPF_OPTS(bpf_test_run_opts, run);
	int program = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "ts_probe", "GPL", insns,
				    sizeof(insns) / sizeof(insns[0]), NULL);
	int err = program < 0 ? program : bpf_prog_test_run_opts(program, &run);

	closed(program);
	if (!err)
		*out = run.retval;
	return err;
}

void probe_reason(const struct probe_result *result, const char *on, char *out, size_t size)
{
	const char *error = complaint_error(result->err);

	if (result->stage == PROBE_NOT_LOADED)
		snprintf(out, size, "the kernel refuses to load a program for %s: %s", on, error);
	else if (result->stage == PROBE_SILENT)
		snprintf(out, size,
			 "a program on %s does not run at every call: this kernel has it inlined elsewhere", on);
	else if (result->stage == PROBE_NOT_ATTACHED && result->err == -ENODEV)
		snprintf(out, size, "this kernel has no events for it in /sys/bus/event_source/devices");
	else if (result->stage == PROBE_NOT_ATTACHED)
		snprintf(out, size, "the kernel refuses to attach a program to %s: %s", on, error);
	else
		snprintf(out, size, "it cannot be tried: %s", error);
}
