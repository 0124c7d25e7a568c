/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * window ──> classify ──> [protocol parser] ──> record: memcached, text, meta and binary commands (memcached's
 * doc/protocol.txt; "BinaryProtocolRevamped"). Pure; see exchange.h.
 *
 * Text is read token by token: up to a blank or the end of the line. A token of 16 bytes or more is nothing that
 * means something here (a key, mostly), whichever way it is cut; shorter ones are seen whole.
 *
 * A quiet request is answered by silence if all is well. That it is over shows when an answer comes that can't be its
 * own: EXCHANGE_SKIPPED.
 */
#ifndef TAPSTAT_PROTO_MEMCACHED_H
#define TAPSTAT_PROTO_MEMCACHED_H

#include "../operation_names.h"
#include "exchange.h"

/* Of both directions. */
enum memcached_state {
	MEMCACHED_MESSAGE,
	MEMCACHED_LINE, /* between two tokens: s->rq.count of them have passed, the first word not included */
	MEMCACHED_LONG, /* inside a long one */
	MEMCACHED_MORE, /* at another line, or binary message, of an answer */
	MEMCACHED_END,  /* behind all bytes of a message, or before a block that s->rq.left passes over */
};

/* s->rq.bits. */
enum memcached_bits {
	/* Asking: */
	MEMCACHED_NOREPLY = 1 << 0,
	MEMCACHED_QUIET = 1 << 1,
	MEMCACHED_VALUED = 1 << 2, /* mg: the value is asked for */
	/* Answering: */
	MEMCACHED_FAILED = 1 << 0,
	MEMCACHED_PART = 1 << 1, /* more lines of this answer follow */
	MEMCACHED_HIT = 1 << 2,
	MEMCACHED_LAST = 1 << 3, /* of an answer that tells values: those not told were not there */
	/* Both: */
	MEMCACHED_BLOCK = 1 << 4, /* a block of s->rq.word bytes follows the line */
	MEMCACHED_BINARY = 1 << 5,
	/* The token that tells the block's length: */
	MEMCACHED_LENGTH_0 = 1 << 6,
	MEMCACHED_LENGTH_2 = 1 << 7,
};

enum {
	/* asked_flags: in ASKED_A and ASKED_B the number of keys asked for, 0: none, or more than 3 */
	MEMCACHED_KEYS_SHIFT = 2,
	MEMCACHED_ASKED_VALUE = ASKED_A, /* of mg, whose keys need not be counted */
	MEMCACHED_KEYS_MAX = 3,
	MEMCACHED_SPAN = 32, /* bytes of a token that a step takes */
	MEMCACHED_OPCODES = 64,
	MEMCACHED_ASKS = 0x80, /* magic bytes of the binary protocol */
	MEMCACHED_ANSWERS = 0x81,
	MEMCACHED_OPCODE_STAT = 0x10,
	MEMCACHED_HEADER_REST = 8, /* of its header, behind the lookahead */
	MEMCACHED_BODY_MAX = 1 << 30,
};

/* ---- Binary: what an opcode is --------------------------------------------------------------------------------- */

enum memcached_opcode_bits {
	MEMCACHED_EXTRAS = 0x1f, /* bytes of extras */
	MEMCACHED_KEY = 1 << 5,
	MEMCACHED_VALUE = 1 << 6, /* may have one */
	MEMCACHED_KNOWN = 1 << 7,
};

struct memcached_opcode {
	__u16 operation;
	__u8 quiet;
	__u8 shape; /* enum memcached_opcode_bits of the request */
};

#define MEMCACHED_OPCODE(id, is_quiet, request_shape)                                 \
	{                                                                             \
		OPERATION_MEMCACHED_##id, is_quiet, MEMCACHED_KNOWN | (request_shape) \
	}

static __always_inline struct memcached_opcode memcached_opcode(__u8 opcode)
{
	static const struct memcached_opcode opcodes[MEMCACHED_OPCODES] = {
		[0x00] = MEMCACHED_OPCODE(GET, 0, MEMCACHED_KEY),
		[0x01] = MEMCACHED_OPCODE(SET, 0, 8 | MEMCACHED_KEY | MEMCACHED_VALUE),
		[0x02] = MEMCACHED_OPCODE(ADD, 0, 8 | MEMCACHED_KEY | MEMCACHED_VALUE),
		[0x03] = MEMCACHED_OPCODE(REPLACE, 0, 8 | MEMCACHED_KEY | MEMCACHED_VALUE),
		[0x04] = MEMCACHED_OPCODE(DELETE, 0, MEMCACHED_KEY),
		[0x05] = MEMCACHED_OPCODE(INCR, 0, 20 | MEMCACHED_KEY),
		[0x06] = MEMCACHED_OPCODE(DECR, 0, 20 | MEMCACHED_KEY),
		[0x07] = MEMCACHED_OPCODE(QUIT, 0, 0),
		[0x08] = MEMCACHED_OPCODE(FLUSH_ALL, 0, 4),
		[0x09] = MEMCACHED_OPCODE(GET, 1, MEMCACHED_KEY),
		[0x0a] = MEMCACHED_OPCODE(NOOP, 0, 0),
		[0x0b] = MEMCACHED_OPCODE(VERSION, 0, 0),
		[0x0c] = MEMCACHED_OPCODE(GET, 0, MEMCACHED_KEY),
		[0x0d] = MEMCACHED_OPCODE(GET, 1, MEMCACHED_KEY),
		[0x0e] = MEMCACHED_OPCODE(APPEND, 0, MEMCACHED_KEY | MEMCACHED_VALUE),
		[0x0f] = MEMCACHED_OPCODE(PREPEND, 0, MEMCACHED_KEY | MEMCACHED_VALUE),
		[0x10] = MEMCACHED_OPCODE(STATS, 0, 0),
		[0x11] = MEMCACHED_OPCODE(SET, 1, 8 | MEMCACHED_KEY | MEMCACHED_VALUE),
		[0x12] = MEMCACHED_OPCODE(ADD, 1, 8 | MEMCACHED_KEY | MEMCACHED_VALUE),
		[0x13] = MEMCACHED_OPCODE(REPLACE, 1, 8 | MEMCACHED_KEY | MEMCACHED_VALUE),
		[0x14] = MEMCACHED_OPCODE(DELETE, 1, MEMCACHED_KEY),
		[0x15] = MEMCACHED_OPCODE(INCR, 1, 20 | MEMCACHED_KEY),
		[0x16] = MEMCACHED_OPCODE(DECR, 1, 20 | MEMCACHED_KEY),
		[0x17] = MEMCACHED_OPCODE(QUIT, 1, 0),
		[0x18] = MEMCACHED_OPCODE(FLUSH_ALL, 1, 4),
		[0x19] = MEMCACHED_OPCODE(APPEND, 1, MEMCACHED_KEY | MEMCACHED_VALUE),
		[0x1a] = MEMCACHED_OPCODE(PREPEND, 1, MEMCACHED_KEY | MEMCACHED_VALUE),
		[0x1b] = MEMCACHED_OPCODE(VERBOSITY, 0, 4),
		[0x1c] = MEMCACHED_OPCODE(TOUCH, 0, 4 | MEMCACHED_KEY),
		[0x1d] = MEMCACHED_OPCODE(GAT, 0, 4 | MEMCACHED_KEY),
		[0x1e] = MEMCACHED_OPCODE(GAT, 1, 4 | MEMCACHED_KEY),
		[0x20] = MEMCACHED_OPCODE(SASL_LIST_MECHS, 0, 0),
		[0x21] = MEMCACHED_OPCODE(SASL_AUTH, 0, MEMCACHED_KEY | MEMCACHED_VALUE),
		[0x22] = MEMCACHED_OPCODE(SASL_STEP, 0, MEMCACHED_KEY | MEMCACHED_VALUE),
		[0x23] = MEMCACHED_OPCODE(GAT, 0, 4 | MEMCACHED_KEY),
		[0x24] = MEMCACHED_OPCODE(GAT, 1, 4 | MEMCACHED_KEY),
	};
	struct memcached_opcode found = opcodes[opcode & (MEMCACHED_OPCODES - 1)];

	if (opcode >= MEMCACHED_OPCODES || !found.shape)
		found = (struct memcached_opcode){.operation = OPERATION_MEMCACHED_OTHER};
	return found;
}

/* Operations are numbered in the order of their table. */
static __always_inline bool memcached_gets(__u32 operation)
{
	return operation - OPERATION_MEMCACHED_GET <= OPERATION_MEMCACHED_GATS - OPERATION_MEMCACHED_GET;
}

static __always_inline bool memcached_gats(__u32 operation)
{
	return operation - OPERATION_MEMCACHED_GAT <= OPERATION_MEMCACHED_GATS - OPERATION_MEMCACHED_GAT;
}

static __always_inline bool memcached_stores(__u32 operation)
{
	return operation - OPERATION_MEMCACHED_SET <= OPERATION_MEMCACHED_CAS - OPERATION_MEMCACHED_SET;
}

static __always_inline bool memcached_is_meta(__u32 operation)
{
	return operation - OPERATION_MEMCACHED_MN <= OPERATION_MEMCACHED_ME - OPERATION_MEMCACHED_MN;
}

/* ---- First bytes ----------------------------------------------------------------------------------------------- */

/* Whether some of the bytes are neither lower-case letters nor '_' (nor '`'). */
static __always_inline bool memcached_no_name(__u64 word)
{
	return ((word - 0x5f5f5f5f5f5f5f5fULL) | (word + 0x0505050505050505ULL) | word) & 0x8080808080808080ULL;
}

/* The same for what of a word is in the first n bytes. */
static __always_inline bool memcached_no_name_in(__u64 word, __u32 n)
{
	__u64 all = 0x6161616161616161ULL;

	return memcached_no_name(low_bytes(word ^ all, n) ^ all);
}

/*
 * A binary request as its opcode has it, or the name of a text command and what must follow it. Not those that other
 * line protocols know, too (quit, watch, shutdown), and none in capitals: HTTP, SMTP.
 */
static __always_inline enum starts memcached_starts(const __u8 *p, __u32 avail)
{
	__u32 n, operation, extras, key, body;
	struct memcached_opcode opcode;
	__u64 low, high, ends, ends_high;
	bool alone;

	if (p[0] == MEMCACHED_ASKS) {
		if (avail < LOOKAHEAD)
			return avail > 5 && p[5] ? STARTS_NOT : STARTS_SHORT;
		opcode = memcached_opcode(p[1]);
		key = p[2] << 8 | p[3];
		extras = opcode.shape & MEMCACHED_EXTRAS;
		body = __builtin_bswap32(load32(p + 8));
		if (!(opcode.shape & MEMCACHED_KNOWN) || p[5] || key > 250 || body > MEMCACHED_BODY_MAX ||
		    (p[4] != extras && (p[4] || opcode.operation != OPERATION_MEMCACHED_FLUSH_ALL)) ||
		    (!key && opcode.shape & MEMCACHED_KEY) || body < key + p[4] ||
		    (body > key + p[4] && !(opcode.shape & MEMCACHED_VALUE)) ||
		    (key && !(opcode.shape & MEMCACHED_KEY) && opcode.operation != OPERATION_MEMCACHED_STATS))
			return STARTS_NOT;
		return STARTS_ASKING;
	}
	low = load64(p);
	high = load64(p + 8);
	ends = match_byte(low, ' ') | match_byte(low, '\r');
	ends_high = match_byte(high, ' ') | match_byte(high, '\r');
	n = ends ? lowest_bit(ends) >> 3 : ends_high ? 8 + (lowest_bit(ends_high) >> 3) : 16;
	n = min_u64(n, avail);
	if (memcached_no_name_in(low, n) || memcached_no_name_in(high, n > 8 ? n - 8 : 0))
		return STARTS_NOT;
	if (n + 2 > avail)
		return avail < LOOKAHEAD ? STARTS_SHORT : STARTS_NOT;
	operation = operation_by_name(BACKEND_MEMCACHED, OPERATION_NONE, p, n);
	alone = p[n & 15] == '\r';
	if (alone ? p[(n & 15) + 1] != '\n' : p[(n & 15) + 1] <= ' ' && p[(n & 15) + 1] != '\r')
		return STARTS_NOT;
	switch (operation) {
	case OPERATION_MEMCACHED_MN:
	case OPERATION_MEMCACHED_VERSION:
		return alone ? STARTS_ASKING : STARTS_NOT;
	case OPERATION_MEMCACHED_STATS:
	case OPERATION_MEMCACHED_FLUSH_ALL:
		return STARTS_ASKING;
	case OPERATION_MEMCACHED_DELETE: /* beanstalkd knows these, too */
	case OPERATION_MEMCACHED_TOUCH:
	case OPERATION_NONE:
	case OPERATION_MEMCACHED_OTHER:
	case OPERATION_MEMCACHED_QUIT:
	case OPERATION_MEMCACHED_NOOP:
	case OPERATION_MEMCACHED_SHUTDOWN:
	case OPERATION_MEMCACHED_SASL_LIST_MECHS:
	case OPERATION_MEMCACHED_SASL_AUTH:
	case OPERATION_MEMCACHED_SASL_STEP:
	case OPERATION_MEMCACHED_WATCH:
		return STARTS_NOT;
	default:
		return alone ? STARTS_NOT : STARTS_ASKING;
	}
}

/*
 * In mid-stream: bytes of a value may look like a name. A command about a key, and a key or a number behind it whose
 * first bytes are printable ASCII.
 */
static __always_inline enum starts memcached_starts_joined(const __u8 *p, __u32 avail)
{
	enum starts starts = memcached_starts(p, avail);
	__u64 low = load64(p), high = load64(p + 8), controls = low, high_bits = 0x8080808080808080ULL;

	spare_stack();
	if (starts != STARTS_ASKING || p[0] == MEMCACHED_ASKS)
		return starts;
	if (avail < LOOKAHEAD) {
		low = low_bytes(low ^ 0x6161616161616161ULL, avail) ^ 0x6161616161616161ULL;
		high = low_bytes(high ^ 0x6161616161616161ULL, avail > 8 ? avail - 8 : 0) ^ 0x6161616161616161ULL;
	}
	/* Of the control characters those that end lines may be there (and their two neighbours). */
	controls = ((low - 0x0a0a0a0a0a0a0a0aULL) & ~low) | ((high - 0x0a0a0a0a0a0a0a0aULL) & ~high) | low | high;
	if (controls & high_bits)
		return STARTS_NOT;
	switch (p[0] | p[1] << 8) {
	case 'v' | 'e' << 8: /* version, verbosity */
	case 's' | 't' << 8: /* stats */
	case 's' | 'l' << 8: /* slabs */
	case 'l' | 'r' << 8: /* lru */
	case 'f' | 'l' << 8: /* flush_all */
		return STARTS_NOT;
	default:
		return STARTS_ASKING;
	}
}

/* ---- Text ------------------------------------------------------------------------------------------------------ */

struct memcached_token {
	__u32 bytes; /* 0: none yet, or empty */
	bool ends_line;
	bool is_long; /* its bytes, as far as they are seen, are not all of it */
};

/* One token and the byte behind it, or a part of a long one. */
static __always_inline enum verdict memcached_token(struct stream *s, const __u8 *p, struct exchange *x,
						    struct memcached_token *token)
{
	__u32 n = 0;
	__u64 ends;

	*token = (struct memcached_token){};
	ends = match_byte(load64(p), ' ') | match_byte(load64(p), '\n');
	if (!ends) {
		n = 8;
		ends = match_byte(load64(p + 8), ' ') | match_byte(load64(p + 8), '\n');
	}
	if (!ends) {
		n = 16;
		ends = match_byte(load64(p + 16), ' ') | match_byte(load64(p + 16), '\n');
	}
	if (!ends) {
		n = 24;
		ends = match_byte(load64(p + 24), ' ') | match_byte(load64(p + 24), '\n');
	}
	n = ends ? n + (lowest_bit(ends) >> 3) : MEMCACHED_SPAN;
	if (n >= x->avail || n >= MEMCACHED_SPAN) {
		if (s->rq.state != MEMCACHED_LONG && x->avail < LOOKAHEAD)
			return INCOMPLETE;
		x->consumed = min_u64(x->avail, MEMCACHED_SPAN);
		token->is_long = true;
		s->rq.state = MEMCACHED_LONG;
		return CONSUMED;
	}
	token->is_long = s->rq.state == MEMCACHED_LONG || n >= LOOKAHEAD;
	token->ends_line = p[n & (MEMCACHED_SPAN - 1)] == '\n';
	token->bytes = n - (token->ends_line && n && p[(n - 1) & (MEMCACHED_SPAN - 1)] == '\r');
	x->consumed = n + 1;
	s->rq.state = MEMCACHED_LINE;
	return CONSUMED;
}

/* A first word that is long counts as a token, since it does if it is cut. */
static __always_inline __u32 memcached_counts_name(const struct stream *s, const struct memcached_token *token)
{
	return token->is_long && s->rq.state == MEMCACHED_LINE;
}

/* The token is a length: a block of so many bytes follows the line. */
static __always_inline void memcached_length(struct stream *s, const __u8 *p, const struct memcached_token *token)
{
	__u64 low = load64(p), high = load64(p + 8), value;
	__u32 digits = token->bytes, more = digits > 8 ? digits - 8 : 0;

	if (token->is_long || !digits || more > 2)
		return;
	digits -= more;
	if ((low_bytes(((low ^ 0x3030303030303030ULL) + 0x7676767676767676ULL) | low, digits) |
	     low_bytes(((high ^ 0x3030303030303030ULL) + 0x7676767676767676ULL) | high, more)) &
	    0x8080808080808080ULL)
		return;
	value = decimal(low, digits);
	if (more)
		value = value * (more == 2 ? 100 : 10) + decimal(high, more);
	if (value > MEMCACHED_BODY_MAX)
		return;
	s->rq.word = value;
	s->rq.bits |= MEMCACHED_BLOCK;
}

static __always_inline void memcached_line_ends(struct stream *s)
{
	if (s->rq.bits & MEMCACHED_BLOCK)
		s->rq.left = (__u64)s->rq.word + 2;
	s->rq.state = MEMCACHED_END;
}

static __always_inline bool memcached_is_noreply(__u64 word)
{
	return word ==
	       ('n' | 'o' << 8 | 'r' << 16 | 'e' << 24 | (__u64)'p' << 32 | (__u64)'l' << 40 | (__u64)'y' << 48);
}

/* ---- Requests -------------------------------------------------------------------------------------------------- */

/* A token behind the command's name. */
static __always_inline void memcached_argument(struct stream *s, const __u8 *p, const struct memcached_token *token)
{
	__u32 operation = s->rq.operation, number = s->rq.count++;

	if (memcached_gets(operation))
		return;
	if (memcached_stores(operation) ? number == 3 : operation == OPERATION_MEMCACHED_MS && number == 1)
		memcached_length(s, p, token);
	if (memcached_is_meta(operation)) {
		if (number && p[0] == 'q' && token->bytes == 1 && !token->is_long)
			s->rq.bits |= MEMCACHED_QUIET;
		if (number && p[0] == 'v' && token->bytes == 1 && !token->is_long)
			s->rq.bits |= MEMCACHED_VALUED;
		return;
	}
	s->rq.bits &= ~MEMCACHED_NOREPLY; /* only the last one counts, and never a key; what is unknown is an error */
	if (token->bytes == 7 && !token->is_long && memcached_is_noreply(low_bytes(load64(p), 7)) &&
	    (number || operation == OPERATION_MEMCACHED_FLUSH_ALL) && operation != OPERATION_MEMCACHED_OTHER)
		s->rq.bits |= MEMCACHED_NOREPLY;
}

static __always_inline enum verdict memcached_request(struct stream *s, struct queue *q, const __u8 *p,
						      struct exchange *x)
{
	bool begins = s->rq.state == MEMCACHED_MESSAGE;
	struct memcached_opcode opcode;
	struct memcached_token token;
	__u8 first = p[0];
	__u32 body;

	if (begins && first == MEMCACHED_ASKS) {
		if (x->avail < LOOKAHEAD)
			return INCOMPLETE;
		opcode = memcached_opcode(p[1]);
		body = __builtin_bswap32(load32(p + 8));
		if (body > MEMCACHED_BODY_MAX || p[5])
			return MALFORMED;
		x->consumed = LOOKAHEAD;
		s->rq.left = (__u64)body + MEMCACHED_HEADER_REST;
		s->rq.operation = opcode.operation;
		s->rq.count = 0;
		s->rq.bits = MEMCACHED_BINARY | (opcode.quiet ? MEMCACHED_QUIET : 0);
		s->rq.state = MEMCACHED_END;
		return CONSUMED;
	}
	if (begins && ((first | 0x20) < 'a' || (first | 0x20) > 'z') && first != '\r' && first != '\n')
		return MALFORMED;
	if (memcached_token(s, p, x, &token) == INCOMPLETE)
		return INCOMPLETE;
	if (begins) {
		s->rq.operation = OPERATION_MEMCACHED_OTHER;
		if (!token.is_long && first >= 'a') /* the server minds the case */
			s->rq.operation =
				operation_by_name(BACKEND_MEMCACHED, OPERATION_MEMCACHED_OTHER, p, token.bytes);
		s->rq.count = memcached_counts_name(s, &token);
		s->rq.bits = 0;
	} else if (s->rq.state == MEMCACHED_LINE && (token.bytes || token.is_long)) {
		memcached_argument(s, p, &token);
	}
	if (token.ends_line)
		memcached_line_ends(s);
	return CONSUMED;
}

static __always_inline void memcached_request_passed(struct stream *s, struct queue *q, struct exchange *x)
{
	__u32 operation = s->rq.operation, keys = 0;

	if (s->rq.state != MEMCACHED_END)
		return;
	s->rq.state = MEMCACHED_MESSAGE;
	exchange_event(x, EXCHANGE_ASKED, operation);
	if (memcached_gets(operation))
		keys = s->rq.count - memcached_gats(operation); /* those that touch have a time before the keys */
	if (keys <= MEMCACHED_KEYS_MAX)
		x->flags = keys << MEMCACHED_KEYS_SHIFT;
	if (s->rq.bits & MEMCACHED_QUIET)
		x->flags |= ASKED_QUIET;
	if (operation == OPERATION_MEMCACHED_MG && s->rq.bits & MEMCACHED_VALUED)
		x->flags |= MEMCACHED_ASKED_VALUE;
	if (s->rq.bits & MEMCACHED_BINARY) {
		if (operation == OPERATION_MEMCACHED_QUIT) /* clients do not wait for its answer */
			x->event = EXCHANGE_ASKED_ONLY;
		return;
	}
	if (s->rq.bits & MEMCACHED_NOREPLY || operation == OPERATION_MEMCACHED_QUIT)
		x->event = EXCHANGE_ASKED_ONLY;
	if (operation_flags(operation) & OPERATION_HIDES)
		x->event = EXCHANGE_HIDDEN;
}

/* ---- Answers --------------------------------------------------------------------------------------------------- */

/* The quiet request that is the oldest was answered by silence. */
static __always_inline enum verdict memcached_skip(struct exchange *x)
{
	x->consumed = 0;
	x->misses = x->asked == OPERATION_MEMCACHED_MG || memcached_gets(x->asked);
	exchange_answer(x, EXCHANGE_SKIPPED, false);
	return CONSUMED;
}

static __always_inline enum verdict memcached_binary_answer(struct stream *s, const __u8 *p, struct exchange *x)
{
	struct memcached_opcode opcode = memcached_opcode(p[1]);
	__u32 body = __builtin_bswap32(load32(p + 8)), status = p[6] << 8 | p[7];

	if (x->avail < LOOKAHEAD)
		return INCOMPLETE;
	if (body > MEMCACHED_BODY_MAX)
		return MALFORMED;
	if (s->rq.state == MEMCACHED_MESSAGE && x->asked_flags & ASKED_QUIET &&
	    (!opcode.quiet || opcode.operation != x->asked))
		return memcached_skip(x);
	s->rq.bits = MEMCACHED_BINARY;
	s->rq.operation = 0;
	switch (status) {
	case 0x00: /* no error */
		if (memcached_gets(opcode.operation))
			s->rq.bits |= MEMCACHED_HIT;
		if (p[1] == MEMCACHED_OPCODE_STAT && (p[2] | p[3])) /* the last one has no key */
			s->rq.bits |= MEMCACHED_PART;
		break;
	case 0x01: /* not found */
		if (memcached_gets(opcode.operation))
			s->rq.bits |= MEMCACHED_LAST;
		break;
	case 0x02: /* exists */
	case 0x05: /* not stored */
	case 0x21: /* authentication goes on */
		break;
	default:
		s->rq.bits |= MEMCACHED_FAILED;
	}
	x->consumed = LOOKAHEAD;
	s->rq.left = (__u64)body + MEMCACHED_HEADER_REST;
	s->rq.state = MEMCACHED_END;
	return CONSUMED;
}

#define MEMCACHED_WORD(a, b, c, d) ((__u32)(a) | (__u32)(b) << 8 | (__u32)(c) << 16 | (__u32)(d) << 24)

/* What the first word of a line, of which at most four bytes are given, says. */
static __always_inline __u32 memcached_word_bits(__u32 word)
{
	switch (word) {
	case MEMCACHED_WORD('E', 'R', 'R', 'O'):
	case MEMCACHED_WORD('C', 'L', 'I', 'E'):
	case MEMCACHED_WORD('S', 'E', 'R', 'V'):
		return MEMCACHED_FAILED;
	case MEMCACHED_WORD('V', 'A', 'L', 'U'):
		return MEMCACHED_PART | MEMCACHED_HIT | MEMCACHED_LENGTH_2;
	case MEMCACHED_WORD('S', 'T', 'A', 'T'):
	case MEMCACHED_WORD('I', 'T', 'E', 'M'): /* stats cachedump */
	case MEMCACHED_WORD('P', 'R', 'E', 'F'): /* stats detail dump */
	case MEMCACHED_WORD('k', 'e', 'y', '='): /* lru_crawler metadump */
	case MEMCACHED_WORD('m', 'g', 0, 0):     /* lru_crawler mgdump */
		return MEMCACHED_PART;
	case MEMCACHED_WORD('E', 'N', 'D', 0):
	case MEMCACHED_WORD('E', 'N', 0, 0):
		return MEMCACHED_LAST;
	case MEMCACHED_WORD('V', 'A', 0, 0):
		return MEMCACHED_LENGTH_0;
	default:
		return 0;
	}
}

/* Whether the line that begins with `word` can answer a quiet request: all that is no news is left out. */
static __always_inline bool memcached_breaks_silence(__u32 word, __u32 asked, bool valued)
{
	switch (word) {
	case MEMCACHED_WORD('E', 'R', 'R', 'O'):
	case MEMCACHED_WORD('C', 'L', 'I', 'E'):
	case MEMCACHED_WORD('S', 'E', 'R', 'V'):
		return true;
	case MEMCACHED_WORD('V', 'A', 0, 0):
		return asked == OPERATION_MEMCACHED_MG && valued;
	case MEMCACHED_WORD('H', 'D', 0, 0):
		return asked == OPERATION_MEMCACHED_MG && !valued;
	case MEMCACHED_WORD('N', 'F', 0, 0):
	case MEMCACHED_WORD('N', 'S', 0, 0):
	case MEMCACHED_WORD('E', 'X', 0, 0):
		return asked == OPERATION_MEMCACHED_MS || asked == OPERATION_MEMCACHED_MD ||
		       asked == OPERATION_MEMCACHED_MA;
	case MEMCACHED_WORD('M', 'E', 0, 0):
		return asked == OPERATION_MEMCACHED_ME;
	default:
		return false;
	}
}

static __always_inline enum verdict memcached_answer(struct stream *s, struct queue *q, const __u8 *p,
						     struct exchange *x)
{
	bool answers = s->rq.state == MEMCACHED_MESSAGE, begins = answers || s->rq.state == MEMCACHED_MORE;
	struct memcached_token token;
	__u8 first = p[0];
	__u32 word;

	if (begins && first == MEMCACHED_ANSWERS)
		return memcached_binary_answer(s, p, x);
	if (begins && (first < '0' || first > '9') && (first < 'A' || first > 'Z') && first != 'k' && first != 'm')
		return MALFORMED;
	if (memcached_token(s, p, x, &token) == INCOMPLETE)
		return INCOMPLETE;
	if (begins) {
		word = token.is_long ? load32(p) : low_bytes(load32(p), token.bytes < 4 ? token.bytes : 4);
		if (answers && x->asked_flags & ASKED_QUIET &&
		    !memcached_breaks_silence(word, x->asked, x->asked_flags & MEMCACHED_ASKED_VALUE)) {
			s->rq.state = MEMCACHED_MESSAGE;
			return memcached_skip(x);
		}
		if (answers)
			s->rq.operation = 0;
		s->rq.bits = memcached_word_bits(word);
		if (x->asked == OPERATION_MEMCACHED_MG &&
		    (s->rq.bits & MEMCACHED_LENGTH_0 || word == MEMCACHED_WORD('H', 'D', 0, 0)))
			s->rq.bits |= MEMCACHED_HIT;
		s->rq.count = memcached_counts_name(s, &token);
	} else if (s->rq.state == MEMCACHED_LINE && (token.bytes || token.is_long)) {
		if ((s->rq.bits & MEMCACHED_LENGTH_0 && !s->rq.count) ||
		    (s->rq.bits & MEMCACHED_LENGTH_2 && s->rq.count == 2))
			memcached_length(s, p, &token);
		s->rq.count++;
	}
	if (token.ends_line)
		memcached_line_ends(s);
	return CONSUMED;
}

static __always_inline enum verdict memcached_message(struct stream *s, struct queue *q, const __u8 *p,
						      struct exchange *x)
{
	return x->asks ? memcached_request(s, q, p, x) : memcached_answer(s, q, p, x);
}

/* s->rq.operation holds the hits of the answer so far. */
static __always_inline void memcached_answer_passed(struct stream *s, struct queue *q, struct exchange *x)
{
	__u32 keys = x->asked == OPERATION_MEMCACHED_MG ? 1 : x->asked_flags >> MEMCACHED_KEYS_SHIFT,
	      hits = s->rq.operation;

	if (s->rq.state != MEMCACHED_END)
		return;
	s->rq.state = MEMCACHED_MESSAGE;
	if (s->rq.bits & MEMCACHED_HIT) {
		x->hits = 1;
		hits++;
	}
	if (s->rq.bits & MEMCACHED_PART) {
		s->rq.operation = hits < MEMCACHED_KEYS_MAX ? hits : MEMCACHED_KEYS_MAX;
		s->rq.state = MEMCACHED_MORE;
		return;
	}
	if (s->rq.bits & MEMCACHED_LAST)
		x->misses = s->rq.bits & MEMCACHED_BINARY ? 1 : keys > hits ? keys - hits : 0;
	exchange_answer(x, EXCHANGE_ANSWERED, s->rq.bits & MEMCACHED_FAILED);
}

#endif
