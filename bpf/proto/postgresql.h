/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * window ──> classify ──> [protocol parser] ──> record: PostgreSQL, frontend/backend protocol 3 (PostgreSQL's manual,
 * "Message Formats" and "Message Flow"). Pure; see exchange.h.
 *
 * An operation is one execution of a statement, named by the tag of its CommandComplete. Every message that the
 * server answers with a ReadyForQuery (a Query, a Sync, a function call, the start of the session) is asked as a
 * mark, and the ReadyForQuery takes all up to the oldest mark: what the server skipped after an error never ran.
 * Statements of a Query are parts of its mark, Executes are requests of their own.
 */
#ifndef TAPSTAT_PROTO_POSTGRESQL_H
#define TAPSTAT_PROTO_POSTGRESQL_H

#include "../operation_names.h"
#include "exchange.h"

/* q->told of the answering direction. */
enum { POSTGRESQL_IN_TRANSACTION = TOLD_IN_TRANSACTION }; /* a failed one, too */

/* Where a request is, or what it is once it has passed. */
enum postgresql_request_state {
	POSTGRESQL_MESSAGE, /* at a message's beginning */
	POSTGRESQL_NAME,    /* in the name of a Parse: s->rq.word bytes of the message are left */
	POSTGRESQL_TEXT,    /* before the first word of a statement: the same */
	POSTGRESQL_START,
	POSTGRESQL_NEGOTIATE, /* SSLRequest, GSSENCRequest */
	POSTGRESQL_QUERY,
	POSTGRESQL_PARSE,
	POSTGRESQL_BIND,
	POSTGRESQL_EXECUTE,
	POSTGRESQL_SYNC,
	POSTGRESQL_CALL,
	POSTGRESQL_COPYING, /* the client's part of COPY FROM */
	POSTGRESQL_OTHER,   /* asks nothing by itself */
};

/* What an answer is once it has passed. */
enum postgresql_answer_state {
	POSTGRESQL_COMPLETE = POSTGRESQL_MESSAGE + 1, /* a statement, or a part of it */
	POSTGRESQL_EMPTY,
	POSTGRESQL_SUSPENDED,
	POSTGRESQL_RETURNED, /* from a function call */
	POSTGRESQL_FAILED,
	POSTGRESQL_READY,
	POSTGRESQL_CLEAR,     /* no encryption */
	POSTGRESQL_ENCRYPTED, /* TLS */
	POSTGRESQL_HIDDEN,    /* encryption by GSSAPI, or replication */
	POSTGRESQL_TOLD,      /* answers nothing by itself */
};

/* In the tables of types: nothing but its header. */
enum { POSTGRESQL_BARE = 1 << 7 };

/* s->rq.bits of the asking direction. */
enum postgresql_request_bits {
	POSTGRESQL_QUERYING = 1 << 0, /* the statement in progress is a Query's */
	POSTGRESQL_BOUND = 1 << 1,    /* s->rq.operation is the first word of the portal's statement */
	POSTGRESQL_SYNCED = 1 << 2,   /* a Sync was the latest request */
	POSTGRESQL_UNSYNCED = 1 << 3, /* ... but COPY FROM began: the server passes that Sync over */
	POSTGRESQL_GOES_ON = 1 << 4,  /* the portal that was bound last has been executed */
};

/* s->rq.bits of the answering direction. */
enum { POSTGRESQL_PARTED = 1 }; /* the oldest mark has had a part of its answer */

/* enum asked_flags: marks that are no statements, and more. */
enum {
	POSTGRESQL_ASKED_START = ASKED_A,
	POSTGRESQL_ASKED_NEGOTIATION = ASKED_B,
	POSTGRESQL_ASKED_MORE = ASKED_QUIET, /* a statement, but not its first Execute */
};

/* What stands in place of a version in a message without a type. */
enum {
	POSTGRESQL_VERSION = 3, /* and a minor one of 16 bits */
	POSTGRESQL_CANCEL = 80877102,
	POSTGRESQL_SSL = 80877103,
	POSTGRESQL_GSSENC = 80877104,
};

enum {
	POSTGRESQL_HEADER = 5, /* type and length, which counts itself */
	POSTGRESQL_WORD =
		LOOKAHEAD - POSTGRESQL_HEADER,   /* bytes of a word or tag that are waited for; names are shorter */
	POSTGRESQL_START_MAX = 10000,            /* bytes of a message without a type */
	POSTGRESQL_BIND_MIN = 1 + 1 + 2 + 2 + 2, /* two names, three counts */
	POSTGRESQL_MESSAGE_MAX = 1 << 30,
	POSTGRESQL_JOINED_MAX = 1 << 20,   /* of one that tells the protocol in mid-stream */
	POSTGRESQL_NAME_LONG = 0xffffffff, /* in place of a statement's name: not told from others */
};

static __always_inline __u32 postgresql_int32(const __u8 *p)
{
	return __builtin_bswap32(load32(p));
}

/* What a type of message is when the client sends it: enum postgresql_request_state, 0: nothing. */
static __always_inline __u32 postgresql_asking(__u8 type)
{
	static const __u8 kinds[256] = {
		['B'] = POSTGRESQL_BIND,
		['C'] = POSTGRESQL_OTHER, /* Close */
		['D'] = POSTGRESQL_OTHER, /* Describe */
		['E'] = POSTGRESQL_EXECUTE,
		['F'] = POSTGRESQL_CALL,
		['H'] = POSTGRESQL_OTHER | POSTGRESQL_BARE, /* Flush */
		['P'] = POSTGRESQL_PARSE,
		['Q'] = POSTGRESQL_QUERY,
		['S'] = POSTGRESQL_SYNC | POSTGRESQL_BARE,
		['X'] = POSTGRESQL_OTHER | POSTGRESQL_BARE,   /* Terminate */
		['c'] = POSTGRESQL_COPYING | POSTGRESQL_BARE, /* CopyDone */
		['d'] = POSTGRESQL_COPYING,
		['f'] = POSTGRESQL_COPYING,
		['p'] = POSTGRESQL_OTHER, /* of an authentication */
	};

	return kinds[type];
}

/* The same of the server: enum postgresql_answer_state. */
static __always_inline __u32 postgresql_answering(__u8 type)
{
	static const __u8 kinds[256] = {
		['1'] = POSTGRESQL_TOLD | POSTGRESQL_BARE, /* ParseComplete */
		['2'] = POSTGRESQL_TOLD | POSTGRESQL_BARE, /* BindComplete */
		['3'] = POSTGRESQL_TOLD | POSTGRESQL_BARE, /* CloseComplete */
		['A'] = POSTGRESQL_TOLD,                   /* NotificationResponse */
		['C'] = POSTGRESQL_COMPLETE,
		['D'] = POSTGRESQL_TOLD, /* DataRow */
		['E'] = POSTGRESQL_FAILED,
		['G'] = POSTGRESQL_TOLD, /* CopyInResponse */
		['H'] = POSTGRESQL_TOLD, /* CopyOutResponse */
		['I'] = POSTGRESQL_EMPTY | POSTGRESQL_BARE,
		['K'] = POSTGRESQL_TOLD, /* BackendKeyData */
		['N'] = POSTGRESQL_TOLD, /* NoticeResponse */
		['R'] = POSTGRESQL_TOLD, /* of an authentication */
		['S'] = POSTGRESQL_TOLD, /* ParameterStatus */
		['T'] = POSTGRESQL_TOLD, /* RowDescription */
		['V'] = POSTGRESQL_RETURNED,
		['W'] = POSTGRESQL_HIDDEN, /* CopyBothResponse */
		['Z'] = POSTGRESQL_READY,
		['c'] = POSTGRESQL_TOLD | POSTGRESQL_BARE, /* CopyDone */
		['d'] = POSTGRESQL_TOLD,
		['n'] = POSTGRESQL_TOLD | POSTGRESQL_BARE, /* NoData */
		['s'] = POSTGRESQL_SUSPENDED | POSTGRESQL_BARE,
		['t'] = POSTGRESQL_TOLD, /* ParameterDescription */
		['v'] = POSTGRESQL_TOLD, /* NegotiateProtocolVersion */
	};

	return kinds[type];
}

/* Whether a message of the kind can have that length. */
static __always_inline bool postgresql_plausible(__u32 kind, __u32 length)
{
	return kind && length - 4 <= (kind & POSTGRESQL_BARE ? 0 : POSTGRESQL_MESSAGE_MAX - 4);
}

/* ---- Text ------------------------------------------------------------------------------------------------------ */

#define SEVEN_BITS 0x7f7f7f7f7f7f7f7fULL
#define TOP_BITS 0x8080808080808080ULL
#define EACH_BYTE(byte) ((byte)*0x0101010101010101ULL)

/* These mark bytes of a word in their top bit, each byte by itself. */

static __always_inline __u64 not_bytes(__u64 word, __u8 byte)
{
	word ^= EACH_BYTE(byte);
	return ((word & SEVEN_BITS) + SEVEN_BITS) | word;
}

static __always_inline __u64 no_letters(__u64 word)
{
	__u64 seven = (word | LOWER_CASE) & SEVEN_BITS;

	return ~((seven + EACH_BYTE(0x80 - 'a')) & ~(seven + EACH_BYTE(0x7f - 'z')) & ~word) & TOP_BITS;
}

/* What is neither a blank nor a parenthesis, which may stand before a statement. */
static __always_inline __u64 no_blanks(__u64 word)
{
	return (((word & SEVEN_BITS) + EACH_BYTE(0x7f - ' ')) | word) & not_bytes(word, '(') & TOP_BITS;
}

/* What no statement in ASCII has in it. */
static __always_inline __u64 unprintable(__u64 word)
{
	__u64 seven = word & SEVEN_BITS;

	return (~(seven + EACH_BYTE(0x80 - ' ')) | (seven + EACH_BYTE(1)) | word) & not_bytes(word, '\t') &
	       not_bytes(word, '\n') & not_bytes(word, '\r') & TOP_BITS;
}

/* The operation of the word at `p`, in a message of which `rest` bytes are left. */
static __always_inline __u32 postgresql_word(const __u8 *p, __u32 rest)
{
	__u64 low = no_letters(load64(p)), high = no_letters(load64(p + 8));
	__u32 n = low ? lowest_bit(low) >> 3 : high ? 8 + (lowest_bit(high) >> 3) : 16;

	return operation_by_name(BACKEND_POSTGRESQL, OPERATION_POSTGRESQL_OTHER, p, n < rest ? n : rest);
}

/*
 * Tells the names of statements apart; 0 is the unnamed one. `word`: the name's first bytes; `end`: match_byte() of
 * its NUL, 0 where that is farther away.
 */
static __always_inline __u32 postgresql_name(__u64 word, __u64 end)
{
	return end ? (word & ((end & -end) - 1)) * 0x9e3779b97f4a7c15ULL >> 32 : POSTGRESQL_NAME_LONG;
}

/* ---- First bytes ----------------------------------------------------------------------------------------------- */

/* Of a connection from its beginning: a message without a type. */
static __always_inline enum starts postgresql_starts(const __u8 *p, __u32 avail)
{
	__u32 length = postgresql_int32(p), code = postgresql_int32(p + 4);

	if (avail < 9 && avail != 8) /* 00 00 len len, the first byte of a version or of a code */
		return low_bytes(load64(p) & 0xfb0000ffffULL, avail) ? STARTS_NOT : STARTS_SHORT;
	switch (code) {
	case POSTGRESQL_SSL:
	case POSTGRESQL_GSSENC:
		return length == 8 ? STARTS_ASKING : STARTS_NOT;
	case POSTGRESQL_CANCEL: /* a process and a key, which has up to 256 bytes */
		return length > 12 && length <= 12 + 256 ? STARTS_ASKING : STARTS_NOT;
	}
	if (code >> 16 != POSTGRESQL_VERSION || length - 9 > POSTGRESQL_START_MAX - 9)
		return STARTS_NOT;
	if (avail == 8)
		return STARTS_SHORT;
	/* The name of a parameter, or the end of them. */
	return p[8] == '_' || (p[8] >= 'a' && p[8] <= 'z') || (!p[8] && length == 9) ? STARTS_ASKING : STARTS_NOT;
}

/* Whether text of `bytes` bytes at `p` may be a statement, as far as two words show; one NUL in each is passed over.
 */
static __always_inline bool postgresql_text(const __u8 *p, __u32 bytes)
{
	__u64 low = load64(p), high = load64(p + 8), low_end = match_byte(low, 0), high_end = match_byte(high, 0);

	low = unprintable(low) & ~(low_end & -low_end);
	high = unprintable(high) & ~(high_end & -high_end);
	return !(low_bytes(low, bytes) | low_bytes(high, bytes > 8 ? bytes - 8 : 0));
}

/* Whether a NUL-terminated name may begin with the word. */
static __always_inline bool postgresql_may_name(__u64 word)
{
	__u64 end = match_byte(word, 0);

	return !(unprintable(word) & ((end & -end) - 1));
}

/*
 * In mid-stream: a request with its type. All of it is to be seen, or as much as can be, and what follows it, if
 * anything does, is a request again.
 */
static __always_inline enum starts postgresql_starts_joined(const __u8 *p, __u32 avail)
{
	__u32 kind = postgresql_asking(p[0]), length = postgresql_int32(p + 1), rest = length - 4;
	__u64 word = load64(p + POSTGRESQL_HEADER);
	bool right, ended;

	if (!avail)
		return STARTS_SHORT;
	if (!kind || kind == POSTGRESQL_COPYING)
		return STARTS_NOT;
	if (avail < POSTGRESQL_HEADER)
		return STARTS_SHORT;
	if (!postgresql_plausible(kind, length) || length > POSTGRESQL_JOINED_MAX)
		return STARTS_NOT;
	if (avail < LOOK_BYTES && avail <= length)
		return avail < LOOKAHEAD ? STARTS_SHORT : STARTS_NOT;
	if (length + 1 < avail && !postgresql_asking(p[(length + 1) & (LOOK_BYTES - 1)]))
		return STARTS_NOT;
	ended = length >= LOOK_BYTES || !p[length & (LOOK_BYTES - 1)]; /* with a NUL, or farther than can be seen */
	switch (p[0]) {
	case 'S':
	case 'H':
		right = true; /* only a header, which is right */
		break;
	case 'Q':
		right = rest > 1 && ended && p[5] && postgresql_text(p + 5, rest - 1);
		break;
	case 'P': /* a name, text, a count */
		right = rest > 4 && postgresql_text(p + 5, rest - 3);
		break;
	case 'B': /* the unnamed portal, a statement's name; behind that of the unnamed one counts, which are small */
		right = rest >= POSTGRESQL_BIND_MIN && !p[5] && postgresql_may_name(word >> 8) &&
			(p[6] || (!p[7] && !p[9] && (p[10] < 2 || !p[8])));
		break;
	case 'D':
	case 'C': /* which kind, a name */
		right = rest >= 2 && rest <= 66 && ended && (p[5] == 'S' || p[5] == 'P') &&
			postgresql_may_name(word >> 8);
		break;
	case 'E': /* a portal's name, how many rows */
		right = rest >= 5 && rest <= 69 && postgresql_may_name(word) && (p[5] || (!p[6] && rest == 5));
		break;
	case 'F': /* the number of a function; counts, which are small */
		right = rest >= 10 && !p[5] && (p[7] | p[8]) && !p[9] && !p[11] && (p[12] < 2 || !p[10]);
		break;
	default:
		right = false;
	}
	return right ? STARTS_ASKING : STARTS_NOT;
}

/* ---- Requests -------------------------------------------------------------------------------------------------- */

/* What begins a session has no type; its length is below 2^24, so that its first byte is 0. */
static __always_inline enum verdict postgresql_start(struct stream *s, const __u8 *p, struct exchange *x)
{
	__u32 length = postgresql_int32(p), code = postgresql_int32(p + 4);

	if (x->avail < 8)
		return INCOMPLETE;
	if (length < 8 || length > POSTGRESQL_START_MAX)
		return MALFORMED;
	if (code >> 16 == POSTGRESQL_VERSION)
		s->rq.state = POSTGRESQL_START;
	else if (code == POSTGRESQL_SSL || code == POSTGRESQL_GSSENC)
		s->rq.state = POSTGRESQL_NEGOTIATE;
	else if (code == POSTGRESQL_CANCEL)
		s->rq.state = POSTGRESQL_OTHER;
	else
		return MALFORMED;
	x->consumed = 8;
	s->rq.left = length - 8;
	return CONSUMED;
}

/*
 * A Parse from its name on, or a statement from the blanks on that stand before it, `rest` bytes to the message's
 * end. The statement's first word is what the operation is called should it fail.
 */
static __always_inline enum verdict postgresql_statement(struct stream *s, const __u8 *p, struct exchange *x,
							 __u32 at, __u32 rest)
{
	__u64 word, marks;
	__u32 n;

	if (s->rq.state == POSTGRESQL_NAME) {
		if (x->avail < at + (rest < 8 ? rest : 8))
			return INCOMPLETE;
		word = load64(p + at);
		marks = match_byte(word, 0);
		n = marks ? (lowest_bit(marks) >> 3) + 1 : 8;
		if (n > rest)
			return MALFORMED;
		if (at)
			s->rq.count = postgresql_name(word, marks);
		at += n;
		rest -= n;
		x->consumed = at;
		s->rq.word = rest;
		if (!marks)
			return CONSUMED;
		s->rq.state = POSTGRESQL_TEXT;
	}
	if (x->avail < at + (rest < POSTGRESQL_WORD ? rest : POSTGRESQL_WORD))
		return at ? CONSUMED : INCOMPLETE;
	marks = no_blanks(load64(p + at));
	n = marks ? lowest_bit(marks) >> 3 : 8;
	if (n && n < rest) {
		x->consumed = at + n;
		s->rq.word = rest - n;
		return CONSUMED;
	}
	s->rq.operation = postgresql_word(p + at, rest);
	s->rq.left = rest;
	s->rq.state = s->rq.bits & POSTGRESQL_QUERYING ? POSTGRESQL_QUERY : POSTGRESQL_PARSE;
	return CONSUMED;
}

/* Whether a Bind is of the statement whose Parse was the latest. The name of its portal stands before the
 * statement's, and `rest` bytes are in it. */
static __always_inline bool postgresql_binds_latest(const struct stream *s, const __u8 *p, __u32 rest)
{
	__u64 word = low_bytes(load64(p + POSTGRESQL_HEADER + 1), rest - 1), end = match_byte(word, 0);

	return !p[POSTGRESQL_HEADER] && end && s->rq.count == postgresql_name(word, end);
}

static __always_inline enum verdict postgresql_request(struct stream *s, struct queue *q, const __u8 *p,
						       struct exchange *x)
{
	__u32 at = 0, rest = s->rq.word, bits = s->rq.bits, kind, length;

	if (s->rq.state == POSTGRESQL_MESSAGE) {
		if (x->avail < POSTGRESQL_HEADER)
			return INCOMPLETE;
		if (!p[0])
			return postgresql_start(s, p, x);
		kind = postgresql_asking(p[0]);
		length = postgresql_int32(p + 1);
		if (!postgresql_plausible(kind, length))
			return MALFORMED;
		if (x->avail < LOOKAHEAD && x->avail <= length)
			return INCOMPLETE;
		kind &= ~POSTGRESQL_BARE;
		x->consumed = at = POSTGRESQL_HEADER;
		rest = length - 4;
		/*
		 * A server that copies in passes over the Sync that a client sent before it learned of that; the
		 * client sends another one behind its data.
		 */
		if (kind == POSTGRESQL_COPYING)
			bits |= bits & POSTGRESQL_SYNCED ? POSTGRESQL_UNSYNCED : 0;
		bits &= ~(POSTGRESQL_SYNCED | POSTGRESQL_QUERYING);
		if (kind == POSTGRESQL_BIND) {
			if (rest < POSTGRESQL_BIND_MIN)
				return MALFORMED;
			bits &= ~POSTGRESQL_BOUND;
			bits |= postgresql_binds_latest(s, p, rest) ? POSTGRESQL_BOUND : 0;
			bits &= ~POSTGRESQL_GOES_ON;
		}
		if (kind != POSTGRESQL_QUERY && kind != POSTGRESQL_PARSE) {
			s->rq.bits = bits;
			s->rq.left = rest;
			s->rq.state = kind;
			return CONSUMED;
		}
		s->rq.bits = bits | (kind == POSTGRESQL_QUERY ? POSTGRESQL_QUERYING : 0);
		s->rq.word = rest;
		s->rq.count = POSTGRESQL_NAME_LONG; /* of no statement that a Bind can mean */
		s->rq.state = kind == POSTGRESQL_QUERY ? POSTGRESQL_TEXT : POSTGRESQL_NAME;
	}
	return postgresql_statement(s, p, x, at, rest);
}

static __always_inline void postgresql_request_passed(struct stream *s, struct queue *q, struct exchange *x)
{
	__u32 state = s->rq.state, operation = OPERATION_NONE, flags = ASKED_SYNC;

	if (state <= POSTGRESQL_TEXT)
		return;
	s->rq.state = POSTGRESQL_MESSAGE;
	switch (state) {
	case POSTGRESQL_START:
		flags = ASKED_SYNC | POSTGRESQL_ASKED_START;
		break;
	case POSTGRESQL_NEGOTIATE:
		flags = ASKED_SYNC | POSTGRESQL_ASKED_NEGOTIATION;
		break;
	case POSTGRESQL_QUERY:
		operation = s->rq.operation;
		break;
	case POSTGRESQL_CALL:
		operation = OPERATION_POSTGRESQL_CALL;
		break;
	case POSTGRESQL_EXECUTE:
		/* A portal that stopped at a limit of rows goes on: its statement has been counted. */
		flags = s->rq.bits & POSTGRESQL_GOES_ON ? POSTGRESQL_ASKED_MORE : 0;
		s->rq.bits |= POSTGRESQL_GOES_ON;
		if (s->rq.bits & POSTGRESQL_BOUND)
			operation = s->rq.operation;
		break;
	case POSTGRESQL_SYNC:
		if (s->rq.bits & POSTGRESQL_UNSYNCED) {
			s->rq.bits &= ~POSTGRESQL_UNSYNCED;
			return;
		}
		s->rq.bits |= POSTGRESQL_SYNCED;
		break;
	default:
		return;
	}
	x->flags = flags;
	exchange_event(x, EXCHANGE_ASKED, operation);
}

/* ---- Answers --------------------------------------------------------------------------------------------------- */

static __always_inline enum verdict postgresql_answer(struct stream *s, struct queue *q, const __u8 *p,
						      struct exchange *x)
{
	__u32 kind, length;

	if ((x->asked_flags & POSTGRESQL_ASKED_NEGOTIATION) && p[0] != 'E') { /* old servers know no negotiation */
		if (p[0] != 'N' && p[0] != 'S' && p[0] != 'G')
			return MALFORMED;
		x->consumed = 1;
		s->rq.state = p[0] == 'N' ? POSTGRESQL_CLEAR : p[0] == 'S' ? POSTGRESQL_ENCRYPTED : POSTGRESQL_HIDDEN;
		return CONSUMED;
	}
	if (x->avail < POSTGRESQL_HEADER)
		return INCOMPLETE;
	kind = postgresql_answering(p[0]);
	length = postgresql_int32(p + 1);
	if (!postgresql_plausible(kind, length))
		return MALFORMED;
	if (x->avail < LOOKAHEAD && x->avail <= length)
		return INCOMPLETE;
	kind &= ~POSTGRESQL_BARE;
	switch (kind) {
	case POSTGRESQL_COMPLETE:
		s->rq.operation = postgresql_word(p + POSTGRESQL_HEADER, length - 4);
		break;
	case POSTGRESQL_EMPTY:
		s->rq.operation = OPERATION_POSTGRESQL_OTHER;
		break;
	case POSTGRESQL_SUSPENDED:
		s->rq.operation = x->asked > OPERATION_POSTGRESQL_OTHER
					  ? x->asked
					  : OPERATION_POSTGRESQL_SELECT; /* or what else has rows */
		break;
	case POSTGRESQL_RETURNED:
		s->rq.operation = OPERATION_POSTGRESQL_CALL;
		break;
	case POSTGRESQL_READY:
		if (length != 5 || (p[5] != 'I' && p[5] != 'T' && p[5] != 'E'))
			return MALFORMED;
		q->told[1] = p[5] == 'I' ? 0 : POSTGRESQL_IN_TRANSACTION;
		break;
	}
	x->consumed = POSTGRESQL_HEADER;
	s->rq.left = length - 4;
	s->rq.state = kind;
	return CONSUMED;
}

static __always_inline enum verdict postgresql_message(struct stream *s, struct queue *q, const __u8 *p,
						       struct exchange *x)
{
	return x->asks ? postgresql_request(s, q, p, x) : postgresql_answer(s, q, p, x);
}

static __always_inline void postgresql_answer_passed(struct stream *s, struct queue *q, struct exchange *x)
{
	/* A mark stays until the server is ready; the statements of a Query are parts of it. */
	enum exchange_event answered = x->asked_flags & ASKED_SYNC ? EXCHANGE_PART : EXCHANGE_ANSWERED;
	__u32 state = s->rq.state;

	s->rq.state = POSTGRESQL_MESSAGE;
	switch (state) {
	case POSTGRESQL_COMPLETE:
	case POSTGRESQL_EMPTY:
	case POSTGRESQL_SUSPENDED:
	case POSTGRESQL_RETURNED:
		exchange_event(x, answered, s->rq.operation);
		if (x->asked_flags & POSTGRESQL_ASKED_MORE)
			x->event = EXCHANGE_DONE;
		s->rq.bits = answered == EXCHANGE_PART ? POSTGRESQL_PARTED : 0;
		break;
	case POSTGRESQL_FAILED:
		/* One that nothing asked for says why the session ends, as one in its beginning does. */
		if (!x->asked_any || x->asked_flags & (POSTGRESQL_ASKED_START | POSTGRESQL_ASKED_NEGOTIATION))
			break;
		exchange_answer(x, x->asked_flags & POSTGRESQL_ASKED_MORE ? EXCHANGE_DONE : answered, true);
		/* Only the first statement of a Query is known. */
		if (x->asked == OPERATION_NONE || s->rq.bits & POSTGRESQL_PARTED)
			x->operation = OPERATION_POSTGRESQL_OTHER;
		break;
	case POSTGRESQL_READY:
		exchange_answer(x, EXCHANGE_SYNC, false);
		s->rq.bits = 0;
		break;
	case POSTGRESQL_CLEAR:
		exchange_answer(x, EXCHANGE_DONE, false);
		break;
	case POSTGRESQL_ENCRYPTED:
		exchange_event(x, EXCHANGE_ENCRYPTED, OPERATION_NONE);
		break;
	case POSTGRESQL_HIDDEN:
		exchange_event(x, EXCHANGE_HIDDEN, OPERATION_NONE);
		break;
	}
}

#endif
