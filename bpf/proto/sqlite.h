/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * probe of SQLite ──> [text of a statement] ──> operation: its verb (SQLite's manual, "SQL As Understood By SQLite").
 * Pure.
 *
 * Nothing but white space, comments and empty statements may stand before the verb. Behind WITH it is the first verb
 * outside of parentheses, if it is near enough.
 */
#ifndef TAPSTAT_PROTO_SQLITE_H
#define TAPSTAT_PROTO_SQLITE_H

#include "../operation_names.h"

enum { SQLITE_TEXT_BYTES = 512 }; /* that are looked at: some put comments in front, and WITH may take long */

/* Where the search is. */
enum sqlite_text_state {
	SQLITE_BETWEEN,
	SQLITE_WORD,
	SQLITE_DASH,    /* behind the first byte of "--" */
	SQLITE_SLASH,   /* ... and of a comment in C's style */
	SQLITE_LINE,    /* in a comment up to the end of the line */
	SQLITE_COMMENT, /* ... up to a star and a slash */
	SQLITE_STAR,
	SQLITE_QUOTED, /* up to `quote` */
};

struct sqlite_text {
	__u64 low, high; /* the word so far, in lower case */
	__u32 bytes;     /* of it */
	__u32 state;     /* enum sqlite_text_state */
	__u32 depth;     /* of parentheses */
	__u32 quote;
	__u32 with;      /* WITH was the first word */
	__u32 operation; /* OPERATION_NONE: nothing but blanks so far */
	__u32 rest;      /* bytes of the text that are there */
	__u32 wide;      /* 1: UTF-16, little-endian */
	__u8 text[SQLITE_TEXT_BYTES];
};

static __always_inline bool sqlite_is_letter(__u32 c)
{
	return (c | 0x20) - 'a' <= 'z' - 'a' || c == '_' || c > 0x7f;
}

static __always_inline bool sqlite_in_word(__u32 c)
{
	return sqlite_is_letter(c) || c - '0' <= 9 || c == '$';
}

/* What a statement with WITH may turn out to be. */
static __always_inline bool sqlite_takes_with(__u32 operation)
{
	return operation == OPERATION_SQLITE_SELECT || operation == OPERATION_SQLITE_INSERT ||
	       operation == OPERATION_SQLITE_UPDATE || operation == OPERATION_SQLITE_DELETE ||
	       operation == OPERATION_SQLITE_REPLACE;
}

/* A word has ended. Whether the search is over. */
static __always_inline bool sqlite_word_ends(struct sqlite_text *text)
{
	__u32 operation =
		operation_by_words(BACKEND_SQLITE, OPERATION_SQLITE_OTHER, text->low, text->high, text->bytes);

	if (text->with) {
		if (text->depth || !sqlite_takes_with(operation))
			return false;
		text->operation = operation;
		return true;
	}
	text->operation = operation;
	text->with = operation == OPERATION_SQLITE_WITH;
	return !text->with;
}

static __always_inline void sqlite_word_grows(struct sqlite_text *text, __u32 c)
{
	__u64 lower = (c | LOWER_CASE) & 0xff;
	__u32 at = text->bytes;

	if (at < 8)
		text->low |= lower << (8 * at);
	else if (at < 16)
		text->high |= lower << (8 * (at - 8));
	text->bytes = at + 1;
}

/* What begins with a character between words. */
static __always_inline void sqlite_begins(struct sqlite_text *text, __u32 c)
{
	text->state = SQLITE_BETWEEN;
	if (sqlite_is_letter(c)) {
		text->state = SQLITE_WORD;
		text->low = text->high = text->bytes = 0;
		sqlite_word_grows(text, c);
	} else if (c == '-') {
		text->state = SQLITE_DASH;
	} else if (c == '/') {
		text->state = SQLITE_SLASH;
	} else if (c == '\'' || c == '"' || c == '`' || c == '[') {
		text->state = SQLITE_QUOTED;
		text->quote = c == '[' ? ']' : c;
	} else if (c == '(') {
		text->depth++;
	} else if (c == ')') {
		text->depth--;
	}
}

static __always_inline bool sqlite_is_blank(__u32 c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == ';';
}

/* One character. 1: the search is over. */
STEP(sqlite_text_step, sqlite_text)
{
	__u32 at = i << it->wide, c, state = it->state;

	opaque(at);
	if (at >= SQLITE_TEXT_BYTES || at >= it->rest)
		return 1;
	_Static_assert(SQLITE_TEXT_BYTES == 512, "the masks below");
	clamp_mask(at, 511);
	c = it->text[at];
	at |= it->wide;
	clamp_mask(at, 511);
	if (it->wide && it->text[at])
		c = 0xff; /* a letter of no verb */
	if (!c)
		return 1;
	switch (state) {
	case SQLITE_WORD:
		if (sqlite_in_word(c)) {
			sqlite_word_grows(it, c);
			return 0;
		}
		if (sqlite_word_ends(it))
			return 1;
		sqlite_begins(it, c);
		return 0;
	case SQLITE_DASH:
		if (c == '-')
			it->state = SQLITE_LINE;
		else
			sqlite_begins(it, c);
		return 0;
	case SQLITE_SLASH:
		if (c == '*')
			it->state = SQLITE_COMMENT;
		else
			sqlite_begins(it, c);
		return 0;
	case SQLITE_LINE:
		if (c == '\n')
			it->state = SQLITE_BETWEEN;
		return 0;
	case SQLITE_COMMENT:
	case SQLITE_STAR:
		it->state = c == '*'                           ? SQLITE_STAR
			    : c == '/' && state == SQLITE_STAR ? SQLITE_BETWEEN
							       : SQLITE_COMMENT;
		return 0;
	case SQLITE_QUOTED:
		if (c == it->quote)
			it->state = SQLITE_BETWEEN;
		return 0;
	default:
		if (!it->operation && !sqlite_is_blank(c) && !sqlite_is_letter(c) && c != '-' && c != '/') {
			it->operation = OPERATION_SQLITE_OTHER; /* nothing that SQLite takes */
			return 1;
		}
		sqlite_begins(it, c);
		return 0;
	}
}

/* Makes ready for the first `rest` bytes of a statement, which are in text->text. */
static __always_inline void sqlite_text_begin(struct sqlite_text *text, __u32 rest, bool wide)
{
	text->state = SQLITE_BETWEEN;
	text->depth = text->with = text->operation = 0;
	text->rest = wide ? rest & ~1U : rest;
	text->wide = wide;
}

/* The operation, behind the last step; OPERATION_NONE: the text is nothing but blanks and comments. */
static __always_inline __u32 sqlite_text_operation(struct sqlite_text *text)
{
	if (text->state == SQLITE_WORD) /* the text ends with it */
		sqlite_word_ends(text);
	return text->operation;
}

#endif
