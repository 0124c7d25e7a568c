/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * window ──> classify ──> [protocol parser] ──> record: what the parsers of requests and answers have in common.
 *
 * A protocol NAME has in proto/NAME.h, all pure:
 *
 *   NAME_starts(p, avail)           what the first bytes of a direction say (enum starts)
 *   NAME_message(s, q, p, x)        one step of the direction that asks or answers (x->asks)
 *   NAME_request_passed(s, q, x)    s->rq.left bytes, or none, have been passed over: is a message complete?
 *   NAME_answer_passed(s, q, x)
 *
 * A step sees `avail` valid bytes at `p` (LOOK_BYTES can be read; LOOKAHEAD are valid unless the segment has fewer)
 * and answers with a verdict (verdict.h). It takes x->consumed <= avail bytes, and by s->rq.left orders what follows
 * to be passed over unseen, in this call and in later ones. Behind each step, and once s->rq.left has come down to 0,
 * the `passed` function is asked; it takes no bytes, and is where a message becomes complete. At most one event at a
 * time.
 */
#ifndef TAPSTAT_PROTO_EXCHANGE_H
#define TAPSTAT_PROTO_EXCHANGE_H

#include "../conn.h"
#include "tapstat/operations.h"
#include "verdict.h"

/* What the first bytes of a direction say about a protocol. */
enum starts {
	STARTS_NOT,    /* something else */
	STARTS_SHORT,  /* more bytes are needed; only where fewer than LOOKAHEAD are there */
	STARTS_ASKING, /* this direction asks */
	STARTS_ANSWERING,
};

/* q->told[1], in every protocol that has transactions: one is open. */
enum { TOLD_IN_TRANSACTION = 1 };

enum exchange_event {
	EXCHANGE_NOTHING,
	EXCHANGE_ASKED,      /* a request is complete: operation, flags (and id) say what was asked */
	EXCHANGE_ASKED_ONLY, /* the same, and no answer will come */
	EXCHANGE_ANSWERED, /* the oldest request (or that of the id) is answered: failed; an operation replaces its */
	EXCHANGE_PART,     /* the same, but more answers to that request follow */
	EXCHANGE_DONE,     /* the oldest request is over without an answer of its own (as after EXCHANGE_PART) */
	EXCHANGE_SYNC,     /* all is over up to the oldest request with ASKED_SYNC, which is taken, too */
	EXCHANGE_PATH,     /* HTTP: `part` belongs to the path of the request */
	EXCHANGE_PATH_END, /* the same, and that was all of it */
	EXCHANGE_SIZED,    /* HTTP: the body of a request has passed; length says how long it was */
	EXCHANGE_UPGRADED, /* HTTP: the oldest request is answered by 101, or a tunnel begins */
	EXCHANGE_SKIPPED,  /* the oldest request was answered by silence, a success; nothing was consumed
			      and the state is the same: the same bytes are to be looked at again */
	EXCHANGE_KEY,      /* the key of the request in progress is whole; operation says what is asked */
	EXCHANGE_ENCRYPTED, /* from here on it is TLS */
	EXCHANGE_HIDDEN, /* from here on the connection can't be read: compressed, replication, another encryption */
};

/* What a request needs remembered until its answer; four bits in the queue. */
enum asked_flags {
	ASKED_SYNC = 1 << 0, /* a mark for EXCHANGE_SYNC, no operation by itself */
	ASKED_QUIET = 1 << 1,
	ASKED_A = 1 << 2, /* the protocol's own */
	ASKED_B = 1 << 3,
};

enum {
	EXCHANGE_KEY_BYTES = 128, /* longer keys are not shown */
	EXCHANGE_KEY_PART = 64,   /* of one step */
};

/* The key of a request: the parser puts it together, step by step within one call; the framework clears it before. */
struct exchange_key {
	__u32 bytes, want; /* so far, and in all; want: 0, nothing is put together */
	__u32 whole;       /* all of it is there */
	__u32 pad;
	char text[EXCHANGE_KEY_BYTES + EXCHANGE_KEY_PART]; /* whatever behind `bytes` */
};

static __always_inline void exchange_key_clear(struct exchange_key *key)
{
	key->bytes = key->want = key->whole = 0;
}

/* HTTP: part of a path, among the bytes that a step was shown. */
struct http_part {
	__u8 at, bytes; /* at most 8, 16 */
};

enum { EXCHANGE_REPEATS = 32 }; /* of one step */

/*
 * What decides about a message that one step took whole: `head` bytes at its beginning (at most 24; 0: nothing is
 * known) and `bytes` (at most 8) at `at`. Another one with the same bytes there means the same and is as long; an
 * answer then has the operation of its request.
 */
struct exchange_alike {
	__u8 head, at, bytes;
};

/* One step: what it is told, what it tells. In map memory. */
struct exchange {
	/* told: */
	__u64 left;  /* bytes of the segment from p on */
	__u32 avail; /* valid bytes at p, at most LOOK_BYTES */
	__u16 asked; /* answers: operation of the oldest request, OPERATION_NONE: none is outstanding or it has none
		      */
	__u8 asked_any;   /* answers: whether a request is outstanding */
	__u8 asked_flags; /* ... and its enum asked_flags */
	__u8 wants_keys;  /* requests: keys of operations with OPERATION_LENGTH are to be shown */
	__u8 asks;        /* of which direction the bytes are */
	/* tells: */
	__u64 consumed;
	__u32 id;        /* protocols that match by it; HTTP: status of the answer, or method */
	__u16 operation; /* enum operation, OPERATION_NONE */
	__u8 event;      /* enum exchange_event */
	__u8 failed;
	__u8 flags; /* enum asked_flags of what was asked */
	__u8 hits;  /* cache: values found and not found by the answer */
	__u8 misses;
	struct http_part part;
	struct exchange_alike alike;
	__u32 own;     /* the parser's, within a step */
	__u64 at;      /* exchange_repeats() */
	__u64 length;  /* of the queue (list, stream) that the answer tells; LENGTH_NONE */
	__u64 verdict; /* the framework's: also the oldest request, as a run */
	__u64 run;
	struct exchange_key key;
};

#define LENGTH_NONE (~0ULL)

static __always_inline void exchange_event(struct exchange *x, enum exchange_event event, __u32 operation)
{
	x->event = event;
	x->operation = operation;
}

static __always_inline void exchange_answer(struct exchange *x, enum exchange_event event, bool failed)
{
	x->event = event;
	x->operation = OPERATION_NONE;
	x->failed = failed;
}

/* Adds to the key up to `n` of the bytes at `p`. Returns how many. */
static __always_inline __u32 exchange_key_add(struct exchange_key *key, const __u8 *p, __u32 n)
{
	__u64 at = key->bytes;

	n = n < EXCHANGE_KEY_PART ? n : EXCHANGE_KEY_PART;

	opaque(at);
	if (at < EXCHANGE_KEY_BYTES) {
#pragma clang loop unroll(full)
		for (int i = 0; i < EXCHANGE_KEY_PART; i += 8)
			store64(key->text + at + i, load64(p + i));
		key->bytes = at + n;
	}
	key->whole = key->want && key->bytes == key->want;
	return n;
}

/* ---- Text ------------------------------------------------------------------------------------------------------ */

/* Marks each byte of `word` that equals `byte` in its top bit; exact up to and including the first one. */
static __always_inline __u64 match_byte(__u64 word, __u8 byte)
{
	__u64 x = word ^ (byte * 0x0101010101010101ULL);

	return (x - 0x0101010101010101ULL) & ~x & 0x8080808080808080ULL;
}

/* Marks each byte of a word that is no digit in its top bit. */
static __always_inline __u64 no_digits(__u64 word)
{
	return (((word ^ 0x3030303030303030ULL) + 0x7676767676767676ULL) | word) & 0x8080808080808080ULL;
}

/* The number of the first `digits` bytes (at most 8) of a word, which are '0' to '9'. */
static __always_inline __u32 decimal(__u64 word, __u32 digits)
{
	word <<= (64 - 8 * digits) & 63;
	word &= -(__u64)!is_zero(digits);
	word = (word & 0x0f0f0f0f0f0f0f0fULL) * 2561 >> 8;
	word = (word & 0x00ff00ff00ff00ffULL) * 6553601 >> 16;
	return (word & 0x0000ffff0000ffffULL) * 42949672960001ULL >> 32;
}

/* The bytes of a word below the first of `n` (at most 8). */
static __always_inline __u64 low_bytes(__u64 word, __u32 n)
{
	return n >= 8 ? word : word & ((1ULL << (8 * n)) - 1);
}

/* ---- Messages that are alike ----------------------------------------------------------------------------------- */

/*
 * How many of the messages behind the one at x->at in the window, x->consumed bytes long, are like it; at most
 * `most`, and none that is not wholly before `end`. Up to `last`, and LOOK_BYTES behind it, the window can be read.
 */
static __always_inline __u32 exchange_repeats(struct exchange *x, const __u8 *window, __u64 end, __u64 last,
					      __u32 most)
{
	volatile __u64 *place = &x->at; /* in memory: what the verifier knows does not multiply */
	__u64 head[3], mask[3], rest = x->alike.at, rest_mask = low_bytes(~0ULL, x->alike.bytes), first;
	__u64 bytes = x->consumed, at = *place;
	__u32 n = 0;

	if (at > last || end < bytes)
		return 0;
	clamp_mask(rest, 127);
#pragma clang loop unroll(full)
	for (int i = 0; i < 3; i++) {
		mask[i] = x->alike.head > 8 * i ? low_bytes(~0ULL, x->alike.head - 8 * i) : 0;
		head[i] = load64(window + at + 8 * i) & mask[i];
	}
	first = load64(window + at + rest) & rest_mask;
	end = min_u64(end - bytes, at + most * bytes);
#pragma clang loop unroll(disable)
	for (; n < EXCHANGE_REPEATS; n++) {
		*place += bytes;
		at = *place;
		if (at > end || at > last)
			break;
		if ((load64(window + at) & mask[0]) != head[0] || (load64(window + at + 8) & mask[1]) != head[1] ||
		    (load64(window + at + 16) & mask[2]) != head[2] ||
		    (load64(window + at + rest) & rest_mask) != first)
			break;
	}
	*place = n;
	return *place;
}

#endif
