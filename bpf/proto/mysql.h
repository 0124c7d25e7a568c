/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * window ──> classify ──> [protocol parser] ──> record: MySQL and MariaDB (MySQL Server Doxygen, "Client/Server
 * Protocol"; MariaDB Knowledge Base, "Client/Server Protocol"). Pure; see exchange.h.
 *
 * Either side sends packets: a length of three bytes, a sequence number, that many bytes. The server greets, the
 * client logs in, then each packet with number 0 is a command; numbers count on through what answers it. A packet of
 * the greatest length is continued by the next one.
 *
 * How an answer is to be read depends on its command; two flags of the request tell it (enum mysql_shape).
 */
#ifndef TAPSTAT_PROTO_MYSQL_H
#define TAPSTAT_PROTO_MYSQL_H

#include "../operation_names.h"
#include "exchange.h"

enum {
	MYSQL_HEADER = 4,
	MYSQL_LONGEST = 0xffffff, /* a packet of this length is continued */
	MYSQL_PEEK = 14,          /* of a packet: its header, a byte, a number */
	MYSQL_PATIENCE = 320,     /* bytes of white space and comments in which the first word is looked for */
};

enum mysql_request_state {
	MYSQL_COMMAND,   /* at a command, or at a packet that answers the server's question */
	MYSQL_TEXT,      /* before the first word of SQL; s->rq.count bytes of the packet are left */
	MYSQL_COMMENT,   /* the same, in a comment */
	MYSQL_LINE,      /* ... in one that ends with its line */
	MYSQL_CONTINUED, /* at the header that continues a command; it has number s->rq.count */
	MYSQL_ASKED,     /* behind a command's packet */
};

/* s->rq.bits of the asking direction, and of a command in the table. */
enum mysql_request_bits {
	MYSQL_UNFINISHED = 1 << 0, /* the next packet continues this one: both directions */
	MYSQL_UNANSWERED = 1 << 1,
	MYSQL_HIDES = 1 << 4,
	MYSQL_SQL = 1 << 5, /* SQL follows; its first word is the operation */
	MYSQL_ENCRYPTS = 1 << 6,
};

/* How the answer begins: flags of the request. */
enum mysql_shape {
	MYSQL_RESULT = 0,
	MYSQL_BARE_ROWS = ASKED_A,          /* rows, or column definitions, up to an end */
	MYSQL_STATEMENT = ASKED_B,          /* a prepared statement and its definitions */
	MYSQL_OTHERWISE = ASKED_A | ASKED_B /* a text, or a question about who the user is */
};

enum mysql_answer_state {
	MYSQL_ANSWER,      /* at the first packet of an answer, or of what precedes all commands */
	MYSQL_VERSION,     /* in the greeting, in the server's version; s->rq.count bytes are left */
	MYSQL_OFFER,       /* in the greeting, at the capabilities */
	MYSQL_ONE_MORE,    /* at the first packet of a result that is not the first packet of the answer */
	MYSQL_DEFINITIONS, /* at a column's definition: s->rq.count of them are left */
	MYSQL_DEFINED,     /* behind the columns' definitions */
	MYSQL_ROWS,
	MYSQL_PREPARED, /* at a definition of a prepared statement: s->rq.count of them are left */
	MYSQL_STATUS,   /* in an OK, behind its first number; s->rq.count bytes are left */
	MYSQL_ONE_OVER, /* behind the last packet of a result; another one follows */
	MYSQL_OVER,     /* behind the last packet of an answer */
	MYSQL_LAST,     /* behind the last packet that can be read */
};

/* s->rq.bits of the answering direction; s->rq.word is the sequence number to come. */
enum mysql_answer_bits {
	MYSQL_FAILED = 1 << 1,
	MYSQL_MAYBE_END = 1 << 2, /* whether an EOF follows the definitions is not known yet */
};

/* q->told. Bits of both: what the client wants and the server offers. */
enum mysql_told {
	MYSQL_BARE_ENDS = 1 << 4, /* no EOF behind definitions. Answers: from the end of the login on that is known */
	MYSQL_ZLIB = 1 << 5,
	MYSQL_ZSTD = 1 << 6,
	MYSQL_LEADING_FLAG = 1 << 7, /* before the number of columns, whether their definitions follow */

	/* told[0]: */
	MYSQL_TOOK_PACKETS = 1 << 0, /* the latest command had more than one: its answer's numbers begin higher */
	MYSQL_CAPABLE = 1 << 1,      /* the client has told its capabilities */

	/* told[1]: */
	MYSQL_IN_TRANSACTION = TOLD_IN_TRANSACTION,
	MYSQL_LOGIN = 1 << 1,      /* packets of the client answer questions about who it is */
	MYSQL_TAKES_FILE = 1 << 2, /* ... are parts of a file */
	MYSQL_EOF_ENDS = 1 << 3,   /* an EOF behind definitions */
};

enum mysql_capabilities {
	MYSQL_CLIENT_COMPRESS = 1 << 5,
	MYSQL_CLIENT_PROTOCOL_41 = 1 << 9,
	MYSQL_CLIENT_SSL = 1 << 11,
	MYSQL_CLIENT_DEPRECATE_EOF = 1 << 24,
	MYSQL_CLIENT_OPTIONAL_METADATA = 1 << 25,
	MYSQL_CLIENT_ZSTD = 1 << 26,
};

enum mysql_status {
	MYSQL_SERVER_IN_TRANS = 1 << 0,
	MYSQL_SERVER_MORE_RESULTS = 1 << 3,
	MYSQL_SERVER_CURSOR = 1 << 6, /* the rows wait to be fetched */
};

/* First bytes of packets. */
enum {
	MYSQL_OK = 0,
	MYSQL_MORE_DATA = 1,
	MYSQL_GREETING = 10,
	MYSQL_FILE = 0xfb,
	MYSQL_END = 0xfe,
	MYSQL_ERR = 0xff
};

/* ---- Text ------------------------------------------------------------------------------------------------------ */

#define MYSQL_TOPS 0x8080808080808080ULL

/* Marks each byte that equals `byte` in its top bit; unlike match_byte() exact behind the first one, too. */
static __always_inline __u64 mysql_equal(__u64 word, __u8 byte)
{
	__u64 x = word ^ (byte * 0x0101010101010101ULL);

	return ~(((x & ~MYSQL_TOPS) + ~MYSQL_TOPS) | x) & MYSQL_TOPS;
}

static __always_inline __u64 mysql_not_letters(__u64 word)
{
	__u64 x = (word | LOWER_CASE) & ~MYSQL_TOPS;

	return (~(x + 0x1f1f1f1f1f1f1f1fULL) | (x + 0x0505050505050505ULL) | word) & MYSQL_TOPS;
}

/* What no statement begins with: all below '@' but the first bytes of comments; digits are those of a version. */
static __always_inline __u64 mysql_not_skipped(__u64 word)
{
	return ((((word & ~MYSQL_TOPS) + 0x4040404040404040ULL) | word) & MYSQL_TOPS) | mysql_equal(word, '#') |
	       mysql_equal(word, '-') | mysql_equal(word, '/');
}

/* Position of the first marked byte of two overlapping words, the second of which begins at `at`; or `none`. */
static __always_inline __u32 mysql_first(__u64 low, __u64 high, __u32 at, __u32 none)
{
	return low ? lowest_bit(low) >> 3 : high ? at + (lowest_bit(high) >> 3) : none;
}

/* Letters at `p`, of which 16 can be read and `visible` are valid. */
static __always_inline __u32 mysql_word(const __u8 *p, __u32 visible)
{
	return min_u64(mysql_first(mysql_not_letters(load64(p)), mysql_not_letters(load64(p + 8)), 8, 16), visible);
}

/* Bytes that a length-encoded number takes, by its first one. */
static __always_inline __u32 mysql_number_bytes(__u8 first)
{
	return first < 0xfb ? 1 : 0x0109040301ULL >> (8 * (first - 0xfb)) & 15;
}

/* ---- First bytes ----------------------------------------------------------------------------------------------- */

static __always_inline bool mysql_is_digit(__u8 c)
{
	return (__u8)(c - '0') < 10;
}

/* "5.5.5-10.11.6-MariaDB", "8.0.36". */
static __always_inline bool mysql_is_version(const __u8 *p)
{
	__u32 dot = p[1] == '.' ? 1 : 2;

	return mysql_is_digit(p[0]) && (dot == 1 || mysql_is_digit(p[1])) && p[dot] == '.' &&
	       mysql_is_digit(p[dot + 1]);
}

/* An error before any login (too many connections, not from this host): its code, its state or its text. */
static __always_inline bool mysql_is_refusal(const __u8 *p)
{
	__u32 code = load16(p), text = load32(p + 2);

	if (code < 1000 || code >= 5000)
		return false;
	if (p[2] == '#')
		return mysql_is_digit(p[3]);
	return !mysql_not_letters((text & 0xffffff) | 0x6161616161000000ULL);
}

/* The first packet inside TLS: the client's whole answer to a greeting that passed in clear, its second packet. */
static __always_inline bool mysql_logs_in(__u32 sequence, __u32 length, __u32 capabilities)
{
	const __u32 both = MYSQL_CLIENT_PROTOCOL_41 | MYSQL_CLIENT_SSL;

	return sequence == 2 && length > 32 && (capabilities & both) == both;
}

/* The server's greeting, or its refusal to greet; inside TLS the client's answer. */
static __always_inline enum starts mysql_starts(const __u8 *p, __u32 avail)
{
	__u32 header = low_bytes(load32(p), avail < 4 ? avail : 4), length = header & MYSQL_LONGEST;

	if (avail >= LOOKAHEAD && length < 1024 && mysql_logs_in(header >> 24, length, load32(p + 4)))
		return !(load32(p + 12) >> 8) ? STARTS_ASKING : STARTS_NOT; /* a character set, then zeros */
	if (header >> 24 || length > 1024 || (avail >= 3 && length < 12))
		return STARTS_NOT;
	if (avail >= 5 && p[4] != MYSQL_GREETING && p[4] != MYSQL_ERR)
		return STARTS_NOT;
	if (avail < 10)
		return STARTS_SHORT;
	if (p[4] == MYSQL_ERR)
		return mysql_is_refusal(p + 5) ? STARTS_ANSWERING : STARTS_NOT;
	return length >= 32 && mysql_is_version(p + 5) ? STARTS_ANSWERING : STARTS_NOT;
}

/* A command of a connection that was open before: few are told from anything else. */
static __always_inline enum starts mysql_starts_joined(const __u8 *p, __u32 avail)
{
	__u32 header = load32(p), length = header & MYSQL_LONGEST, command = p[4], bytes, at, operation;
	__u8 behind;

	if (avail < 5) {
		header = low_bytes(header, avail);
		return (header >> 24 || (header & MYSQL_LONGEST) >= 1 << 20) ? STARTS_NOT : STARTS_SHORT;
	}
	if (header >> 24 || !length || length >= 1 << 20)
		return STARTS_NOT;
	if (length == 1) /* ping, reset_connection */
		return avail == 5 && (command == 0x0e || command == 0x1f) ? STARTS_ASKING : STARTS_NOT;
	if (command != 0x03 && command != 0x16 && command != 0x17)
		return STARTS_NOT;
	if (avail < LOOKAHEAD && avail < MYSQL_HEADER + length)
		return STARTS_SHORT;
	if (command == 0x17) /* a small id, no cursor or one, one iteration */
		return length >= 10 && !p[8] && load32(p + 5) && p[9] <= 1 && load32(p + 10) == 1 ? STARTS_ASKING
												  : STARTS_NOT;
	at = command == 0x03 && !p[5] && p[6] == 1 ? 7 : 5;
	p += at;
	bytes = mysql_word(p, min_u64(min_u64(avail, LOOKAHEAD), MYSQL_HEADER + length) - at);
	operation = operation_by_name(BACKEND_MYSQL, OPERATION_MYSQL_OTHER, p, bytes);
	if (operation <= OPERATION_MYSQL_OTHER || operation > OPERATION_MYSQL_VALUES)
		return STARTS_NOT;
	if (at + bytes == MYSQL_HEADER + length)
		return STARTS_ASKING;
	behind = p[bytes & 15];
	return at + bytes < LOOKAHEAD &&
			       (behind == ' ' || behind == '\n' || behind == '\r' || behind == '\t' ||
				behind == '(' || behind == ';' || behind == '*' || behind == '`' || behind == '/')
		       ? STARTS_ASKING
		       : STARTS_NOT;
}

/* ---- Requests -------------------------------------------------------------------------------------------------- */

enum { MYSQL_COMMANDS = 64 };

static const struct {
	__u16 operation; /* OPERATION_NONE: not a client's to send */
	__u8 bytes;      /* at least so many, the command's own included */
	__u8 bits;       /* enum mysql_request_bits, enum mysql_shape */
} mysql_commands[MYSQL_COMMANDS] = {
	[0x01] = {OPERATION_MYSQL_QUIT, 1, MYSQL_UNANSWERED},
	[0x02] = {OPERATION_MYSQL_INIT_DB, 1, MYSQL_RESULT},
	[0x03] = {OPERATION_MYSQL_OTHER, 1, MYSQL_SQL}, /* COM_QUERY */
	[0x04] = {OPERATION_MYSQL_FIELD_LIST, 2, MYSQL_BARE_ROWS},
	[0x05] = {OPERATION_MYSQL_CREATE, 1, MYSQL_RESULT}, /* COM_CREATE_DB */
	[0x06] = {OPERATION_MYSQL_DROP, 1, MYSQL_RESULT},   /* COM_DROP_DB */
	[0x07] = {OPERATION_MYSQL_REFRESH, 2, MYSQL_RESULT},
	[0x08] = {OPERATION_MYSQL_SHUTDOWN, 1, MYSQL_RESULT},
	[0x09] = {OPERATION_MYSQL_STATISTICS, 1, MYSQL_OTHERWISE},
	[0x0a] = {OPERATION_MYSQL_OTHER, 1, MYSQL_RESULT}, /* COM_PROCESS_INFO */
	[0x0c] = {OPERATION_MYSQL_PROCESS_KILL, 5, MYSQL_RESULT},
	[0x0d] = {OPERATION_MYSQL_DEBUG, 1, MYSQL_RESULT},
	[0x0e] = {OPERATION_MYSQL_PING, 1, MYSQL_RESULT},
	[0x11] = {OPERATION_MYSQL_CHANGE_USER, 2, MYSQL_OTHERWISE},
	[0x12] = {OPERATION_MYSQL_BINLOG_DUMP, 1, MYSQL_HIDES},
	[0x13] = {OPERATION_MYSQL_OTHER, 1, MYSQL_HIDES}, /* COM_TABLE_DUMP */
	[0x15] = {OPERATION_MYSQL_REGISTER_REPLICA, 1, MYSQL_RESULT},
	[0x16] = {OPERATION_MYSQL_STMT_PREPARE, 1, MYSQL_STATEMENT},
	[0x17] = {OPERATION_MYSQL_STMT_EXECUTE, 10, MYSQL_RESULT},
	[0x18] = {OPERATION_MYSQL_STMT_SEND_LONG_DATA, 7, MYSQL_UNANSWERED},
	[0x19] = {OPERATION_MYSQL_STMT_CLOSE, 5, MYSQL_UNANSWERED},
	[0x1a] = {OPERATION_MYSQL_STMT_RESET, 5, MYSQL_RESULT},
	[0x1b] = {OPERATION_MYSQL_SET_OPTION, 3, MYSQL_RESULT},
	[0x1c] = {OPERATION_MYSQL_STMT_FETCH, 9, MYSQL_BARE_ROWS},
	[0x1e] = {OPERATION_MYSQL_BINLOG_DUMP, 1, MYSQL_HIDES}, /* COM_BINLOG_DUMP_GTID */
	[0x1f] = {OPERATION_MYSQL_RESET_CONNECTION, 1, MYSQL_RESULT},
	[0x20] = {OPERATION_MYSQL_OTHER, 1, MYSQL_HIDES},         /* COM_CLONE */
	[0x21] = {OPERATION_MYSQL_OTHER, 1, MYSQL_HIDES},         /* COM_SUBSCRIBE_GROUP_REPLICATION_STREAM */
	[0x22] = {OPERATION_MYSQL_BULK_EXECUTE, 7, MYSQL_RESULT}, /* MariaDB's 0xfa, moved here */
};

/* The capabilities that matter, as bits of q->told. */
static __always_inline __u8 mysql_capabilities(__u32 capabilities)
{
	return (capabilities & MYSQL_CLIENT_COMPRESS) |                                  /* bit 5 to bit 5 */
	       (capabilities & (MYSQL_CLIENT_DEPRECATE_EOF | MYSQL_CLIENT_ZSTD)) >> 20 | /* 24 to 4, 26 to 6 */
	       (capabilities & MYSQL_CLIENT_OPTIONAL_METADATA) >> 18;                    /* 25 to 7 */
}

static __always_inline enum verdict mysql_asked(struct stream *s, __u32 operation, __u32 left)
{
	s->rq.operation = operation;
	s->rq.left = left;
	s->rq.count = 1;
	s->rq.state = MYSQL_ASKED;
	return CONSUMED;
}

/* SQL at `p`, behind `at` bytes that are taken already: looks for its first word. */
static __always_inline enum verdict mysql_text(struct stream *s, const __u8 *p, struct exchange *x, __u32 at)
{
	__u32 left = s->rq.count, visible = min_u64(x->avail - at, left), taken, state = s->rq.state;
	__u64 low, high;

	if (visible < 16 && visible < left) {
		x->consumed = at;
		return at ? CONSUMED : INCOMPLETE;
	}
	low = load64(p);
	if (state == MYSQL_COMMENT) {
		low = mysql_equal(low, '*') & mysql_equal(load64(p + 1), '/');
		high = mysql_equal(load64(p + 7), '*') & mysql_equal(load64(p + 8), '/');
		taken = mysql_first(low, high, 7, 13) + 2;
		state = low | high ? MYSQL_TEXT : MYSQL_COMMENT;
	} else if (state == MYSQL_LINE) {
		low = mysql_equal(low, '\n');
		high = mysql_equal(load64(p + 8), '\n');
		taken = mysql_first(low, high, 8, 15) + 1;
		state = low | high ? MYSQL_TEXT : MYSQL_LINE;
	} else {
		taken = mysql_first(mysql_not_skipped(low), 0, 0, 8);
		if (!taken && p[0] == '/' && p[1] == '*') {
			/* What is in such a comment is executed, and belongs to the statement. */
			taken = p[2] == '!' ? 3 : p[2] == 'M' && p[3] == '!' ? 4 : 2;
			state = taken == 2 ? MYSQL_COMMENT : MYSQL_TEXT;
		} else if (!taken && (p[0] == '#' || (p[0] == '-' && p[1] == '-'))) {
			taken = 1;
			state = MYSQL_LINE;
		}
		if (!taken && left) {
			x->consumed = at;
			return mysql_asked(
				s, operation_by_name(BACKEND_MYSQL, OPERATION_MYSQL_OTHER, p, mysql_word(p, visible)),
				left);
		}
	}
	taken = min_u64(taken, visible);
	x->consumed = at + taken;
	if (taken == left || s->rq.word < taken)
		return mysql_asked(s, OPERATION_MYSQL_OTHER, left - taken);
	s->rq.count = left - taken;
	s->rq.word -= taken;
	s->rq.state = state;
	return CONSUMED;
}

/* A packet of the client with which it logs in, or that is part of a file. */
static __always_inline enum verdict mysql_reply(struct stream *s, struct queue *q, const __u8 *p, struct exchange *x,
						__u32 sequence, __u32 length)
{
	__u32 capabilities = load32(p + 4);

	if (!q->told[1] && mysql_logs_in(sequence, length, capabilities)) {
		/* What it takes of the greeting, since that was not seen. */
		q->told[1] = MYSQL_LOGIN | mysql_capabilities(capabilities);
		sequence = 1;
	}
	if (!(q->told[1] & (MYSQL_LOGIN | MYSQL_TAKES_FILE)))
		return MALFORMED;
	x->consumed = MYSQL_HEADER;
	s->rq.left = length;
	if (sequence != 1 || !(q->told[1] & MYSQL_LOGIN))
		return CONSUMED;
	if (length < 5)
		return MALFORMED;
	if (!(capabilities & MYSQL_CLIENT_PROTOCOL_41) || (length == 32 && (capabilities & MYSQL_CLIENT_SSL))) {
		/* A protocol of before 2004, or TLS from the next byte on. */
		s->rq.bits = capabilities & MYSQL_CLIENT_PROTOCOL_41 ? MYSQL_ENCRYPTS : MYSQL_HIDES;
		return mysql_asked(s, OPERATION_NONE, length);
	}
	q->told[0] = mysql_capabilities(capabilities) | MYSQL_CAPABLE;
	return CONSUMED;
}

/* A packet of the client, from its header on; up to the SQL if it is a query. */
static __always_inline enum verdict mysql_packet(struct stream *s, struct queue *q, const __u8 *p, struct exchange *x)
{
	__u32 header = load32(p), length = header & MYSQL_LONGEST, sequence = header >> 24, command = p[4], bits, at;

	if (x->avail < MYSQL_HEADER)
		return INCOMPLETE;
	if (s->rq.state == MYSQL_CONTINUED) {
		if (sequence != (s->rq.count & 0xff))
			return MALFORMED;
		x->consumed = MYSQL_HEADER;
		s->rq.count++;
		s->rq.left = length;
		s->rq.bits &= ~MYSQL_UNFINISHED;
		s->rq.bits |= length == MYSQL_LONGEST ? MYSQL_UNFINISHED : 0;
		s->rq.state = MYSQL_ASKED;
		return CONSUMED;
	}
	if (x->avail < min_u64(length, 4) + MYSQL_HEADER)
		return INCOMPLETE;
	if (sequence || (q->told[1] & MYSQL_TAKES_FILE)) /* a file's numbers run over */
		return mysql_reply(s, q, p, x, sequence, length);

	command = command == 0xfa ? 0x22 : command == 0x22 ? 0 : command;
	if (command >= MYSQL_COMMANDS)
		return MALFORMED;
	clamp_mask(command, 63); /* for the verifier */
	if (!mysql_commands[command].operation || length < mysql_commands[command].bytes)
		return MALFORMED;
	bits = mysql_commands[command].bits;
	at = MYSQL_HEADER + 1;
	q->told[0] &= ~MYSQL_TOOK_PACKETS;
	if (length == MYSQL_LONGEST) {
		bits |= MYSQL_UNFINISHED;
		q->told[0] |= MYSQL_TOOK_PACKETS;
	}
	s->rq.bits = bits;
	x->consumed = at;
	if (!(bits & MYSQL_SQL))
		return mysql_asked(s, mysql_commands[command].operation, length - 1);
	if (length >= 3 && p[6] == 1) { /* attributes of the query: their number, of one set */
		if (p[5])
			return mysql_asked(s, OPERATION_MYSQL_OTHER, length - 1);
		at += 2;
	}
	s->rq.count = length + MYSQL_HEADER - at;
	s->rq.word = MYSQL_PATIENCE;
	s->rq.state = MYSQL_TEXT;
	x->consumed = at;
	return CONSUMED;
}

static __always_inline bool mysql_in_text(const struct stream *s)
{
	return s->rq.state >= MYSQL_TEXT && s->rq.state <= MYSQL_LINE;
}

static __always_inline enum verdict mysql_request(struct stream *s, struct queue *q, const __u8 *p,
						  struct exchange *x)
{
	enum verdict verdict;
	__u32 at = 0;

	if (!mysql_in_text(s)) {
		verdict = mysql_packet(s, q, p, x);
		if (verdict != CONSUMED || !mysql_in_text(s))
			return verdict;
		at = x->consumed; /* 5 or 7 */
		clamp_mask(at, 7);
	}
	return mysql_text(s, p + at, x, at);
}

static __always_inline void mysql_request_passed(struct stream *s, struct queue *q, struct exchange *x)
{
	if (s->rq.state != MYSQL_ASKED)
		return;
	if (s->rq.bits & MYSQL_UNFINISHED) {
		s->rq.state = MYSQL_CONTINUED;
		return;
	}
	s->rq.state = MYSQL_COMMAND;
	exchange_event(x, EXCHANGE_ASKED, s->rq.operation);
	x->flags = s->rq.bits & (ASKED_A | ASKED_B);
	if (s->rq.bits & MYSQL_UNANSWERED)
		x->event = EXCHANGE_ASKED_ONLY;
	if (s->rq.bits & MYSQL_HIDES)
		x->event = EXCHANGE_HIDDEN;
	if (s->rq.bits & MYSQL_ENCRYPTS)
		x->event = EXCHANGE_ENCRYPTED;
}

/* ---- Answers --------------------------------------------------------------------------------------------------- */

/* The greeting: capabilities behind the version, a thread's number and eight bytes of a challenge. */
static __always_inline enum verdict mysql_greeting(struct stream *s, struct queue *q, const __u8 *p,
						   struct exchange *x)
{
	__u32 left = s->rq.count, n;
	__u64 ends;

	if (s->rq.state == MYSQL_OFFER) {
		if (x->avail < 7)
			return INCOMPLETE;
		q->told[1] |= mysql_capabilities(load16(p) | (__u32)load16(p + 5) << 16);
		x->consumed = 7;
		s->rq.left = left - 7;
		s->rq.state = MYSQL_ANSWER;
		return CONSUMED;
	}
	ends = mysql_equal(load64(p), 0);
	n = ends ? (lowest_bit(ends) >> 3) + 1 : 8;
	if (n > x->avail) {
		ends = 0;
		n = x->avail;
	}
	if (left < n + 13 + 7)
		return MALFORMED;
	x->consumed = n;
	s->rq.count = left - n;
	if (ends) {
		s->rq.left = 13;
		s->rq.count -= 13;
		s->rq.state = MYSQL_OFFER;
	}
	return CONSUMED;
}

/* A packet of the server before the first command. */
static __always_inline enum verdict mysql_login(struct stream *s, struct queue *q, const __u8 *p, struct exchange *x,
						__u32 length)
{
	__u32 both = q->told[0] & q->told[1];

	x->consumed = MYSQL_HEADER;
	s->rq.left = length;
	if (length < 7 || p[4] != MYSQL_OK)
		return CONSUMED;
	q->told[1] &= ~(MYSQL_LOGIN | MYSQL_BARE_ENDS);
	if (q->told[0] & MYSQL_CAPABLE)
		q->told[1] |= both & MYSQL_BARE_ENDS ? MYSQL_BARE_ENDS : MYSQL_EOF_ENDS;
	if (both & (MYSQL_ZLIB | MYSQL_ZSTD))
		s->rq.state = MYSQL_LAST;
	return CONSUMED;
}

/* The end of a result, with this status. */
static __always_inline void mysql_end(struct stream *s, struct queue *q, __u32 status)
{
	q->told[1] = (q->told[1] & ~MYSQL_IN_TRANSACTION) | (status & MYSQL_SERVER_IN_TRANS);
	s->rq.state = status & MYSQL_SERVER_MORE_RESULTS ? MYSQL_ONE_OVER : MYSQL_OVER;
}

/* The end of an OK: a number, the status, and more; behind `at` bytes that are taken already. */
static __always_inline enum verdict mysql_ok_status(struct stream *s, struct queue *q, const __u8 *p,
						    struct exchange *x, __u32 at)
{
	__u32 left = s->rq.count, bytes, visible = x->avail - at;

	p += at;
	bytes = mysql_number_bytes(p[0]);
	if (visible < 11 && visible < left) {
		x->consumed = at;
		return at ? CONSUMED : INCOMPLETE;
	}
	if (left < bytes + 2)
		return MALFORMED;
	x->consumed = at + bytes + 2;
	s->rq.left = left - bytes - 2;
	p += bytes;
	mysql_end(s, q, load16(p));
	return CONSUMED;
}

/* An OK, or the end of rows that looks like one: two numbers, the status. */
static __always_inline enum verdict mysql_ok(struct stream *s, struct queue *q, const __u8 *p, struct exchange *x,
					     __u32 length)
{
	__u32 at = mysql_number_bytes(p[5]);

	if (length < at + 4)
		return MALFORMED;
	s->rq.left = 0;
	s->rq.count = length - at - 1;
	s->rq.state = MYSQL_STATUS;
	return mysql_ok_status(s, q, p, x, at + MYSQL_HEADER + 1);
}

static __always_inline void mysql_definitions_end(struct queue *q, __u8 with)
{
	q->told[1] = (q->told[1] & ~(MYSQL_EOF_ENDS | MYSQL_BARE_ENDS)) | with;
}

/* The number of columns, with a flag whether their definitions follow: in front of it (MySQL) or behind (MariaDB). */
static __always_inline enum verdict mysql_columns(struct stream *s, const __u8 *p, __u32 length, bool flag_leads)
{
	__u32 bytes, number, follow = 1;

	if (flag_leads) {
		follow = p[4];
		p++;
		length--;
	}
	number = p[4];
	bytes = 1;
	if (number == 0xfc) {
		number = load16(p + 5);
		bytes = 3;
	}
	if (length == bytes + 1 && !flag_leads)
		follow = p[4 + bytes];
	else if (length != bytes)
		return MALFORMED;
	if (!number || (bytes == 1 && number > 0xfa) || follow > 1)
		return MALFORMED;
	s->rq.count = number;
	s->rq.state = follow ? MYSQL_DEFINITIONS : MYSQL_DEFINED;
	return CONSUMED;
}

static __always_inline enum verdict mysql_answer(struct stream *s, struct queue *q, const __u8 *p, struct exchange *x)
{
	__u32 header = load32(p), length = header & MYSQL_LONGEST, sequence = header >> 24, first = p[4];
	__u32 shape = x->asked_flags & (ASKED_A | ASKED_B), state = s->rq.state, bits = s->rq.bits;
	bool eof = length == 5 && first == MYSQL_END, leads;

	if (state == MYSQL_VERSION || state == MYSQL_OFFER)
		return mysql_greeting(s, q, p, x);
	if (state == MYSQL_STATUS)
		return mysql_ok_status(s, q, p, x, 0);
	if (x->avail < MYSQL_HEADER || x->avail < min_u64(length + MYSQL_HEADER, MYSQL_PEEK))
		return INCOMPLETE;
	if (state == MYSQL_ANSWER) {
		s->rq.bits = 0;
		if (!sequence && first == MYSQL_GREETING && length >= 32 && !x->asked_any) {
			q->told[1] = MYSQL_LOGIN;
			x->consumed = MYSQL_HEADER + 1;
			s->rq.count = length - 1;
			s->rq.state = MYSQL_VERSION;
			return CONSUMED;
		}
		if (q->told[1] & MYSQL_LOGIN)
			return mysql_login(s, q, p, x, length);
		if (eof && (bits & MYSQL_MAYBE_END) && sequence == s->rq.word) {
			/* What the answer before ended with; from now on that is known. */
			mysql_definitions_end(q, MYSQL_EOF_ENDS);
			x->consumed = MYSQL_HEADER + 5;
			return CONSUMED;
		}
		if (!sequence && first == MYSQL_ERR && length >= 3) {
			/* Nobody asked, the connection ends; a command may have crossed it. */
			x->consumed = MYSQL_HEADER;
			s->rq.left = length;
			s->rq.bits = MYSQL_FAILED;
			s->rq.state = x->asked_any ? MYSQL_OVER : MYSQL_ANSWER;
			return CONSUMED;
		}
		if (sequence != 1 && (!sequence || !(q->told[0] & MYSQL_TOOK_PACKETS)))
			return MALFORMED;
	} else if (sequence != s->rq.word && !(q->told[1] & (MYSQL_LOGIN | MYSQL_TAKES_FILE))) {
		return MALFORMED;
	}
	s->rq.word = (sequence + 1) & 0xff;
	s->rq.left = length;
	x->consumed = MYSQL_HEADER;

	if (state != MYSQL_ANSWER && (bits & MYSQL_UNFINISHED)) { /* the rest of a row */
		s->rq.bits = length == MYSQL_LONGEST ? bits : bits & ~MYSQL_UNFINISHED;
		return CONSUMED;
	}
	if (!length)
		return MALFORMED;
	if (first == MYSQL_ERR) {
		if (length < 3)
			return MALFORMED;
		if (load16(p + 5) == 0xffff) { /* a report of progress */
			s->rq.state = state == MYSQL_ANSWER ? MYSQL_ONE_MORE : state;
			return CONSUMED;
		}
		q->told[1] &= ~(MYSQL_LOGIN | MYSQL_TAKES_FILE);
		s->rq.bits |= MYSQL_FAILED;
		s->rq.state = MYSQL_OVER;
		return CONSUMED;
	}
	switch (state) {
	case MYSQL_DEFINITIONS:
		if (length < 12 || first >= 0xfb)
			return MALFORMED;
		s->rq.count--;
		s->rq.state = s->rq.count ? MYSQL_DEFINITIONS : MYSQL_DEFINED;
		return CONSUMED;
	case MYSQL_PREPARED:
		if (eof) {
			mysql_definitions_end(q, MYSQL_EOF_ENDS);
		} else if (!s->rq.count || length < 12 || first >= 0xfb) {
			return MALFORMED;
		} else {
			s->rq.count--;
		}
		if (!s->rq.count && (eof || !(q->told[1] & MYSQL_EOF_ENDS))) {
			s->rq.bits |= q->told[1] & (MYSQL_EOF_ENDS | MYSQL_BARE_ENDS) ? 0 : MYSQL_MAYBE_END;
			s->rq.state = MYSQL_OVER;
		}
		return CONSUMED;
	case MYSQL_DEFINED:
		mysql_definitions_end(q, eof ? MYSQL_EOF_ENDS : MYSQL_BARE_ENDS);
		if (eof && !(load16(p + 7) & MYSQL_SERVER_CURSOR)) {
			s->rq.state = MYSQL_ROWS;
			return CONSUMED;
		}
		break;
	case MYSQL_ROWS:
		break;
	default: /* the first packet of a result */
		if (shape == MYSQL_BARE_ROWS)
			break;
		if (shape == MYSQL_OTHERWISE && first != MYSQL_OK) {
			s->rq.state = MYSQL_OVER;
			if (first == MYSQL_END || first == MYSQL_MORE_DATA) { /* the client is asked for more */
				q->told[1] |= MYSQL_LOGIN;
				s->rq.state = MYSQL_ONE_MORE;
			}
			return CONSUMED;
		}
		leads = !(~(q->told[0] & q->told[1]) & MYSQL_LEADING_FLAG) && !shape && first <= 1 && length < 7;
		q->told[1] &= ~(MYSQL_LOGIN | MYSQL_TAKES_FILE);
		if (first == MYSQL_OK && shape == MYSQL_STATEMENT) {
			if (length < 12)
				return MALFORMED;
			s->rq.count = load16(p + 9) + load16(p + 11);
			s->rq.state = s->rq.count ? MYSQL_PREPARED : MYSQL_OVER;
			return CONSUMED;
		}
		if (shape == MYSQL_STATEMENT)
			return MALFORMED;
		if (first == MYSQL_FILE) {
			q->told[1] |= MYSQL_TAKES_FILE;
			s->rq.state = MYSQL_ONE_MORE;
			return CONSUMED;
		}
		if (leads || (first != MYSQL_OK && first != MYSQL_END))
			return mysql_columns(s, p, length, leads);
		if (first == MYSQL_OK)
			return length < 7 ? MALFORMED : mysql_ok(s, q, p, x, length);
		break;
	}
	/* A row, or the end of rows, which is an EOF or looks like an OK. */
	if (first != MYSQL_END || length == MYSQL_LONGEST) {
		s->rq.bits |= length == MYSQL_LONGEST ? MYSQL_UNFINISHED : 0;
		s->rq.state = MYSQL_ROWS;
		return CONSUMED;
	}
	if (eof) {
		mysql_end(s, q, load16(p + 7));
		return CONSUMED;
	}
	return length < 7 ? MALFORMED : mysql_ok(s, q, p, x, length);
}

static __always_inline enum verdict mysql_message(struct stream *s, struct queue *q, const __u8 *p,
						  struct exchange *x)
{
	return x->asks ? mysql_request(s, q, p, x) : mysql_answer(s, q, p, x);
}

static __always_inline void mysql_answer_passed(struct stream *s, struct queue *q, struct exchange *x)
{
	if (s->rq.state == MYSQL_OVER) {
		s->rq.state = MYSQL_ANSWER;
		exchange_answer(x, EXCHANGE_ANSWERED, s->rq.bits & MYSQL_FAILED);
	} else if (s->rq.state == MYSQL_ONE_OVER) {
		/* Each statement of a text has a result of its own; those of a procedure are one statement's. */
		s->rq.state = MYSQL_ONE_MORE;
		if (x->asked != OPERATION_MYSQL_CALL && x->asked != OPERATION_MYSQL_STMT_EXECUTE)
			exchange_answer(x, EXCHANGE_PART, false);
	} else if (s->rq.state == MYSQL_LAST) {
		s->rq.state = MYSQL_ANSWER;
		exchange_event(x, EXCHANGE_HIDDEN, OPERATION_NONE);
	}
}

#endif
