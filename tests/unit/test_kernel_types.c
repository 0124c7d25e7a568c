/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Types found in BTF that libbpf wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/btf.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_types.h"

/* One type of every kind, the wanted ones among them; ids as libbpf gave them. */
struct made {
	struct btf *btf;
	int typedef_id, struct_id, function_id, enum_id;
};

static int make(void **state)
{
	static struct made made;
	struct btf *btf = made.btf = btf__new_empty();
	int number = btf__add_int(btf, "int", 4, BTF_INT_SIGNED), proto;

	btf__add_ptr(btf, number);
	btf__add_array(btf, number, number, 4);
	btf__add_struct(btf, "unix_stream_sendmsg", 8); /* the name of a function, but a struct */
	btf__add_field(btf, "a", number, 0, 0);
	btf__add_union(btf, "u", 4);
	btf__add_field(btf, "unix_stream_recvmsg", number, 0, 0);
	made.enum_id = btf__add_enum(btf, "bpf_func_id", 4);
	btf__add_enum_value(btf, "BPF_FUNC_unspec", 0);
	btf__add_enum_value(btf, "BPF_FUNC_loop", 181);
	btf__add_enum64(btf, "e64", 8, false);
	btf__add_enum64_value(btf, "BPF_FUNC_loop", 1ULL << 40);
	btf__add_fwd(btf, "bpf_iter__bpf_map_elem", BTF_FWD_STRUCT);
	made.typedef_id = btf__add_typedef(btf, "btf_trace_sys_exit", number);
	btf__add_volatile(btf, number);
	btf__add_const(btf, number);
	btf__add_restrict(btf, number);
	proto = btf__add_func_proto(btf, number);
	btf__add_func_param(btf, "sock", number);
	btf__add_func_param(btf, "", 0);
	made.function_id = btf__add_func(btf, "unix_stream_recvmsg", BTF_FUNC_GLOBAL, proto);
	btf__add_func(btf, "unix_stream_recvmsg", BTF_FUNC_STATIC, proto);
	btf__add_var(btf, "v", BTF_VAR_STATIC, number);
	btf__add_datasec(btf, ".data", 4);
	btf__add_datasec_var_info(btf, number, 0, 4);
	btf__add_float(btf, "double", 8);
	btf__add_decl_tag(btf, "tag", number, -1);
	btf__add_type_tag(btf, "tag", number);
	made.struct_id = btf__add_struct(btf, "bpf_iter__bpf_sk_storage_map", 8);
	*state = &made;
	return 0;
}

static int release(void **state)
{
	btf__free(((struct made *)*state)->btf);
	return 0;
}

static void each_type_is_found_by_kind_and_name(void **state)
{
	const struct made *made = *state;
	struct kernel_types types;
	const void *raw;
	__u32 size;

	raw = btf__raw_data(made->btf, &size);
	assert_int_equal(kernel_types_scan(&types, raw, size), 0);
	assert_int_equal(types.id[KERNEL_TRACE_SYS_EXIT], made->typedef_id);
	assert_int_equal(types.id[KERNEL_FUNCTION_UNIX_RECVMSG], made->function_id);
	assert_int_equal(types.id[KERNEL_ITERATOR_SK_STORAGE], made->struct_id);
	assert_int_equal(types.id[KERNEL_HELPER_LOOP], made->enum_id);
	assert_int_equal(types.id[KERNEL_FUNCTION_UNIX_SENDMSG], 0);
	assert_int_equal(types.id[KERNEL_ITERATOR_MAP_ELEM], 0);
	assert_int_equal(types.id[KERNEL_TRACE_SOCK_SEND_LENGTH], 0);
}

static void helpers_without_loop_are_an_older_kernel_s(void **state)
{
	struct btf *btf = btf__new_empty();
	struct kernel_types types;
	const void *raw;
	__u32 size;

	(void)state;
	btf__add_enum(btf, "bpf_func_id", 4);
	btf__add_enum_value(btf, "BPF_FUNC_unspec", 0);
	raw = btf__raw_data(btf, &size);
	assert_int_equal(kernel_types_scan(&types, raw, size), 0);
	assert_int_equal(types.id[KERNEL_HELPER_LOOP], 0);
	btf__free(btf);
}

static void what_is_cut_short_or_no_btf_is_refused(void **state)
{
	const struct made *made = *state;
	struct kernel_types types = {.id = {42}};
	const void *raw;
	char *copy;
	__u32 size;

	raw = btf__raw_data(made->btf, &size);
	for (__u32 cut = 0; cut < size; cut++) {
		copy = malloc(cut ? cut : 1); /* its end is guarded by the sanitizer */
		assert_non_null(copy);
		memcpy(copy, raw, cut);
		assert_int_equal(kernel_types_scan(&types, copy, cut), -EINVAL);
		free(copy);
	}
	copy = malloc(size);
	assert_non_null(copy);
	memcpy(copy, raw, size);
	copy[0] ^= 1;
	assert_int_equal(kernel_types_scan(&types, copy, size), -EINVAL);
	memcpy(copy, raw, size);
	copy[sizeof(struct btf_header) + 7] = 0x1f; /* the kind of the first type */
	assert_int_equal(kernel_types_scan(&types, copy, size), -EINVAL);
	free(copy);
	assert_int_equal(types.id[0], 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_type_is_found_by_kind_and_name),
		cmocka_unit_test(helpers_without_loop_are_an_older_kernel_s),
		cmocka_unit_test(what_is_cut_short_or_no_btf_is_refused),
	};

	return cmocka_run_group_tests(tests, make, release);
}
