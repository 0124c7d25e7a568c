/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * protocol parser ──> [endpoint] ──> rows: from the path of a request to its template. Pure.
 *
 * Segments that are numbers, UUIDs, dates or hexadecimal become {id}, {uuid}, {date}, {hex}; one that is a literal
 * among many becomes {name}, which the caller decides. Templates are told apart by a hash over their segments.
 */
#ifndef TAPSTAT_ENDPOINT_H
#define TAPSTAT_ENDPOINT_H

#include "portable.h"
#include "tapstat/abi.h"

enum {
	TARGET_BYTES = 256, /* of a path: a longer one is `other` */
	SEGMENT_HEX_BYTES = 8,
	VARIABLE_BYTES = 8, /* of "{uuid}" and the like, filled up with NULs */
};

/* What a segment may still be. */
enum segment_bits {
	SEGMENT_NUMBER = 1 << 0,
	SEGMENT_HEX = 1 << 1,
	SEGMENT_UUID = 1 << 2,
	SEGMENT_DATE = 1 << 3,
	SEGMENT_HAS_DIGIT = 1 << 4,
};

/* The path of a request and, as it is made, its template. */
struct target {
	__u64 hash; /* of the path as it came */
	__u64 template_hash;
	__u64 prefix_hash; /* ... up to the segment in progress */
	__u32 bytes;       /* of the path; more than TARGET_BYTES: it was too long */
	__u32 at;          /* in the template */
	__u32 segment;     /* where the segment in progress begins in the template */
	__u32 kinds;       /* enum segment_bits of it */
	__u32 over;        /* the template is too long */
	__u32 series;      /* for the caller */
	__u8 text[TARGET_BYTES + 16];
	char template[ENDPOINT_BYTES + VARIABLE_BYTES + 8];
};

#define TARGET_HASH_FACTOR 0x9e3779b97f4a7c15ULL
#define TEMPLATE_HASH_START 0xcbf29ce484222325ULL /* FNV-1a */
#define TEMPLATE_HASH_FACTOR 0x100000001b3ULL

static __always_inline void target_begin(struct target *t)
{
	t->hash = 0;
	t->bytes = 0;
}

/* Adds `n` (at most 16) bytes of the path; 16 can be read. */
static __always_inline void target_add(struct target *t, const __u8 *p, __u32 n)
{
	__u64 low = load64(p), high = load64(p + 8), at = t->bytes;

	if (n < 8)
		low &= (1ULL << (8 * n)) - 1;
	if (n < 16)
		high &= n > 8 ? (1ULL << (8 * (n - 8))) - 1 : 0;
	t->hash = ((t->hash ^ low) * TARGET_HASH_FACTOR) ^ (t->hash >> 29);
	t->hash = ((t->hash ^ high) * TARGET_HASH_FACTOR) ^ (t->hash >> 31);
	t->bytes = at + n;
	if (at + n > TARGET_BYTES) {
		t->bytes = TARGET_BYTES + 1;
		return;
	}
	clamp_mask(at, 255);
	store64(t->text + at, low);
	store64(t->text + at + 8, high);
}

static __always_inline void template_begin(struct target *t)
{
	t->template_hash = TEMPLATE_HASH_START;
	t->prefix_hash = TEMPLATE_HASH_START;
	t->at = t->segment = 0;
	t->kinds = SEGMENT_NUMBER | SEGMENT_HEX | SEGMENT_UUID | SEGMENT_DATE;
	t->over = 0;
}

/* The kinds that a byte at this place of a segment leaves. */
static __always_inline __u32 segment_kinds(__u32 kinds, __u8 c, __u32 at)
{
	bool digit = c >= '0' && c <= '9', hex = digit || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
	bool dash_in_uuid = at == 8 || at == 13 || at == 18 || at == 23, dash_in_date = at == 4 || at == 7;

	if (digit)
		kinds |= SEGMENT_HAS_DIGIT;
	else
		kinds &= ~SEGMENT_NUMBER;
	if (!hex)
		kinds &= ~SEGMENT_HEX;
	if (at >= 36 || (dash_in_uuid ? c != '-' : !hex))
		kinds &= ~SEGMENT_UUID;
	if (at >= 10 || (dash_in_date ? c != '-' : !digit))
		kinds &= ~SEGMENT_DATE;
	return kinds;
}

/* The name of the variable that a segment of these kinds is, filled up with NULs; 0: a literal. */
static __always_inline __u64 segment_variable(__u32 kinds, __u32 bytes)
{
	if (!bytes)
		return 0;
	if (kinds & SEGMENT_NUMBER)
		return (__u64)'{' | 'i' << 8 | 'd' << 16 | (__u64)'}' << 24;
	if ((kinds & SEGMENT_UUID) && bytes == 36)
		return (__u64)'{' | 'u' << 8 | 'u' << 16 | (__u64)'i' << 24 | (__u64)'d' << 32 | (__u64)'}' << 40;
	if ((kinds & SEGMENT_DATE) && bytes == 10)
		return (__u64)'{' | 'd' << 8 | 'a' << 16 | (__u64)'t' << 24 | (__u64)'e' << 32 | (__u64)'}' << 40;
	if ((kinds & SEGMENT_HEX) && (kinds & SEGMENT_HAS_DIGIT) && bytes >= SEGMENT_HEX_BYTES)
		return (__u64)'{' | 'h' << 8 | 'e' << 16 | (__u64)'x' << 24 | (__u64)'}' << 32;
	return 0;
}
#define SEGMENT_NAME ((__u64)'{' | 'n' << 8 | 'a' << 16 | (__u64)'m' << 24 | (__u64)'e' << 32 | (__u64)'}' << 40)

/* Adds a byte of a segment, or the slash between two. */
static __always_inline void template_add(struct target *t, __u8 c)
{
	__u64 at = t->at;

	if (at >= ENDPOINT_BYTES - 1) {
		t->over = 1;
		return;
	}
	opaque(at);
	clamp_mask(at, 255);
	if (at < sizeof(t->template))
		t->template[at] = c;
	t->at = at + 1;
	t->template_hash = (t->template_hash ^ c) * TEMPLATE_HASH_FACTOR;
	if (c != '/')
		t->kinds = segment_kinds(t->kinds, c, at - t->segment);
}

/* A segment begins behind a slash. */
static __always_inline void segment_begin(struct target *t)
{
	t->prefix_hash = t->template_hash;
	t->segment = t->at;
	t->kinds = SEGMENT_NUMBER | SEGMENT_HEX | SEGMENT_UUID | SEGMENT_DATE;
}

/* Puts a variable in the place of the segment that has ended. */
static __always_inline void template_variable(struct target *t, __u64 variable)
{
	__u64 at = t->segment;

	clamp_mask(at, 255);
	if (at > ENDPOINT_BYTES - 1)
		return;
	store64(t->template + at, variable);
	t->template_hash = (t->prefix_hash ^ variable) * TEMPLATE_HASH_FACTOR;
	t->at = at + 4 + !!(variable >> 32) + !!(variable >> 40);
}

#endif
