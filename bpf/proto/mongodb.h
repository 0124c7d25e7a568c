/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * window ──> classify ──> [protocol parser] ──> record: MongoDB's wire protocol (mongodb.com, "MongoDB Wire
 * Protocol"; bsonspec.org). Pure; see exchange.h.
 *
 * Every message tells its length, and an answer the number of its request. What is looked for inside: the name of a
 * command's first element, and on the top level of an answer's document whether it says that it failed. A document
 * that can't be understood is passed over to the message's end; only a header can break the stream.
 */
#ifndef TAPSTAT_PROTO_MONGODB_H
#define TAPSTAT_PROTO_MONGODB_H

#include "../operation_names.h"
#include "exchange.h"

enum mongodb_opcode {
	MONGODB_REPLY = 1,
	MONGODB_UPDATE = 2001,
	MONGODB_INSERT = 2002,
	MONGODB_QUERY = 2004,
	MONGODB_GET_MORE = 2005,
	MONGODB_DELETE = 2006,
	MONGODB_KILL_CURSORS = 2007,
	MONGODB_COMPRESSED = 2012,
	MONGODB_MSG = 2013,
};

/* Of a message s->rq.word is the number, and s->rq.count the bytes that no step has taken or passed over yet. */
enum mongodb_state {
	MONGODB_MESSAGE,
	MONGODB_FLAGS,   /* OP_MSG: at its flags */
	MONGODB_SECTION, /* ... at a section */
	MONGODB_END,     /* behind the message, or before a rest that s->rq.left passes over */
	/* Asking: */
	MONGODB_COLLECTION, /* OP_QUERY: in the collection's name */
	MONGODB_NAME,       /* at the name of the command */
	MONGODB_NAME_REST,  /* behind its first 16 bytes */
	/* Answering: */
	MONGODB_REPLY_FLAGS,    /* OP_REPLY: at its flags */
	MONGODB_REPLY_DOCUMENT, /* ... at the number of its documents */
	MONGODB_ELEMENT,        /* at an element of the top level, */
	MONGODB_ELEMENT_NAME,   /* inside its name; s->rq.operation is its type */
	MONGODB_ELEMENT_VALUE,  /* at its length */
};

/* s->rq.bits. */
enum mongodb_bits {
	MONGODB_SILENT = 1 << 0,  /* no answer to this message; or: it answers nothing */
	MONGODB_COMMAND = 1 << 1, /* OP_QUERY: asks `$cmd` */
	MONGODB_LONGER = 1 << 2,  /* the name, if it is the one found, is one byte longer than 16 */
	MONGODB_FAILED = 1 << 3,
};

enum {
	/* q->told[0] */
	MONGODB_FINDS = 1, /* the latest OP_QUERY or OP_GET_MORE asked for documents */
	/* q->told[1] */
	MONGODB_MORE = 1, /* the latest answer said that another one follows that nobody asks for */

	/* flags of OP_MSG */
	MONGODB_CHECKSUM = 1 << 0,
	MONGODB_MORE_TO_COME = 1 << 1,
	MONGODB_EXHAUST_ALLOWED = 1 << 16,
	/* of OP_REPLY */
	MONGODB_CURSOR_NOT_FOUND = 1 << 0,
	MONGODB_QUERY_FAILURE = 1 << 1,

	MONGODB_HEADER = 16,
	MONGODB_LENGTH_MAX = 64 << 20, /* servers take 48,000,000 bytes and a little */
	MONGODB_LONGEST_NAME = 17,     /* of the operations' */
};

/* A step takes `n` bytes of the message, and has `left` more passed over; what does not fit ends the message. */
static __always_inline bool mongodb_take(struct stream *s, struct exchange *x, __u64 n, __u64 left)
{
	if (n + left > s->rq.count)
		return false;
	s->rq.count -= n + left;
	s->rq.left = left;
	x->consumed += n;
	return true;
}

/* The rest of the message is passed over. */
static __always_inline enum verdict mongodb_rest(struct stream *s)
{
	s->rq.left = s->rq.count;
	s->rq.count = 0;
	s->rq.state = MONGODB_END;
	return CONSUMED;
}

/* Whether a message is over: as it should be, or because it has no more bytes for what should follow. */
static __always_inline bool mongodb_ends(const struct stream *s)
{
	return s->rq.state == MONGODB_END || (s->rq.state != MONGODB_MESSAGE && !s->rq.count);
}

static __always_inline __u32 mongodb_name_end(const __u8 *p)
{
	__u64 low = match_byte(load64(p), 0), high = match_byte(load64(p + 8), 0);

	return low ? lowest_bit(low) >> 3 : high ? 8 + (lowest_bit(high) >> 3) : 16;
}

/* ---- First bytes ----------------------------------------------------------------------------------------------- */

static __always_inline bool mongodb_asks(__u32 opcode)
{
	return opcode == MONGODB_MSG || opcode == MONGODB_COMPRESSED ||
	       (opcode >= MONGODB_UPDATE && opcode <= MONGODB_KILL_CURSORS && opcode != 2003);
}

/* The header of a request, and what is behind it as far as it is there. */
static __always_inline enum starts mongodb_starts(const __u8 *p, __u32 avail)
{
	__u32 bytes = load32(p), opcode = load32(p + 12);

	if (avail < MONGODB_HEADER) /* a length; no answer to anything */
		return (avail > 3 && (bytes < MONGODB_HEADER || bytes > MONGODB_LENGTH_MAX)) ||
				       (avail > 11 && load32(p + 8))
			       ? STARTS_NOT
			       : STARTS_SHORT;
	if (bytes < MONGODB_HEADER + 8 || bytes > MONGODB_LENGTH_MAX || load32(p + 8) || !mongodb_asks(opcode))
		return STARTS_NOT;
	if (opcode == MONGODB_MSG && avail > 20 &&
	    ((load32(p + 16) & ~(MONGODB_CHECKSUM | MONGODB_MORE_TO_COME | MONGODB_EXHAUST_ALLOWED)) || p[20] > 1))
		return STARTS_NOT;
	return STARTS_ASKING;
}

/* In mid-stream: answers of one document are as easy to tell, and no header is enough. */
static __always_inline enum starts mongodb_starts_joined(const __u8 *p, __u32 avail)
{
	__u32 bytes = load32(p), opcode = load32(p + 12);

	if (avail < MONGODB_HEADER)
		return avail > 3 && (bytes < MONGODB_HEADER || bytes > MONGODB_LENGTH_MAX) ? STARTS_NOT
											   : STARTS_SHORT;
	if (avail < MONGODB_HEADER + 8 || bytes < MONGODB_HEADER + 9 || bytes > MONGODB_LENGTH_MAX)
		return STARTS_NOT;
	if (!load32(p + 8))
		return mongodb_starts(p, avail);
	if (opcode == MONGODB_MSG && avail >= 25 && !p[20] &&
	    !(load32(p + 16) & ~(MONGODB_CHECKSUM | MONGODB_MORE_TO_COME)) &&
	    load32(p + 21) == bytes - 21 - (load32(p + 16) & MONGODB_CHECKSUM ? 4 : 0))
		return STARTS_ANSWERING;
	if (opcode == MONGODB_REPLY && avail >= 40 && !(load32(p + 16) >> 4) && load32(p + 32) == 1 &&
	    load32(p + 36) == bytes - 36)
		return STARTS_ANSWERING;
	if (opcode == MONGODB_COMPRESSED && (load32(p + 16) == MONGODB_MSG || load32(p + 16) == MONGODB_REPLY))
		return STARTS_ANSWERING;
	return STARTS_NOT;
}

/* ---- Both directions ------------------------------------------------------------------------------------------- */

/*
 * A section of OP_MSG: the document (0) or a sequence of more (1), which may come first. True: at the document,
 * behind its length and `more` bytes.
 */
static __always_inline bool mongodb_section(struct stream *s, const __u8 *p, struct exchange *x, __u32 more)
{
	__u32 bytes = load32(p + 1);

	if (p[0] == 0 && mongodb_take(s, x, 5 + more, 0))
		return true;
	if (p[0] != 1 || bytes < 4 || !mongodb_take(s, x, 5, (__u64)bytes - 4))
		mongodb_rest(s);
	return false;
}

/* ---- Requests -------------------------------------------------------------------------------------------------- */

/* The name of a command at `p`, of which `avail` bytes are there; longer ones than the lookahead in two steps. */
static __always_inline enum verdict mongodb_name(struct stream *s, const __u8 *p, __u32 avail, struct exchange *x)
{
	__u32 n = mongodb_name_end(p), operation;

	if (n >= avail && avail < LOOKAHEAD)
		return INCOMPLETE;
	n = n < avail ? n : 16;
	operation = operation_by_name(BACKEND_MONGODB, OPERATION_MONGODB_OTHER, p, n);
	if (s->rq.bits & MONGODB_COMMAND && n == 6 &&
	    low_bytes(load64(p), 6) ==
		    ('$' | 'q' << 8 | 'u' << 16 | 'e' << 24 | (__u64)'r' << 32 | (__u64)'y' << 40) &&
	    mongodb_take(s, x, 7, 5)) { /* the command is inside of it, behind a length and a type */
		s->rq.bits &= ~MONGODB_COMMAND;
		s->rq.state = MONGODB_NAME;
		return CONSUMED;
	}
	if (n < 16) {
		s->rq.operation = operation;
		return mongodb_rest(s);
	}
	if (operation == OPERATION_MONGODB_OTHER) {
		operation = operation_by_name(BACKEND_MONGODB, OPERATION_MONGODB_OTHER, p, MONGODB_LONGEST_NAME);
		s->rq.bits |= MONGODB_LONGER;
	}
	s->rq.operation = operation;
	if (!mongodb_take(s, x, 16, 0))
		return mongodb_rest(s);
	s->rq.state = MONGODB_NAME_REST;
	return CONSUMED;
}

static __always_inline enum verdict mongodb_request_header(struct stream *s, struct queue *q, const __u8 *p,
							   struct exchange *x)
{
	__u32 bytes = load32(p), opcode = load32(p + 12);

	if (x->avail < MONGODB_HEADER)
		return INCOMPLETE;
	if (bytes < MONGODB_HEADER || bytes > MONGODB_LENGTH_MAX || !mongodb_asks(opcode))
		return MALFORMED;
	s->rq.word = load32(p + 4);
	s->rq.count = bytes;
	s->rq.bits = 0;
	s->rq.operation = OPERATION_MONGODB_OTHER;
	mongodb_take(s, x, MONGODB_HEADER, 0);
	switch (opcode) {
	case MONGODB_MSG:
		s->rq.state = MONGODB_FLAGS;
		return CONSUMED;
	case MONGODB_QUERY:
		s->rq.operation = OPERATION_MONGODB_FIND;
		s->rq.state = MONGODB_COLLECTION;
		if (!mongodb_take(s, x, 0, 4))
			mongodb_rest(s);
		return CONSUMED;
	case MONGODB_GET_MORE:
		s->rq.operation = OPERATION_MONGODB_GETMORE;
		q->told[0] |= MONGODB_FINDS;
		break;
	case MONGODB_COMPRESSED:
		break;
	default:
		s->rq.operation = opcode == MONGODB_UPDATE   ? OPERATION_MONGODB_UPDATE
				  : opcode == MONGODB_INSERT ? OPERATION_MONGODB_INSERT
				  : opcode == MONGODB_DELETE ? OPERATION_MONGODB_DELETE
							     : OPERATION_MONGODB_KILLCURSORS;
		s->rq.bits = MONGODB_SILENT;
	}
	return mongodb_rest(s);
}

/* In the name of the collection that OP_QUERY asks: "$cmd" stands for commands. */
static __always_inline enum verdict mongodb_collection(struct stream *s, struct queue *q, const __u8 *p,
						       struct exchange *x)
{
	__u64 word = load64(p), ends = match_byte(word, '$') | match_byte(word, 0);
	__u32 n = ends ? lowest_bit(ends) >> 3 : 8, most = x->avail < 8 ? x->avail : 8;

	if (n >= most)
		return mongodb_take(s, x, most, 0) ? CONSUMED : mongodb_rest(s);
	if (n) /* what ends it will be seen at the beginning of the lookahead */
		return mongodb_take(s, x, n, 0) ? CONSUMED : mongodb_rest(s);
	if (p[0] == 0) {
		q->told[0] |= MONGODB_FINDS;
		return mongodb_rest(s);
	}
	if (x->avail < 5)
		return INCOMPLETE;
	if (low_bytes(word, 5) != ('$' | 'c' << 8 | 'm' << 16 | 'd' << 24))
		return mongodb_take(s, x, 1, 0) ? CONSUMED : mongodb_rest(s);
	s->rq.operation = OPERATION_MONGODB_OTHER;
	if (!mongodb_take(s, x, 5, 8 + 4 + 1)) /* two numbers, the document's length, the first element's type */
		return mongodb_rest(s);
	s->rq.bits |= MONGODB_COMMAND;
	q->told[0] &= ~MONGODB_FINDS;
	s->rq.state = MONGODB_NAME;
	return CONSUMED;
}

static __always_inline enum verdict mongodb_request(struct stream *s, struct queue *q, const __u8 *p,
						    struct exchange *x)
{
	switch (s->rq.state) {
	case MONGODB_MESSAGE:
		return mongodb_request_header(s, q, p, x);
	case MONGODB_FLAGS:
		if (x->avail < 4)
			return INCOMPLETE;
		s->rq.bits |= load32(p) & MONGODB_MORE_TO_COME ? MONGODB_SILENT : 0;
		s->rq.state = MONGODB_SECTION;
		if (!mongodb_take(s, x, 4, 0))
			return mongodb_rest(s);
		return CONSUMED;
	case MONGODB_SECTION:
		if (s->rq.count <= 4) /* a checksum, no section */
			return mongodb_rest(s);
		if (x->avail < 6)
			return INCOMPLETE;
		if (mongodb_section(s, p, x, 1)) /* with the first element's type */
			s->rq.state = MONGODB_NAME;
		return CONSUMED;
	case MONGODB_COLLECTION:
		return mongodb_collection(s, q, p, x);
	case MONGODB_NAME:
		return mongodb_name(s, p, x->avail, x);
	default: /* MONGODB_NAME_REST */
		if (x->avail < 2)
			return INCOMPLETE;
		if (s->rq.bits & MONGODB_LONGER ? !p[0] || p[1] : p[0])
			s->rq.operation = OPERATION_MONGODB_OTHER;
		return mongodb_rest(s);
	}
}

static __always_inline void mongodb_request_passed(struct stream *s, struct queue *q, struct exchange *x)
{
	if (!mongodb_ends(s))
		return;
	s->rq.state = MONGODB_MESSAGE;
	exchange_event(x, s->rq.bits & MONGODB_SILENT ? EXCHANGE_ASKED_ONLY : EXCHANGE_ASKED, s->rq.operation);
	x->id = s->rq.word;
}

/* ---- Answers --------------------------------------------------------------------------------------------------- */

enum bson_type {
	BSON_DOUBLE = 0x01,
	BSON_BOOLEAN = 0x08,
	BSON_NULL = 0x0a,
	BSON_REGEX = 0x0b,
	BSON_INT32 = 0x10,
	BSON_INT64 = 0x12,
	BSON_TEXT = 0x80, /* not on the wire: the second string of a regular expression */
	/* Of 32 bytes, clang 14 would put the table into .rodata.cst32, and the BTF of .rodata would be wrong. */
	BSON_TYPES = 0x40,
	BSON_MAX_KEY = 0x7f,
	BSON_MIN_KEY = 0xff,
};

enum bson_size_bits {
	BSON_BYTES = 0x1f,   /* of the value; or behind the length and what it counts, 4 more than in truth */
	BSON_SIZED = 1 << 5, /* the value begins with its length */
	BSON_KNOWN = 1 << 6,
};

/* How long a value is (enum bson_size_bits); 0: not known. */
static __always_inline __u32 bson_size(__u32 type)
{
	static const __u8 sizes[BSON_TYPES] = {
		[BSON_DOUBLE] = BSON_KNOWN | 8,
		[0x02] = BSON_KNOWN | BSON_SIZED | (0 + 4),  /* string */
		[0x03] = BSON_KNOWN | BSON_SIZED | (-4 + 4), /* document; the length counts itself */
		[0x04] = BSON_KNOWN | BSON_SIZED | (-4 + 4), /* array */
		[0x05] = BSON_KNOWN | BSON_SIZED | (1 + 4),  /* binary, with a subtype */
		[0x06] = BSON_KNOWN,                         /* undefined */
		[0x07] = BSON_KNOWN | 12,                    /* ObjectId */
		[BSON_BOOLEAN] = BSON_KNOWN | 1,
		[0x09] = BSON_KNOWN | 8, /* date */
		[BSON_NULL] = BSON_KNOWN,
		[0x0c] = BSON_KNOWN | BSON_SIZED | (12 + 4), /* pointer: a string and an ObjectId */
		[0x0d] = BSON_KNOWN | BSON_SIZED | (0 + 4),  /* code */
		[0x0e] = BSON_KNOWN | BSON_SIZED | (0 + 4),  /* symbol */
		[0x0f] = BSON_KNOWN | BSON_SIZED | (-4 + 4), /* code with scope */
		[BSON_INT32] = BSON_KNOWN | 4,
		[0x11] = BSON_KNOWN | 8, /* timestamp */
		[BSON_INT64] = BSON_KNOWN | 8,
		[0x13] = BSON_KNOWN | 16, /* decimal */
	};

	if (type == BSON_MIN_KEY || type == BSON_MAX_KEY)
		return BSON_KNOWN;
	return type < BSON_TYPES ? sizes[type & (BSON_TYPES - 1)] : 0;
}

static __always_inline bool bson_is_number(__u32 type)
{
	return type == BSON_DOUBLE || type == BSON_BOOLEAN || type == BSON_INT32 || type == BSON_INT64;
}

/* The name of an element of this type ends: `n` bytes are taken with it; its value is passed over. */
static __always_inline enum verdict mongodb_value(struct stream *s, struct exchange *x, __u32 type, __u32 n)
{
	__u32 size = bson_size(type);

	s->rq.operation = type;
	s->rq.state = MONGODB_ELEMENT;
	if (type == BSON_REGEX || type == BSON_TEXT) { /* two strings: as if they were names */
		s->rq.operation = type == BSON_REGEX ? BSON_TEXT : BSON_NULL;
		s->rq.state = MONGODB_ELEMENT_NAME;
		return mongodb_take(s, x, n, 0) ? CONSUMED : mongodb_rest(s);
	}
	if (size & BSON_SIZED)
		s->rq.state = MONGODB_ELEMENT_VALUE;
	if (!size || !mongodb_take(s, x, n, size & BSON_SIZED ? 0 : size & BSON_BYTES))
		return mongodb_rest(s);
	return CONSUMED;
}

static __always_inline enum verdict mongodb_answer_header(struct stream *s, struct queue *q, const __u8 *p,
							  struct exchange *x)
{
	__u32 bytes = load32(p), opcode = load32(p + 12);

	if (x->avail < MONGODB_HEADER)
		return INCOMPLETE;
	if (bytes < MONGODB_HEADER || bytes > MONGODB_LENGTH_MAX)
		return MALFORMED;
	if (opcode != MONGODB_MSG && opcode != MONGODB_REPLY && opcode != MONGODB_COMPRESSED)
		return MALFORMED;
	s->rq.word = load32(p + 8);
	s->rq.count = bytes;
	s->rq.bits = q->told[1] & MONGODB_MORE ? MONGODB_SILENT : 0;
	q->told[1] &= ~MONGODB_MORE;
	mongodb_take(s, x, MONGODB_HEADER, 0);
	if (opcode == MONGODB_COMPRESSED)
		return mongodb_rest(s);
	s->rq.state = opcode == MONGODB_MSG ? MONGODB_FLAGS : MONGODB_REPLY_FLAGS;
	return CONSUMED;
}

/* An element of the top level. */
static __always_inline enum verdict mongodb_element(struct stream *s, const __u8 *p, struct exchange *x)
{
	bool inside = s->rq.state == MONGODB_ELEMENT_NAME;
	__u32 type = inside ? s->rq.operation : p[0], n, size;

	if (!inside && !type) /* the document ends */
		return mongodb_rest(s);
	n = !inside + mongodb_name_end(p + !inside);
	if (n >= x->avail || n >= LOOKAHEAD) {
		if (!inside && x->avail < LOOKAHEAD)
			return INCOMPLETE;
		s->rq.operation = type;
		s->rq.state = MONGODB_ELEMENT_NAME;
		return mongodb_take(s, x, x->avail < LOOKAHEAD ? x->avail : LOOKAHEAD, 0) ? CONSUMED
											  : mongodb_rest(s);
	}
	if (!inside && n == 3 && p[1] == 'o' && p[2] == 'k' && bson_is_number(type)) {
		size = bson_size(type) & BSON_BYTES;
		if (x->avail < 4 + size)
			return INCOMPLETE;
		if (!low_bytes(load64(p + 4), size))
			s->rq.bits |= MONGODB_FAILED;
	}
	if (!inside && n == 12 &&
	    load64(p + 1) == ('w' | 'r' << 8 | 'i' << 16 | 't' << 24 | (__u64)'e' << 32 | (__u64)'E' << 40 |
			      (__u64)'r' << 48 | (__u64)'r' << 56) &&
	    load32(p + 9) == ('o' | 'r' << 8 | 's' << 16))
		s->rq.bits |= MONGODB_FAILED;
	if (s->rq.bits & MONGODB_FAILED)
		return mongodb_rest(s);
	return mongodb_value(s, x, type, n + 1);
}

static __always_inline enum verdict mongodb_answer(struct stream *s, struct queue *q, const __u8 *p,
						   struct exchange *x)
{
	__u64 bytes;
	__u32 flags;

	switch (s->rq.state) {
	case MONGODB_MESSAGE:
		return mongodb_answer_header(s, q, p, x);
	case MONGODB_FLAGS:
		if (x->avail < 4)
			return INCOMPLETE;
		if (load32(p) & MONGODB_MORE_TO_COME)
			q->told[1] |= MONGODB_MORE;
		s->rq.state = MONGODB_SECTION;
		return mongodb_take(s, x, 4, 0) ? CONSUMED : mongodb_rest(s);
	case MONGODB_SECTION:
		if (s->rq.count <= 4) /* a checksum, no section */
			return mongodb_rest(s);
		if (x->avail < 5)
			return INCOMPLETE;
		if (mongodb_section(s, p, x, 0))
			s->rq.state = MONGODB_ELEMENT;
		return CONSUMED;
	case MONGODB_REPLY_FLAGS: /* and the cursor and where it stands */
		flags = load32(p);
		if (x->avail < LOOKAHEAD)
			return INCOMPLETE;
		if (flags & (MONGODB_CURSOR_NOT_FOUND | MONGODB_QUERY_FAILURE))
			s->rq.bits |= MONGODB_FAILED;
		s->rq.state = MONGODB_REPLY_DOCUMENT;
		/* Where documents are asked for, an element "ok" may be anyone's. */
		if (s->rq.bits & MONGODB_FAILED || q->told[0] & MONGODB_FINDS || !mongodb_take(s, x, LOOKAHEAD, 0))
			return mongodb_rest(s);
		return CONSUMED;
	case MONGODB_REPLY_DOCUMENT: /* with its length */
		if (x->avail < 8)
			return INCOMPLETE;
		s->rq.state = MONGODB_ELEMENT;
		if (load32(p) != 1 || !mongodb_take(s, x, 8, 0))
			return mongodb_rest(s);
		return CONSUMED;
	case MONGODB_ELEMENT_VALUE:
		if (x->avail < 4)
			return INCOMPLETE;
		bytes = (__u64)load32(p) + (bson_size(s->rq.operation) & BSON_BYTES);
		s->rq.state = MONGODB_ELEMENT;
		return bytes >= 4 && mongodb_take(s, x, 4, bytes - 4) ? CONSUMED : mongodb_rest(s);
	default: /* MONGODB_ELEMENT, MONGODB_ELEMENT_NAME */
		return mongodb_element(s, p, x);
	}
}

static __always_inline enum verdict mongodb_message(struct stream *s, struct queue *q, const __u8 *p,
						    struct exchange *x)
{
	return x->asks ? mongodb_request(s, q, p, x) : mongodb_answer(s, q, p, x);
}

static __always_inline void mongodb_answer_passed(struct stream *s, struct queue *q, struct exchange *x)
{
	if (!mongodb_ends(s))
		return;
	s->rq.state = MONGODB_MESSAGE;
	if (s->rq.bits & MONGODB_SILENT)
		return;
	exchange_answer(x, EXCHANGE_ANSWERED, s->rq.bits & MONGODB_FAILED);
	x->id = s->rq.word;
}

#endif
