/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Feeds one direction's bytes to the pure parsers, call by call, and writes down what they say.
 *
 * A parser is shown LOOKAHEAD bytes (HTTP: LOOK_BYTES) in front of a guard page, its valid ones first; the others are
 * poison, so that a verdict that depends on them differs from run to run. What a parser promises (verdict.h) is
 * checked at each step.
 */
#ifndef TAPSTAT_TESTS_STREAM_H
#define TAPSTAT_TESTS_STREAM_H

#include "guard.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunknown-pragmas"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include "proto/http.h"
#include "proto/websocket.h"
#pragma GCC diagnostic pop

enum event_kind {
	EVENT_FRAME,  /* complete; with message_opcode, the message too */
	EVENT_DECODE, /* a protocol violation; nothing follows */
	EVENT_BEGINS, /* the start line of a head was recognised */
	EVENT_PATH,   /* HTTP: the path of a request is complete; hash of it */
	EVENT_HEAD,   /* a head is complete */
	EVENT_BODY,   /* a body that is not empty is complete; message_bytes of it */
};

struct event {
	__u64 at; /* bytes of the stream up to here, of EVENT_BEGINS and _PATH to the head; not of EVENT_DECODE */
	__u64 message_bytes;
	__u32 hash;
	__u32 head; /* enum http_head_bits */
	__u16 code; /* of a Close frame, or the status of a response */
	__u8 kind;
	__u8 opcode;
	__u8 message_opcode; /* 0: no data message is complete */
	__u8 pad[7];
};

enum {
	EVENTS_MAX = 2048,
	IDLE_STEPS_MAX = 4, /* steps in a row that consume nothing: start line, field, name behind a prefix, value */
};

struct feed {
	struct stream stream;
	struct ws_rules rules;
	__u64 told;   /* bytes of all calls so far */
	__u8 poison;  /* in the place of bytes that are not valid */
	bool stopped; /* HTTP: at a head that asks for WebSocket or agrees to it */
	bool opaque;  /* HTTP: what is none was passed over to the end of the call */
	__u32 path;   /* HTTP: hash of it so far */
	__u32 events;
	struct event event[EVENTS_MAX];
	__u64 head_at; /* HTTP: where the head in progress begins */
};

static struct guarded feed_view; /* what a parser sees */

static inline void feed_begin(struct feed *f, enum stream_mode mode, bool masked, bool rsv1_allowed)
{
	if (!feed_view.end)
		feed_view = guarded_new(LOOK_BYTES);
	f->stream = (struct stream){.mode = mode};
	f->rules = (struct ws_rules){.masked = masked, .rsv1_allowed = rsv1_allowed};
	f->told = 0;
	f->poison = 0xa5;
	f->stopped = false;
	f->opaque = false;
	f->path = 0;
	f->events = 0;
}

static inline struct event *feed_event(struct feed *f, enum event_kind kind, __u64 at)
{
	struct event *e;

	require(f->events < EVENTS_MAX);
	e = &f->event[f->events++];
	*e = (struct event){.kind = kind, .at = kind == EVENT_DECODE ? 0 : at};
	return e;
}

static inline enum verdict feed_frames_step(struct feed *f, const __u8 *p, __u32 avail, __u64 left, __u64 at,
					    __u64 *consumed)
{
	struct ws_event event = {};
	enum verdict verdict = ws_step(&f->stream, &f->rules, p, avail, left, consumed, &event);
	struct event *e;

	if (verdict == MALFORMED) {
		feed_event(f, EVENT_DECODE, at);
		f->stream.mode = STREAM_DEAD;
	}
	if (verdict != CONSUMED || !event.frame)
		return verdict;
	e = feed_event(f, EVENT_FRAME, at + *consumed);
	e->opcode = event.opcode;
	e->message_opcode = event.message ? event.message_opcode : 0;
	e->message_bytes = event.message ? event.message_bytes : 0;
	e->hash = event.opcode == WS_PING || event.opcode == WS_PONG ? event.hash : 0;
	e->code = event.opcode == WS_CLOSE ? event.code : 0;
	return verdict;
}

static inline __u32 path_hash(__u32 hash, const __u8 *p, __u64 n)
{
	for (__u64 i = 0; i < n; i++)
		hash = hash * 31 + p[i] + 1;
	return hash;
}

/* What follows a complete head, as http_message() decides it; an answer of 101 ends the stream. */
static inline void feed_http_head(struct feed *f, __u64 at)
{
	struct event *e = feed_event(f, EVENT_HEAD, at);

	e->head = f->stream.http.head;
	e->code = e->head & HTTP_IS_REQUEST ? 0 : f->stream.http_status;
	f->stopped = http_asks_for_websocket(e->head) || e->code == 101;
	if (!f->stopped)
		http_after_head(&f->stream, false);
}

/* A step, and what the caller does behind it. */
static inline enum verdict feed_http_step(struct feed *f, const __u8 *p, __u32 avail, __u64 left, __u64 at,
					  __u64 *consumed)
{
	__u32 event = HTTP_NOTHING;
	enum verdict verdict = CONSUMED;
	struct stream *s = &f->stream;
	struct http_part part = {0};
	bool begins = s->http.state == HTTP_START && !s->http.left;
	struct event *e;
	__u64 skip;

	if (!s->http.left)
		verdict = http_step(s, p, avail, left, consumed, &event, &part);
	if (verdict == MALFORMED) { /* as http_lost(), and the rest of the call passes */
		f->opaque = true;
		s->http.left = s->http.begun = 0;
		s->http.state = HTTP_START;
		*consumed = left;
		return CONSUMED;
	}
	if (verdict != CONSUMED)
		return verdict;
	require(*consumed <= avail);
	f->opaque |= s->http.state == HTTP_OPAQUE;
	if (begins && ((s->http.state >= HTTP_FIELD && s->http.state <= HTTP_HEAD_END))) {
		e = feed_event(f, EVENT_BEGINS, at);
		f->head_at = at;
		e->code = s->http.head & HTTP_IS_REQUEST ? 0 : s->http_status;
		f->path = 0;
	}
	if (event == HTTP_PATH_PART || event == HTTP_PATH_END) {
		f->path = path_hash(f->path, p + part.at, part.bytes);
		if (event == HTTP_PATH_END)
			feed_event(f, EVENT_PATH, f->head_at)->hash = f->path;
	} else if (event == HTTP_HEAD_COMPLETE) {
		feed_http_head(f, at + *consumed);
	}
	if (f->stopped)
		return verdict;
	skip = min_u64(s->http.left, left - *consumed);
	s->http.left -= skip;
	*consumed += skip;
	if (!s->http.left && http_passed(s) == HTTP_MESSAGE_COMPLETE && s->http.size)
		feed_event(f, EVENT_BODY, at + *consumed)->message_bytes = s->http.size;
	return verdict;
}

/* One call of `len` bytes. */
static inline void feed_call(struct feed *f, const __u8 *bytes, __u64 len)
{
	__u64 carried = f->stream.carry_len, total = carried + len, off = 0, consumed, left;
	__u32 shown = f->stream.mode == STREAM_HTTP ? LOOK_BYTES : LOOKAHEAD;
	__u8 carry[LOOKAHEAD], *p = feed_view.end - shown;
	struct stream before;
	__u32 avail, i, idle = 0;
	enum verdict verdict;

	require(carried <= CARRY_BYTES);
	memcpy(carry, f->stream.carry, carried);
	f->stream.carry_len = 0;
	while (off < total && !f->stopped && f->stream.mode != STREAM_DEAD) {
		left = total - off;
		avail = min_u64(left, shown);
		for (i = 0; i < shown; i++)
			p[i] = i >= avail ? f->poison : off + i < carried ? carry[off + i] : bytes[off + i - carried];
		before = f->stream;
		consumed = 0;
		verdict = f->stream.mode == STREAM_HTTP
				  ? feed_http_step(f, p, avail, left, f->told + off - carried, &consumed)
				  : feed_frames_step(f, p, avail, left, f->told + off - carried, &consumed);
		require(consumed <= left);
		if (verdict == INCOMPLETE) {
			require(avail == left && avail <= CARRY_BYTES && !consumed);
			require(!memcmp(&before, &f->stream, sizeof(before)));
			memcpy(f->stream.carry, p, CARRY_BYTES);
			f->stream.carry_len = avail;
			break;
		}
		require(consumed || verdict == MALFORMED || memcmp(&before, &f->stream, sizeof(before)));
		idle = consumed ? 0 : idle + 1;
		require(idle <= IDLE_STEPS_MAX);
		off += consumed;
	}
	f->told += len;
}

/* The whole stream in calls that end at the given offsets. */
static inline void feed_split(struct feed *f, const __u8 *bytes, __u64 len, const __u64 *cut, __u32 cuts)
{
	__u64 from = 0;
	__u32 i;

	for (i = 0; i <= cuts; i++) {
		__u64 to = i < cuts ? cut[i] : len;

		if (to > from)
			feed_call(f, bytes + from, to - from);
		from = to;
	}
}

static inline bool feed_same(const struct feed *a, const struct feed *b)
{
	return a->events == b->events && !memcmp(a->event, b->event, a->events * sizeof(a->event[0]));
}

static inline void feed_print(const struct feed *f)
{
	static const char *const kinds[] = {"frame", "decode error", "head begins", "path", "head", "body"};
	__u32 i;

	for (i = 0; i < f->events; i++) {
		const struct event *e = &f->event[i];

		fprintf(stderr, "  %4llu %s opcode=%u message=%u bytes=%llu code=%u hash=%08x head=%#x\n", e->at,
			kinds[e->kind], e->opcode, e->message_opcode, e->message_bytes, e->code, e->hash, e->head);
	}
}

/*
 * Every way to cut the stream in two and, up to `pairs_max` bytes, in three; byte by byte; with other poisons. Leaves
 * the events of the uncut stream in `whole`; false: some cut gave others.
 */
static inline bool feed_every_split(struct feed *whole, struct feed *scratch, const __u8 *bytes, __u64 len,
				    __u64 pairs_max)
{
	static const __u8 poisons[] = {0, 0xff, '\n', '\r'};
	enum stream_mode mode = whole->stream.mode;
	__u64 cut[2], j, round = 0;

	feed_split(whole, bytes, len, NULL, 0);
	for (cut[0] = 0; cut[0] < len; cut[0]++)
		for (cut[1] = len; cut[1] > cut[0] && (cut[1] == len || len <= pairs_max); cut[1]--) {
			feed_begin(scratch, mode, whole->rules.masked, whole->rules.rsv1_allowed);
			scratch->poison = poisons[round++ % sizeof(poisons)];
			if (round == 1)
				for (j = 0; j < len; j++)
					feed_call(scratch, bytes + j, 1);
			else
				feed_split(scratch, bytes, len, cut, 2);
			if (feed_same(whole, scratch))
				continue;
			fprintf(stderr, "whole:\n");
			feed_print(whole);
			fprintf(stderr, "cut at %llu and %llu:\n", cut[0], cut[1]);
			feed_print(scratch);
			return false;
		}
	return true;
}

#endif
