/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* /sys/kernel/btf/vmlinux ──> [kernel_types] ──> hooks: see kernel_types.h. */
#include "kernel_types.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	__u32 kind;
	const char *name;
} wanted[KERNEL_TYPE_COUNT] = {
	[KERNEL_TRACE_SOCK_SEND_LENGTH] = {BTF_KIND_TYPEDEF, "btf_trace_sock_send_length"},
	[KERNEL_TRACE_SOCK_RECV_LENGTH] = {BTF_KIND_TYPEDEF, "btf_trace_sock_recv_length"},
	[KERNEL_TRACE_SYS_EXIT] = {BTF_KIND_TYPEDEF, "btf_trace_sys_exit"},
	[KERNEL_TRACE_SYS_ENTER] = {BTF_KIND_TYPEDEF, "btf_trace_sys_enter"},
	[KERNEL_TRACE_TCP_DESTROY_SOCK] = {BTF_KIND_TYPEDEF, "btf_trace_tcp_destroy_sock"},
	[KERNEL_TRACE_INET_SOCK_SET_STATE] = {BTF_KIND_TYPEDEF, "btf_trace_inet_sock_set_state"},
	[KERNEL_ITERATOR_SK_STORAGE] = {BTF_KIND_STRUCT, "bpf_iter__bpf_sk_storage_map"},
	[KERNEL_ITERATOR_MAP_ELEM] = {BTF_KIND_STRUCT, "bpf_iter__bpf_map_elem"},
	[KERNEL_FUNCTION_INET_SENDMSG] = {BTF_KIND_FUNC, "inet_sendmsg"},
	[KERNEL_FUNCTION_INET6_SENDMSG] = {BTF_KIND_FUNC, "inet6_sendmsg"},
	[KERNEL_FUNCTION_UNIX_SENDMSG] = {BTF_KIND_FUNC, "unix_stream_sendmsg"},
	[KERNEL_FUNCTION_INET_SENDPAGE] = {BTF_KIND_FUNC, "inet_sendpage"},
	[KERNEL_FUNCTION_INET_RECVMSG] = {BTF_KIND_FUNC, "inet_recvmsg"},
	[KERNEL_FUNCTION_INET6_RECVMSG] = {BTF_KIND_FUNC, "inet6_recvmsg"},
	[KERNEL_FUNCTION_UNIX_RECVMSG] = {BTF_KIND_FUNC, "unix_stream_recvmsg"},
	[KERNEL_FUNCTION_UNIX_RELEASE] = {BTF_KIND_FUNC, "unix_release"},
	[KERNEL_FUNCTION_TCP_SPLICE_READ] = {BTF_KIND_FUNC, "tcp_splice_read"},
	[KERNEL_TRACE_SCHED_PROCESS_EXIT] = {BTF_KIND_TYPEDEF, "btf_trace_sched_process_exit"},
	[KERNEL_TRACE_SCHED_PROCESS_EXEC] = {BTF_KIND_TYPEDEF, "btf_trace_sched_process_exec"},
	[KERNEL_MEMORY_ALLOCATOR] = {BTF_KIND_STRUCT, "bpf_mem_alloc"},
	[KERNEL_UPROBE_LINK] = {BTF_KIND_STRUCT, "bpf_uprobe_multi_link"},
	[KERNEL_HELPER_LOOP] = {BTF_KIND_ENUM, "bpf_func_id"}, /* its enumerator BPF_FUNC_loop */
};

const char kernel_types_path[] = "/sys/kernel/btf/vmlinux";

/* Bytes behind struct btf_type, or -EINVAL. */
static long tail_bytes(const struct btf_type *type)
{
	__u32 n = BTF_INFO_VLEN(type->info);

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return sizeof(__u32);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return n * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return n * sizeof(struct btf_enum);
	case BTF_KIND_FUNC_PROTO:
		return n * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return n * sizeof(struct btf_var_secinfo);
	case BTF_KIND_ENUM64:
		return n * sizeof(struct btf_enum64);
	default:
		return -EINVAL;
	}
}

struct strings {
	const char *text; /* ends with NUL */
	__u32 bytes;
};

static const char *string_at(const struct strings *strings, __u32 offset)
{
	return offset < strings->bytes ? strings->text + offset : "";
}

static bool has_loop(const struct btf_type *type, const struct strings *strings)
{
	const struct btf_enum *value = (const void *)(type + 1);

	for (__u32 i = 0; i < BTF_INFO_VLEN(type->info); i++)
		if (!strcmp(string_at(strings, value[i].name_off), "BPF_FUNC_loop"))
			return true;
	return false;
}

static void look_at(struct kernel_types *types, __u32 id, const struct btf_type *type, const struct strings *strings)
{
	const char *name = string_at(strings, type->name_off);
	__u32 kind = BTF_INFO_KIND(type->info);

	for (int i = 0; i < KERNEL_TYPE_COUNT; i++) {
		if (wanted[i].kind != kind || *name != *wanted[i].name || strcmp(name, wanted[i].name) != 0)
			continue;
		if (!types->id[i] && (i != KERNEL_HELPER_LOOP || has_loop(type, strings)))
			types->id[i] = id;
	}
}

int kernel_types_scan(struct kernel_types *out, const void *btf, size_t size)
{
	const struct btf_header *header = btf;
	struct kernel_types types = {0};
	struct strings strings;
	const char *at, *end;
	__u32 id = 1;

	if (size < sizeof(*header) || header->magic != BTF_MAGIC || header->hdr_len > size)
		return -EINVAL;
	size -= header->hdr_len;
	if (header->type_off > size || header->type_len > size - header->type_off || header->str_off > size ||
	    !header->str_len || header->str_len > size - header->str_off)
		return -EINVAL;
	at = (const char *)btf + header->hdr_len + header->type_off;
	end = at + header->type_len;
	strings.text = (const char *)btf + header->hdr_len + header->str_off;
	strings.bytes = header->str_len;
	if (strings.text[strings.bytes - 1] || header->type_off % sizeof(__u32) || header->hdr_len % sizeof(__u32))
		return -EINVAL;
	for (; (size_t)(end - at) >= sizeof(struct btf_type); id++) {
		const struct btf_type *type = (const void *)at;
		long tail = tail_bytes(type);

		at += sizeof(*type);
		if (tail < 0 || tail > end - at)
			return -EINVAL;
		look_at(&types, id, type, &strings);
		at += tail;
	}
	*out = types;
	return 0;
}

int kernel_types_read(struct kernel_types *types)
{
	int fd = open(kernel_types_path, O_RDONLY | O_CLOEXEC), err = 0;
	size_t used = 0;
	struct stat st;
	char *btf;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st)) {
		err = -errno;
		close(fd);
		return err;
	}
	btf = malloc((size_t)st.st_size);
	while (btf && used < (size_t)st.st_size) {
		ssize_t n = read(fd, btf + used, (size_t)st.st_size - used);

		if (n <= 0) {
			err = n ? -errno : -EIO;
			break;
		}
		used += (size_t)n;
	}
	if (!btf)
		err = -ENOMEM;
	if (!err)
		err = kernel_types_scan(types, btf, used);
	free(btf);
	close(fd);
	return err;
}
