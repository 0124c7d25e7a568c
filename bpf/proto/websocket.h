/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * window ──> classify ──> [protocol parser] ──> record: WebSocket frames, RFC 6455 sections 5 and 7.4.
 *
 * Pure. One step takes at most one frame: a header with as much of its payload as the call holds, or more payload of
 * the frame in progress. Payload is never looked at, but for the two bytes of a close code and, hashed, for pings.
 */
#ifndef TAPSTAT_PROTO_WEBSOCKET_H
#define TAPSTAT_PROTO_WEBSOCKET_H

#include "../conn.h"
#include "verdict.h"

enum ws_opcode {
	WS_CONTINUATION = 0,
	WS_TEXT = 1,
	WS_BINARY = 2,
	WS_CLOSE = 8,
	WS_PING = 9,
	WS_PONG = 10,
};

enum ws_frame_bits {
	WS_OPCODE = 0x0f,
	WS_CONTROL = 0x08,
	WS_RSV2_RSV3 = 0x30,
	WS_RSV1 = 0x40,
	WS_FIN = 0x80,
};

enum {
	WS_CONTROL_MAX = 125,     /* RFC 6455 section 5.5 */
	WS_CONTROL_STEP = 8,      /* bytes of a control payload hashed in one step */
	WS_NO_CODE = 0,           /* a Close frame without a status code */
	WS_UNKNOWN_MESSAGE = 15,  /* joined between frames: there may or may not be a message in progress */
	WS_JOIN_POINTS = 8,       /* of evidence, both directions together, to join a connection */
	WS_JOIN_EACH = 2,         /* ... of which each direction must have these */
	WS_JOIN_ALONE = 14,       /* likewise while the other direction is silent */
	WS_RESYNC_POINTS = 3,     /* likewise to take up a direction of a connection known to be WebSocket */
	WS_HELD = 2,              /* frames of the chain before the last header that are counted afterwards */
	WS_HASH_SEED = 0x811c9dc5 /* FNV-1a, 32 bits */
};

/* What the bytes may be; fixed by the handshake and by who sends. */
struct ws_rules {
	bool masked;       /* RFC 6455 section 5.1: client to server always, server to client never */
	bool rsv1_allowed; /* an extension that uses RSV1 was negotiated (RFC 7692), or may have been */
};

/* A frame whose last payload byte was consumed by this step; `frame` 0 and `message` 0: none. */
struct ws_event {
	bool frame;   /* a frame is complete */
	bool message; /* ... and with it a data message */
	__u8 opcode;  /* of the frame */
	__u8 message_opcode;
	__u16 code; /* Close: the status code, WS_NO_CODE if empty */
	__u32 hash; /* Ping, Pong: of the payload, unmasked */
	__u64 message_bytes;
};

struct ws_header {
	__u8 first; /* FIN, RSV, opcode */
	bool masked;
	bool minimal; /* the length could not be written shorter */
	__u32 bytes;  /* of the header */
	__u32 mask;   /* not with a length of 64 bits */
	__u64 payload;
};

static __always_inline enum verdict ws_header_decode(const __u8 *p, __u32 avail, struct ws_header *h)
{
	__u64 low = load64(p), high = load64(p + 8);
	__u64 length = (low >> 8) & 0x7f;
	__u64 masked = (low >> 15) & 1, is16 = is_zero(length ^ 126), is64 = is_zero(length ^ 127);

	h->first = low & 0xff;
	h->masked = masked;
	h->bytes = 2 + is16 * 2 + is64 * 8 + masked * 4;
	if (avail < h->bytes)
		return INCOMPLETE;
	h->payload = length;
	h->minimal = true;
	if (unlikely(is64)) {
		h->payload = __builtin_bswap64((low >> 16) | (high << 48));
		h->minimal = h->payload > 0xffff;
	} else if (is16) {
		h->payload = __builtin_bswap16((__u16)(low >> 16));
		h->minimal = h->payload > 125;
	}
	/* Behind the length; the third word holds it only where the length takes no more than 16 bits. */
	h->mask = (__u32)(low >> (16 + is16 * 16)) & -(__u32)masked;
	return CONSUMED;
}

/*
 * Whether the header may stand here. `message` is the opcode of the message in progress, 0 for none, or
 * WS_UNKNOWN_MESSAGE. Every rule sets
 * a bit of `bad`; the rules of control frames (section 5.5: final, no extension bit, short, a close code takes two
 * bytes) and those of data frames (section 5.4, RFC 7692 section 6) are selected by a mask.
 */
static __always_inline bool ws_header_valid(const struct ws_header *h, const struct ws_rules *rules, __u8 message)
{
	__u64 first = h->first, opcode = first & WS_OPCODE;
	__u64 control = -(opcode >> 3), continuation = is_zero(opcode);
	__u64 payload = h->payload & ~(1ULL << 63);
	__u64 bad = (first & WS_RSV2_RSV3) | (~(0x0707ULL >> opcode) & 1) | (h->payload >> 63);

	bad |= (__u64)h->masked ^ (__u64)rules->masked;
	bad |= control & (((first ^ WS_FIN) & (WS_FIN | WS_RSV1)) | exceeds(payload, WS_CONTROL_MAX) |
			  (is_zero(opcode ^ WS_CLOSE) & is_zero(payload ^ 1)));
	bad |= control & (__u64)!h->minimal;
	bad |= ~control & ((first >> 6) & ((__u64)!rules->rsv1_allowed | continuation) & 1);
	bad |= ~control & is_zero(continuation ^ is_zero(message)) & ~is_zero(message ^ WS_UNKNOWN_MESSAGE);
	return !bad;
}

/* The codes that may travel in a frame (section 7.4; registered ones up to 1014, private ones from 3000). */
static __always_inline __u64 ws_close_code_valid(__u16 code)
{
	return exceeds(4, (__u16)(code - 1000)) | exceeds(8, (__u16)(code - 1007)) |
	       exceeds(2000, (__u16)(code - 3000));
}

/* Takes up to WS_CONTROL_STEP bytes of a control frame's payload. */
static __always_inline __u64 ws_control_payload(struct stream *s, const __u8 *p, __u32 avail)
{
	__u64 n = min_u64(min_u64(s->ws.payload_left, avail), WS_CONTROL_STEP);
	__u64 bytes = load64(p);
	__u32 mask = s->control.mask, hash = s->control.hash, code = s->control.code, passed = s->control.passed;

#pragma clang loop unroll(full)
	for (__u32 i = 0; i < WS_CONTROL_STEP; i++) {
		__u32 byte = (bytes ^ mask) & 0xff;

		if (i < n) {
			hash = (hash ^ byte) * 0x01000193;
			code = passed < 2 ? (code << 8) | byte : code;
			mask = (mask >> 8) | (mask << 24);
			passed++;
		}
		bytes >>= 8;
		opaque(bytes);
	}
	s->control.mask = mask;
	s->control.hash = hash;
	s->control.code = code;
	s->control.passed = passed;
	s->ws.payload_left -= n;
	return n;
}

/* Closes the books on a data frame whose payload has passed. */
static __always_inline void ws_data_complete(struct stream *s, struct ws_event *event)
{
	event->opcode = s->frame & WS_OPCODE;
	event->frame = true;
	if (s->frame & WS_FIN) {
		event->message = s->message != WS_UNKNOWN_MESSAGE; /* of which type, and how long, nobody knows */
		event->message_opcode = s->message & 3;
		event->message_bytes = s->ws.message_bytes;
		s->message = 0;
		s->ws.message_bytes = 0;
	}
}

/* Likewise on a frame of any kind. */
static __always_inline enum verdict ws_frame_complete(struct stream *s, struct ws_event *event)
{
	if (!(s->frame & WS_CONTROL)) {
		ws_data_complete(s, event);
		return CONSUMED;
	}
	event->opcode = s->frame & WS_OPCODE;
	event->hash = s->control.hash;
	event->code = s->control.passed >= 2 ? s->control.code : WS_NO_CODE;
	if (event->opcode == WS_CLOSE && s->control.passed >= 2 && !ws_close_code_valid(event->code))
		return MALFORMED;
	event->frame = true;
	return CONSUMED;
}

/* Notes the header of a data frame that may stand here. */
static __always_inline void ws_data_header(struct stream *s, __u32 opcode, __u64 payload)
{
	if (opcode != WS_CONTINUATION)
		s->message = opcode;
	s->ws.message_bytes += payload;
}

/*
 * The common case of ws_step(): a data frame begins here. False: it is something else, or not all of its header is
 * here; nothing was touched.
 */
static __always_inline bool ws_data_step(struct stream *s, const struct ws_rules *rules, const __u8 *p, __u32 avail,
					 __u64 left, __u64 *consumed, struct ws_event *event)
{
	struct ws_header h;
	__u64 passed;

	if (s->ws.payload_left || ws_header_decode(p, avail, &h) == INCOMPLETE || (h.first & WS_CONTROL) ||
	    !ws_header_valid(&h, rules, s->message))
		return false;
	s->frame = h.first;
	ws_data_header(s, h.first & WS_OPCODE, h.payload);
	passed = min_u64(h.payload, left - h.bytes);
	s->ws.payload_left = h.payload - passed;
	*consumed = h.bytes + passed;
	if (!s->ws.payload_left)
		ws_data_complete(s, event);
	return true;
}

/* What ws_data_step() does not do; see ws_step(). *h is working memory. */
static __always_inline enum verdict ws_other_step(struct stream *s, const struct ws_rules *rules, const __u8 *p,
						  __u32 avail, __u64 left, __u64 *consumed, struct ws_event *event,
						  struct ws_header *h)
{
	*consumed = 0;
	if (s->ws.payload_left) {
		if (s->frame & WS_CONTROL) {
			*consumed = ws_control_payload(s, p, avail);
		} else {
			*consumed = min_u64(s->ws.payload_left, left);
			s->ws.payload_left -= *consumed;
		}
		return s->ws.payload_left ? CONSUMED : ws_frame_complete(s, event);
	}
	if (ws_header_decode(p, avail, h) == INCOMPLETE)
		return INCOMPLETE;
	spare_stack();
	if (!ws_header_valid(h, rules, s->message))
		return MALFORMED;

	s->frame = h->first;
	*consumed = h->bytes;
	s->ws.payload_left = h->payload;
	s->control.mask = h->mask;
	s->control.hash = WS_HASH_SEED;
	s->control.code = 0;
	s->control.passed = 0;
	return s->ws.payload_left ? CONSUMED : ws_frame_complete(s, event);
}

/*
 * One step of a direction in step (STREAM_FRAMES). `left` counts the bytes of the call from `p` on, `avail` those of
 * them that can be seen. *event must come zeroed.
 */
static __always_inline enum verdict ws_step(struct stream *s, const struct ws_rules *rules, const __u8 *p,
					    __u32 avail, __u64 left, __u64 *consumed, struct ws_event *event)
{
	struct ws_header header;

	if (ws_data_step(s, rules, p, avail, left, consumed, event))
		return CONSUMED;
	return ws_other_step(s, rules, p, avail, left, consumed, event, &header);
}

/* ---- Recognition in mid-stream ----------------------------------------------------------------------------- */

/*
 * Frames of the chain that are counted once the direction is in step, so that nothing is lost where the chain began
 * at the first byte seen. One frame: bits 0-3 opcode, 4-5 opcode of the message it ends, 7 FIN, 8-31 bytes of that
 * message. The latest WS_HELD of them lie in ws.minute, the older one high; 0: none, and never a Close frame.
 */
static __always_inline __u32 ws_hold(__u8 first, __u8 message, __u64 message_bytes)
{
	if ((first & WS_OPCODE) == WS_CLOSE || message_bytes >= 1 << 24)
		return 0;
	return (__u32)message_bytes << 8 | (message & 3) << 4 | (first & (WS_FIN | WS_OPCODE));
}

static __always_inline void ws_held_event(__u32 held, struct ws_event *event)
{
	event->frame = held != 0;
	event->opcode = held & WS_OPCODE;
	event->message = (held & WS_FIN) && !(held & WS_CONTROL);
	event->message_opcode = held >> 4 & 3;
	event->message_bytes = held >> 8;
}

static __always_inline void ws_candidate_reset(struct stream *s)
{
	s->chain = 0;
	s->message = WS_UNKNOWN_MESSAGE;
	s->ws.payload_left = 0;
	s->ws.message_bytes = 0;
	s->ws.minute = 0;
}

enum {
	WS_TEXT_LOOK = 8, /* bytes of a text looked at, as far as they can be carried with its header */
	WS_NO_EVIDENCE = 0xff
};

/*
 * Whether a text message that begins with the low `n` bytes of `bytes` is likely: no control characters but tab, line
 * feed and carriage return, no byte that UTF-8 never has, and no continuation byte first.
 */
static __always_inline bool ws_text_likely(__u64 bytes, __u64 n)
{
	__u64 bad = is_zero((bytes & 0xc0) ^ 0x80) & exceeds(n, 0);

#pragma clang loop unroll(full)
	for (__u64 i = 0; i < WS_TEXT_LOOK; i++) {
		__u64 c = bytes & 0xff;

		bad |= exceeds(n, i) & ((exceeds(0x20, c) & (0xffffd9ffULL >> (c & 31))) | exceeds(c, 0xf4));
		bytes >>= 8;
		opaque(bad); /* one byte after the other: the stack is short */
		opaque(bytes);
	}
	return !(bad & 1);
}

/* How many bytes of a text are looked at: as many whatever the calls and segments. */
static __always_inline __u64 ws_text_look(const struct ws_header *h)
{
	__u64 room = CARRY_BYTES - h->bytes;

	return min_u64(h->payload, min_u64(room, WS_TEXT_LOOK));
}

/* What is known of the connection of a direction in STREAM_CANDIDATE. */
struct ws_candidate { /* bits rather than bools: the verifier would follow each value by itself */
	__u32 known;  /* the connection is WebSocket, `masked` holds */
	__u32 masked;
	__u32 other_silent; /* nothing has passed in the other direction */
	__u32 other_failed; /* ... or what passed there last was no frame */
	__u32 other_masked; /* else: whether the frames of its chain are masked ... */
	__u32 other_chain;  /* ... and their points */
	__u64 call_left;    /* bytes of the call, further segments included */
	/* What the step makes of it: */
	__u64 consumed;
	bool ready; /* the header completes the evidence */
	struct ws_header header;
};

/* A byte that tells most masking keys apart. */
static __always_inline __u8 ws_mask_digest(__u32 mask)
{
	mask ^= mask >> 16;
	return (mask ^ mask >> 8) << 1;
}

/* Whether the bytes of the key lie close together, as samples of a signal do and one in 64 of random keys. */
static __always_inline __u64 ws_mask_narrow(__u32 mask)
{
	__u64 first = mask & 0xff, near = 1;

#pragma clang loop unroll(full)
	for (int i = 8; i < 32; i += 8)
		near &= exceeds(64, ((mask >> i) - first + 32) & 0xff);
	return near;
}

/* The eight bytes behind a header of 2 to 8 bytes, unmasked. */
static __always_inline __u64 ws_first_payload(const struct ws_header *h, const __u8 *p)
{
	__u64 low = load64(p), high = load64(p + 8), shift = h->bytes * 8;

	return (low >> 1 >> (shift - 1) | high << (64 - shift)) ^ (h->mask | (__u64)h->mask << 32);
}

/*
 * The points of evidence that a header is worth; WS_NO_EVIDENCE: it can't stand here. Stricter than
 * ws_header_valid(), since here the alternative is any other protocol: only final frames count, since their first
 * byte has the top bit set; text has to look like text behind its mask; empty unfinished frames, which runs of zeros
 * would be, are refused. While the other direction is silent and can't agree, unmasked frames other than text count
 * nothing, being common in binary protocols, nor do masked ones whose key is the same again, as in records that
 * repeat, or looks like samples of a signal: masking keys are random (RFC 6455 section 5.3).
 */
static __always_inline __u32 ws_points(const struct stream *s, const struct ws_candidate *c,
				       const struct ws_rules *rules, const struct ws_header *h, const __u8 *p)
{
	__u8 message = s->message == WS_UNKNOWN_MESSAGE ? 0 : s->message;
	__u32 opcode = h->first & WS_OPCODE;

	if (!ws_header_valid(h, rules, message) || !h->minimal || h->payload >> 24)
		return WS_NO_EVIDENCE;
	if (!(h->first & WS_FIN))
		return h->payload ? 0 : WS_NO_EVIDENCE;
	if (opcode == WS_TEXT && !h->payload)
		return 0;
	if (h->first == (WS_FIN | WS_TEXT) && h->bytes <= 8)
		return ws_text_likely(ws_first_payload(h, p), ws_text_look(h)) ? 2 : WS_NO_EVIDENCE;
	if (c->known)
		return 1;
	if (!c->other_silent)
		return 1;
	return h->masked && !ws_mask_narrow(h->mask) && (!s->chain || (s->masked ^ ws_mask_digest(h->mask)) & 0xfe);
}

/*
 * A connection that is about to end gives no chain: where it is known to be WebSocket, a Close frame that ends with
 * its call and has a code that may travel will do.
 */
static __always_inline bool ws_is_last_close(const struct ws_candidate *c, const struct ws_header *h, const __u8 *p)
{
	__u64 alone = is_zero((h->first & WS_OPCODE) ^ WS_CLOSE) & is_zero((h->bytes + h->payload) ^ c->call_left);
	__u64 told = ws_close_code_valid(__builtin_bswap16((__u16)ws_first_payload(h, p)));

	return c->known & alone & (is_zero(h->payload) | told);
}

/* Whether the points are enough. */
static __always_inline bool ws_points_suffice(const struct ws_candidate *c, __u32 masked, __u32 points)
{
	__u64 alone = c->other_silent & exceeds(points, WS_JOIN_ALONE - 1);
	__u64 both = exceeds(points, WS_JOIN_EACH - 1) & exceeds(c->other_chain, WS_JOIN_EACH - 1) &
		     (c->other_masked ^ masked) & exceeds(points + c->other_chain, WS_JOIN_POINTS - 1);
	__u64 known = c->known & exceeds(points, WS_RESYNC_POINTS - 1);

	return known | (~c->known & is_zero(c->other_failed) & (alone | both));
}

/*
 * One step of a direction that may carry frames. MALFORMED: the bytes fit no frame, the caller tries again at the
 * start of another call. c->ready: the header at `p` completes the evidence; it was not consumed, and the direction
 * can go on from it in STREAM_FRAMES.
 */
static __always_inline enum verdict ws_candidate_step(struct stream *s, struct ws_candidate *c, const __u8 *p,
						      __u32 avail, __u64 left)
{
	struct ws_rules rules = {.rsv1_allowed = true};
	struct ws_header *h = &c->header;
	__u32 points, chained, masked;
	__u64 passed, look;

	c->ready = false;
	c->consumed = min_u64(s->ws.payload_left, left);
	if (c->consumed) {
		s->ws.payload_left -= c->consumed;
		return CONSUMED;
	}
	if (ws_header_decode(p, avail, h) == INCOMPLETE)
		return INCOMPLETE;
	spare_stack();
	/* Known; or like the chain; or the first of one. */
	chained = is_zero((s->flags & STREAM_CHAIN) ^ STREAM_CHAIN);
	masked = (s->masked & chained) | (h->masked & ~chained);
	masked = ((c->masked & c->known) | (masked & ~c->known)) & 1;
	rules.masked = masked;
	/* The code of a Close frame and the beginning of a text tell; some write them apart from the header. */
	look = 2 * is_zero((h->first & WS_OPCODE) ^ WS_CLOSE) * (1 - is_zero(h->payload));
	if (h->first == (WS_FIN | WS_TEXT) && h->bytes <= 8)
		look = ws_text_look(h);
	if (avail < h->bytes + look)
		return INCOMPLETE;
	points = ws_points(s, c, &rules, h, p);
	if (points == WS_NO_EVIDENCE)
		return MALFORMED;
	spare_stack();

	s->chain = min_u64(s->chain + points, 100);
	points = *(volatile __u8 *)&s->chain; /* the verifier forgets which points these were */
	s->masked = (ws_mask_digest(h->mask) & 0xfe) | masked;
	s->flags |= STREAM_CHAIN;
	if (ws_points_suffice(c, masked, points) || ws_is_last_close(c, h, p)) {
		c->ready = true;
		return CONSUMED;
	}

	s->frame = h->first;
	if (!(h->first & WS_CONTROL))
		ws_data_header(s, h->first & WS_OPCODE, h->payload);
	s->ws.minute =
		s->ws.minute << 32 | ws_hold(h->first, s->message, h->first & WS_CONTROL ? 0 : s->ws.message_bytes);
	if ((h->first & WS_FIN) && !(h->first & WS_CONTROL)) {
		s->message = 0;
		s->ws.message_bytes = 0;
	}
	passed = min_u64(h->payload, left - h->bytes);
	s->ws.payload_left = h->payload - passed;
	c->consumed = h->bytes + passed;
	return CONSUMED;
}

#endif
