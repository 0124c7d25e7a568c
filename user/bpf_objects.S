/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* [bpf_objects] ──> object: the two BPF objects as the compiler left them; the Makefile names their directory. */
	.section .rodata.bpf_objects, "a", %progbits
	.macro bpf_object symbol, file
	.balign 8
	.global \symbol, \symbol\()_end
\symbol:
	.incbin "\file"
\symbol\()_end:
	.endm

	bpf_object object_loop, "tapstat.bpf.o"
	bpf_object object_5_10, "tapstat_5_10.bpf.o"

	.section .note.GNU-stack, "", %progbits
