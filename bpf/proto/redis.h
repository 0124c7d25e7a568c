/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * window ──> classify ──> [protocol parser] ──> record: Redis, RESP2 and RESP3 (redis.io, "Redis serialization
 * protocol specification"). Pure; see exchange.h.
 *
 * A request is an array of bulk strings, or a line (an inline command). An answer is one value, aggregates with all
 * that is in them; one count of the values still to come serves however deep they are nested.
 */
#ifndef TAPSTAT_PROTO_REDIS_H
#define TAPSTAT_PROTO_REDIS_H

#include "../operation_names.h"
#include "exchange.h"

enum redis_request_state {
	REDIS_REQUEST, /* at the array's header, or at a line */
	REDIS_NAME,    /* at the header of the command's name */
	REDIS_NAME_TEXT,
	REDIS_ARGUMENT,      /* at the header of an argument */
	REDIS_ARGUMENT_TEXT, /* at an argument of CLIENT, which may be REPLY and what it says */
	REDIS_PASSING,       /* behind a name or an argument: s->rq.count of them are left, this one included */
	REDIS_KEY,           /* in the first argument: s->rq.word bytes of it are left */
	REDIS_INLINE,        /* in an inline command, behind its name */
};

enum redis_answer_state {
	REDIS_ANSWER,  /* at a value that answers */
	REDIS_ELEMENT, /* at one inside of it: s->rq.count of them are left */
	REDIS_LINE,    /* in the line of a simple value */
	REDIS_VALUE,   /* behind a value */
};

/* s->rq.bits of the asking direction; inline commands: whether the line asks anything. */
enum { REDIS_KEY_WANTED = 1 }; /* the next argument is to be shown */

/* s->rq.bits of the answering direction. */
enum redis_answer_bits {
	REDIS_FAILED = 1 << 0,
	REDIS_UNASKED = 1 << 1, /* a push: nothing is answered by it */
	REDIS_TELLS = 1 << 2,   /* its first element says what it is */
	REDIS_EACH = 1 << 3,    /* its elements are cached values or none */
};

/* q->told of the asking direction. */
enum redis_told {
	REDIS_SUBSCRIBED = 1 << 0,
	REDIS_SILENT = 1 << 1,      /* CLIENT REPLY OFF: nothing is answered */
	REDIS_SILENT_NEXT = 1 << 2, /* CLIENT REPLY SKIP: the next one is not */
	REDIS_REPLY = 1 << 3,       /* the request in progress is CLIENT REPLY */
};

/* A header: a type, a number, CR LF. */
struct redis_header {
	__u64 value;
	__u32 bytes; /* 0: incomplete, or no header */
	bool negative;
	bool wrong;
};

enum { REDIS_HEADER_DIGITS = 13 }; /* in a lookahead: more than any length, and most numbers */

static __always_inline struct redis_header redis_header(const __u8 *p, __u32 avail, bool last)
{
	static const __u64 powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
	struct redis_header header = {};
	__u64 low, high, wrong_low, wrong_high;
	__u32 digits, sign = p[1] == '-', more;

	low = load64(p + 1 + sign);
	high = load64(p + 9 - 1 + sign); /* one byte of overlap keeps it in the lookahead */
	if (match_byte(low, '\r')) {
		digits = lowest_bit(match_byte(low, '\r')) >> 3;
	} else if (match_byte(high, '\r')) {
		digits = 7 + (lowest_bit(match_byte(high, '\r')) >> 3);
	} else {
		header.wrong = avail >= LOOKAHEAD || !last;
		return header;
	}
	header.bytes = 1 + sign + digits + 2;
	if (header.bytes > avail) {
		header.bytes = 0;
		header.wrong = avail >= LOOKAHEAD || !last;
		return header;
	}
	more = digits > 7 ? digits - 7 : 0;
	digits -= more;
	wrong_low = low_bytes(no_digits(low), digits);
	wrong_high = low_bytes(no_digits(high), more);
	header.wrong = wrong_low || wrong_high || !digits;
	header.negative = sign;
	header.value = decimal(low, digits);
	if (more)
		header.value = header.value * powers[more & 7] + decimal(high, more & 7);
	return header;
}

/* ---- First bytes ----------------------------------------------------------------------------------------------- */

static __always_inline bool is_digit(__u8 c)
{
	return c >= '0' && c <= '9';
}

/* An array of bulk strings, or the one inline command that nothing else begins with. */
static __always_inline enum starts redis_starts(const __u8 *p, __u32 avail)
{
	__u32 at = 2;

	if (load32(p) == ('P' | 'I' << 8 | 'N' << 16 | 'G' << 24) && avail >= 4)
		return avail < 6 ? STARTS_SHORT : p[4] == '\r' && p[5] == '\n' ? STARTS_ASKING : STARTS_NOT;
	if (p[0] != '*' || (avail > 1 && (p[1] < '1' || p[1] > '9')))
		return STARTS_NOT;
#pragma clang loop unroll(full)
	for (int i = 0; i < 5; i++)
		at += at == 2U + i && is_digit(p[2 + i]);
	if (avail < at + 3)
		return STARTS_SHORT;
	return p[at] == '\r' && p[at + 1] == '\n' && p[at + 2] == '$' ? STARTS_ASKING : STARTS_NOT;
}

/* In mid-stream an array alone is evidence enough. */
static __always_inline enum starts redis_starts_joined(const __u8 *p, __u32 avail)
{
	return p[0] == '*' ? redis_starts(p, avail) : STARTS_NOT;
}

/* ---- Requests -------------------------------------------------------------------------------------------------- */

static __always_inline void redis_named(struct stream *s, struct queue *q, struct exchange *x, __u32 operation)
{
	s->rq.operation = operation;
	s->rq.bits = x->wants_keys && (operation_flags(operation) & OPERATION_LENGTH) ? REDIS_KEY_WANTED : 0;
	exchange_key_clear(&x->key);
	if (operation_flags(operation) & OPERATION_SUBSCRIBE)
		q->told[0] |= REDIS_SUBSCRIBED;
}

/* The header of the first or second argument, `bytes` long and at `at`, is among what decides about a request. */
static __always_inline void redis_argument_alike(struct exchange_alike *alike, __u32 at, __u32 bytes, bool second)
{
	if (!alike->head)
		return;
	if (!second) {
		alike->head = at + bytes <= 24 ? at + bytes : 0;
	} else {
		alike->at = at;
		alike->bytes = bytes;
		if (bytes > 8 || at > 127)
			alike->head = 0;
	}
}

/* Takes the header of the next argument, too, where it can be seen: a step less. */
static __always_inline void redis_argument_seen(struct stream *s, const __u8 *p, struct exchange *x, bool second)
{
	__u64 at = x->consumed + s->rq.left;
	struct redis_header header;

	if (s->rq.count < 2 || at + LOOKAHEAD > x->avail)
		return;
	opaque(at);
	if (at > LOOK_BYTES - LOOKAHEAD)
		return;
	clamp_mask(at, 255);
	header = redis_header(p + at, LOOKAHEAD, false);
	if (!header.bytes || header.wrong || header.negative || p[at] != '$')
		return;
	redis_argument_alike(&x->alike, at, header.bytes, second);
	s->rq.count--;
	x->consumed = at + header.bytes;
	s->rq.left = header.value + 2;
}

/* "$L", CR LF, and the name if it can be seen. */
static __always_inline enum verdict redis_name(struct stream *s, struct queue *q, const __u8 *p, struct exchange *x)
{
	__u64 at = x->consumed, name;
	__u32 avail = x->avail - at, bytes;
	struct redis_header header;

	opaque(at);
	if (at > LOOK_BYTES - 16 - 16 - 8)
		return MALFORMED;
	clamp_mask(at, 31);
	p += at;
	header = redis_header(p, avail, x->avail == x->left);
	if (!header.bytes || header.wrong || header.negative || p[0] != '$')
		return header.wrong || (header.bytes && p[0] != '$') || header.negative ? MALFORMED : INCOMPLETE;
	if (header.value > 0xffffffff)
		return MALFORMED;
	bytes = header.value;
	x->consumed = at + header.bytes;
	if (bytes > 16 || avail < header.bytes + bytes) {
		s->rq.word = bytes;
		s->rq.state = REDIS_NAME_TEXT;
		return CONSUMED;
	}
	name = header.bytes;
	clamp_mask(name, 15);
	redis_named(s, q, x, operation_by_name(BACKEND_REDIS, OPERATION_REDIS_OTHER, p + name, bytes));
	s->rq.left = bytes + 2;
	s->rq.state = REDIS_PASSING;
	if (s->rq.operation != OPERATION_REDIS_CLIENT && !(operation_flags(s->rq.operation) & OPERATION_LENGTH)) {
		x->alike = (struct exchange_alike){.head = at && x->consumed + bytes <= 24 ? x->consumed + bytes : 0};
		redis_argument_seen(s, p - at, x, false);
		redis_argument_seen(s, p - at, x, true);
	}
	return CONSUMED;
}

/* An argument of CLIENT: which of its requests get an answer. */
static __always_inline void redis_reply_mode(struct queue *q, __u64 word)
{
	const __u64 off = 'o' | 'f' << 8 | 'f' << 16, on = 'o' | 'n' << 8;
	const __u64 skip = 's' | 'k' << 8 | 'i' << 16 | (__u64)'p' << 24;
	const __u64 reply = 'r' | 'e' << 8 | 'p' << 16 | (__u64)'l' << 24 | (__u64)'y' << 32;

	if (word == reply)
		q->told[0] |= REDIS_REPLY;
	else if (!(q->told[0] & REDIS_REPLY))
		return;
	else if (word == off)
		q->told[0] |= REDIS_SILENT;
	else if (word == on)
		q->told[0] &= ~(REDIS_SILENT | REDIS_SILENT_NEXT);
	else if (word == skip)
		q->told[0] |= REDIS_SILENT_NEXT;
}

static __always_inline enum verdict redis_request(struct stream *s, struct queue *q, const __u8 *p,
						  struct exchange *x)
{
	bool last = x->avail == x->left;
	struct redis_header header;
	__u32 n, end;

	switch (s->rq.state) {
	case REDIS_REQUEST:
		if (p[0] != '*') {
			__u64 low = load64(p), high = load64(p + 8), ends, ends_high;

			/* The name of an inline command ends at a space or at the end of its line. */
			ends = match_byte(low, ' ') | match_byte(low, '\r') | match_byte(low, '\n');
			ends_high = match_byte(high, ' ') | match_byte(high, '\r') | match_byte(high, '\n');
			n = ends ? lowest_bit(ends) >> 3 : ends_high ? 8 + (lowest_bit(ends_high) >> 3) : 16;
			if (n >= x->avail && x->avail < LOOKAHEAD && last)
				return INCOMPLETE;
			n = n < x->avail ? n : x->avail;
			if (n) {
				if ((p[0] | 0x20) < 'a' || (p[0] | 0x20) > 'z')
					return MALFORMED;
				redis_named(s, q, x, operation_by_name(BACKEND_REDIS, OPERATION_REDIS_OTHER, p, n));
			}
			s->rq.bits = n != 0; /* an empty line asks nothing */
			x->consumed = n;
			s->rq.state = REDIS_INLINE;
			return CONSUMED;
		}
		header = redis_header(p, x->avail, last);
		if (!header.bytes || header.wrong)
			return header.wrong ? MALFORMED : INCOMPLETE;
		x->consumed = header.bytes;
		if (header.negative || !header.value) /* asks nothing */
			return CONSUMED;
		if (header.value > 1 << 30)
			return MALFORMED;
		s->rq.count = header.value;
		s->rq.state = REDIS_NAME;
		if (x->avail < x->consumed + 24)
			return CONSUMED;
		return redis_name(s, q, p, x);
	case REDIS_NAME:
		return redis_name(s, q, p, x);
	case REDIS_NAME_TEXT:
		n = s->rq.word < 16 ? s->rq.word : 16;
		if (x->avail < n)
			return INCOMPLETE;
		redis_named(s, q, x, operation_by_name(BACKEND_REDIS, OPERATION_REDIS_OTHER, p, s->rq.word));
		s->rq.left = (__u64)s->rq.word + 2;
		s->rq.state = REDIS_PASSING;
		return CONSUMED;
	case REDIS_ARGUMENT:
		header = redis_header(p, x->avail, last);
		if (!header.bytes || header.wrong || header.negative || p[0] != '$')
			return header.wrong || header.bytes ? MALFORMED : INCOMPLETE;
		x->consumed = header.bytes;
		s->rq.state = REDIS_PASSING;
		s->rq.left = header.value + 2;
		if (unlikely(s->rq.operation == OPERATION_REDIS_CLIENT && header.value <= 5)) {
			s->rq.left = 0;
			s->rq.word = header.value;
			s->rq.state = REDIS_ARGUMENT_TEXT;
		}
		if (unlikely(s->rq.bits)) {
			s->rq.bits = 0;
			if (header.value && header.value < EXCHANGE_KEY_BYTES) {
				x->key.want = s->rq.word = header.value;
				s->rq.left = 0;
				s->rq.state = REDIS_KEY;
			}
		}
		return CONSUMED;
	case REDIS_ARGUMENT_TEXT:
		if (x->avail < s->rq.word)
			return INCOMPLETE;
		redis_reply_mode(q, low_bytes((load64(p) | LOWER_CASE), s->rq.word & 7));
		s->rq.left = (__u64)s->rq.word + 2;
		s->rq.state = REDIS_PASSING;
		return CONSUMED;
	case REDIS_KEY:
		n = s->rq.word < x->avail ? s->rq.word : x->avail;
		x->consumed = n = exchange_key_add(&x->key, p, n);
		s->rq.word -= n;
		if (s->rq.word)
			return CONSUMED;
		s->rq.left = 2;
		s->rq.state = REDIS_PASSING;
		if (x->key.whole)
			exchange_event(x, EXCHANGE_KEY, s->rq.operation);
		return CONSUMED;
	default: /* REDIS_INLINE */
		end = match_byte(load64(p), '\n') ? lowest_bit(match_byte(load64(p), '\n')) >> 3 : 8;
		n = x->avail < 8 ? x->avail : 8;
		x->consumed = end < n ? end + 1 : n;
		if (end < n) {
			s->rq.count = s->rq.bits;
			s->rq.state = s->rq.bits ? REDIS_PASSING : REDIS_REQUEST;
			s->rq.bits = 0;
		}
		return CONSUMED;
	}
}

static __always_inline void redis_request_passed(struct stream *s, struct queue *q, struct exchange *x)
{
	if (s->rq.state != REDIS_PASSING)
		return;
	s->rq.count--;
	s->rq.state = REDIS_ARGUMENT;
	if (s->rq.count)
		return;
	s->rq.state = REDIS_REQUEST;
	exchange_event(x, q->told[0] & (REDIS_SILENT | REDIS_SILENT_NEXT) ? EXCHANGE_ASKED_ONLY : EXCHANGE_ASKED,
		       s->rq.operation);
	if (!(q->told[0] & REDIS_REPLY)) /* else SKIP itself, which is not answered, either */
		q->told[0] &= ~REDIS_SILENT_NEXT;
	q->told[0] &= ~REDIS_REPLY;
	if (operation_flags(s->rq.operation) & OPERATION_HIDES)
		x->event = EXCHANGE_HIDDEN;
}

/* ---- Answers --------------------------------------------------------------------------------------------------- */

/* Whether what a message of a subscriber says of itself makes it the answer to a request. */
static __always_inline bool redis_tells_answer(__u64 word, bool asked_subscribe)
{
	switch (word & 0xffffffff) {
	case 'm' | 'e' << 8 | 's' << 16 | 's' << 24: /* message, and those of patterns and shards */
	case 'p' | 'm' << 8 | 'e' << 16 | 's' << 24:
	case 's' | 'm' << 8 | 'e' << 16 | 's' << 24:
	case 'i' | 'n' << 8 | 'v' << 16 | 'a' << 24: /* invalidate */
		return false;
	case 'p' | 'o' << 8 | 'n' << 16 | 'g' << 24:
		return true;
	default: /* subscribe and the like: one for each channel, the first is the answer */
		return asked_subscribe;
	}
}

/* A value begins. */
static __always_inline void redis_value(struct stream *s, bool top, bool unasked)
{
	s->rq.bits = top ? 0 : (s->rq.bits & ~REDIS_TELLS) | (unasked ? REDIS_UNASKED : 0);
	s->rq.count = top ? 0 : s->rq.count - 1;
}

/* A value whose header is at `p`. */
static __always_inline enum verdict redis_answer(struct stream *s, struct queue *q, const __u8 *p, struct exchange *x)
{
	bool top = s->rq.state == REDIS_ANSWER, last = x->avail == x->left, none = false, unasked = false;
	__u32 flags = operation_flags(x->asked), n;
	struct redis_header header;
	__u64 ends;
	__u8 type = p[0];

	if (s->rq.state == REDIS_LINE) {
		ends = match_byte(load64(p), '\n');
		n = x->avail < 8 ? x->avail : 8;
		x->consumed = n;
		if (ends && (lowest_bit(ends) >> 3) < n) {
			x->consumed = (lowest_bit(ends) >> 3) + 1;
			s->rq.state = REDIS_VALUE;
		}
		return CONSUMED;
	}
	if (s->rq.bits & REDIS_TELLS) { /* "$L", CR LF, a word */
		if (x->avail < 12 && last)
			return INCOMPLETE;
		unasked = !redis_tells_answer(load64(p + (p[2] == '\r' ? 4 : 5)) | LOWER_CASE,
					      flags & OPERATION_SUBSCRIBE);
	}
	switch (type) {
	case '+':
	case '-':
	case ',':
	case '#':
	case '(':
		redis_value(s, top, unasked);
		s->rq.bits |= top && type == '-' ? REDIS_FAILED : 0;
		x->consumed = 1;
		s->rq.state = REDIS_LINE;
		ends = match_byte(load64(p), '\n');
		n = (lowest_bit(ends) >> 3) + 1;
		if (ends && n <= x->avail) { /* "+OK" */
			x->consumed = n;
			s->rq.state = REDIS_VALUE;
			x->alike = (struct exchange_alike){.head = top ? n : 0};
		}
		return CONSUMED;
	case ':':
	case '_':
	case '$':
	case '=':
	case '!':
	case '*':
	case '~':
	case '%':
	case '|':
	case '>':
		break;
	default:
		return MALFORMED;
	}
	if (type == '_') {
		if (x->avail < 3)
			return last ? INCOMPLETE : MALFORMED;
		x->consumed = 3;
		none = true;
		header.value = 0;
	} else {
		header = redis_header(p, x->avail, last);
		if (!header.bytes || header.wrong) {
			if (type == ':' && header.wrong) { /* a number too long to be a length */
				redis_value(s, top, unasked);
				x->consumed = 1;
				s->rq.state = REDIS_LINE;
				return CONSUMED;
			}
			return header.wrong ? MALFORMED : INCOMPLETE;
		}
		x->consumed = header.bytes;
		none = header.negative && type != ':';
	}
	if (header.value > 1ULL << 40)
		return MALFORMED;
	redis_value(s, top, unasked);
	if (type == ':') {
		if (top && (flags & OPERATION_LENGTH) && !header.negative)
			x->length = header.value;
	} else if (none) {
		x->misses = top ? flags & OPERATION_CACHE ? 1 : 0 : s->rq.bits & REDIS_EACH ? 1 : 0;
	} else if (type == '$' || type == '=' || type == '!') {
		s->rq.left = header.value + 2;
		s->rq.bits |= top && type == '!' ? REDIS_FAILED : 0;
		if (type != '!')
			x->hits = top ? flags & OPERATION_CACHE ? 1 : 0 : s->rq.bits & REDIS_EACH ? 1 : 0;
	} else {
		s->rq.count += header.value << (type == '%' || type == '|');
		s->rq.count += type == '|'; /* attributes stand before a value */
		if (top && type == '>')
			s->rq.bits |= q->told[0] & REDIS_SUBSCRIBED ? REDIS_TELLS : REDIS_UNASKED;
		else if (top && (q->told[0] & REDIS_SUBSCRIBED) && header.value > 1)
			s->rq.bits |= REDIS_TELLS;
		if (top && (flags & OPERATION_CACHE_EACH))
			s->rq.bits |= REDIS_EACH;
	}
	if (top && !s->rq.count && x->length == LENGTH_NONE)
		x->alike = (struct exchange_alike){.head = x->consumed};
	s->rq.state = REDIS_VALUE;
	return CONSUMED;
}

static __always_inline enum verdict redis_message(struct stream *s, struct queue *q, const __u8 *p,
						  struct exchange *x)
{
	return x->asks ? redis_request(s, q, p, x) : redis_answer(s, q, p, x);
}

static __always_inline void redis_answer_passed(struct stream *s, struct queue *q, struct exchange *x)
{
	if (s->rq.state != REDIS_VALUE)
		return;
	s->rq.state = REDIS_ELEMENT;
	if (s->rq.count)
		return;
	s->rq.state = REDIS_ANSWER;
	if (!(s->rq.bits & REDIS_UNASKED))
		exchange_answer(x, EXCHANGE_ANSWERED, s->rq.bits & REDIS_FAILED);
}

#endif
