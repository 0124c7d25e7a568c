/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the pure files (proto/, classify.h, program_name.h, glob.h) need of a compiler: they build for the kernel, for
 * the unit tests and for the fuzzers, and use no map, no helper and no clock.
 */
#ifndef TAPSTAT_PORTABLE_H
#define TAPSTAT_PORTABLE_H

#ifdef __bpf__

/* Unaligned loads are single instructions on every CPU that tapstat supports; memcpy would become byte loads. */
#define load64(p) (*(const __u64 *)(p))
#define load32(p) (*(const __u32 *)(p))
#define load16(p) (*(const __u16 *)(p))
#define store64(p, v) (*(__u64 *)(p) = (v))
/* Keeps the compiler from folding a bound that the verifier has to see. */
#define opaque(x) asm volatile("" : "+r"(x))
/* Masks in one instruction that the compiler can neither move nor drop; `m` is a literal. */
#define clamp_mask(x, m) asm volatile("%0 &= " #m : "+r"(x))

#else

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
static __always_inline __u64 load64(const void *p)
{
	__u64 v;
	memcpy(&v, p, sizeof(v));
	return v;
}
static __always_inline void store64(void *p, __u64 v)
{
	memcpy(p, &v, sizeof(v));
}
static __always_inline __u32 load32(const void *p)
{
	__u32 v;
	memcpy(&v, p, sizeof(v));
	return v;
}
static __always_inline __u16 load16(const void *p)
{
	__u16 v;
	memcpy(&v, p, sizeof(v));
	return v;
}
#define opaque(x) ((void)(x))
#define clamp_mask(x, m) ((x) &= (m))

/* Loops; the kernel's two ways to them are in compat.h. */
#define DEFINE_STEP(step, type) static __always_inline long step##_once(__u32 i, struct type *it);
#define repeat(n, step, it)                            \
	for (__u32 step_i = 0; step_i < (n); step_i++) \
		if (step##_once(step_i, it))           \
			break;

#endif

/*
 * Begins the definition of a step of a loop, which sees its number `i` and the data `it`; 1 ends the loop. The loop:
 * repeat(n, step, it). In the kernel, `type` needs a function TYPE_current() that finds the data of this CPU.
 */
#define STEP(step, type)        \
	DEFINE_STEP(step, type) \
	static __always_inline long step##_once(__u32 i, struct type *it)

/* Values are read again from memory rather than kept on the stack, of which 512 bytes serve all calls together. */
#define spare_stack() asm volatile("" ::: "memory")

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

static __always_inline __u64 min_u64(__u64 a, __u64 b)
{
	return a < b ? a : b;
}

/* 1 or 0 without a branch: fewer paths for the verifier, and for the CPU to guess. */
static __always_inline __u64 is_zero(__u64 x) /* x < 2^63 */
{
	opaque(x);
	return (x - 1) >> 63;
}

static __always_inline __u64 exceeds(__u64 x, __u64 bound) /* both < 2^63 */
{
	opaque(x);
	return (bound - x) >> 63;
}

/* Position of the lowest set bit; branch-free (de Bruijn), so that the verifier follows one path. x must not be 0. */
static __always_inline __u32 lowest_bit(__u64 x)
{
	static const __u8 position[64] = {
		0,  1,  2,  53, 3,  7,  54, 27, 4,  38, 41, 8,  34, 55, 48, 28, 62, 5,  39, 46, 44, 42,
		22, 9,  24, 35, 59, 56, 49, 18, 29, 11, 63, 52, 6,  26, 37, 40, 33, 47, 61, 45, 43, 21,
		23, 58, 17, 10, 51, 25, 36, 32, 60, 20, 57, 16, 50, 31, 19, 15, 30, 14, 13, 12,
	};
	return position[((x & -x) * 0x022fdd63cc95386dULL) >> 58];
}

#endif
