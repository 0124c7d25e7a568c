/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Feeds both directions of a conversation to the parsers of one protocol, call by call, matches answers with requests
 * as the kernel side does, and writes down the operations.
 *
 * A parser is shown LOOK_BYTES in front of a guard page, its valid ones first; the others are poison.
 */
#ifndef TAPSTAT_TESTS_EXCHANGES_H
#define TAPSTAT_TESTS_EXCHANGES_H

#include "guard.h"
#include "operation_names.h"
#include "operations.h"
#include "proto/exchange.h"
#include "proto/queue.h"

#define METHOD_TEXT(set, value, text) text,

typedef enum starts starts_function(const __u8 *p, __u32 avail);
typedef enum verdict step_function(struct stream *s, struct queue *q, const __u8 *p, struct exchange *x);
typedef void passed_function(struct stream *s, struct queue *q, struct exchange *x);

struct exchange_protocol {
	starts_function *starts;
	step_function *message;
	passed_function *passed[2];                /* asking, answering */
	bool (*is_opaque)(const struct stream *s); /* HTTP */
};

/* EXCHANGE_PROTOCOL(redis): the functions of a parser as pointers. */
#define EXCHANGE_PROTOCOL(name)                                       \
	static enum starts name##_starts_(const __u8 *p, __u32 avail) \
	{                                                             \
		return name##_starts(p, avail);                       \
	}                                                             \
	EXCHANGE_STEPS(name, name##_starts_, NULL)

/* The same of a protocol that is recognised otherwise. */
#define EXCHANGE_STEPS(name, starts, is_opaque)                                                                   \
	static enum verdict name##_message_(struct stream *s, struct queue *q, const __u8 *p, struct exchange *x) \
	{                                                                                                         \
		return name##_message(s, q, p, x);                                                                \
	}                                                                                                         \
	static void name##_request_passed_(struct stream *s, struct queue *q, struct exchange *x)                 \
	{                                                                                                         \
		name##_request_passed(s, q, x);                                                                   \
	}                                                                                                         \
	static void name##_answer_passed_(struct stream *s, struct queue *q, struct exchange *x)                  \
	{                                                                                                         \
		name##_answer_passed(s, q, x);                                                                    \
	}                                                                                                         \
	static const struct exchange_protocol name##_protocol = {                                                 \
		starts, name##_message_, {name##_request_passed_, name##_answer_passed_}, is_opaque};

enum { EXCHANGE_REPEATS_SHOWN = 512 }; /* of a window */

enum { DIALOGUE_MAX = 4096, HTTP_TEXT_BYTES = 8192, ASKING = 0, ANSWERING = 1 };

/* One operation as it would be recorded. */
struct done_operation {
	__u16 operation;
	bool failed, timed;
};

struct asked_operation {
	__u32 id;
	__u16 operation;
	__u8 flags;
	bool taken;
	__u16 path; /* HTTP: where it begins among the paths */
	__u64 body; /* HTTP: of the request; LENGTH_NONE: has not passed yet */
};

struct dialogue {
	const struct exchange_protocol *protocol;
	struct stream stream[2]; /* asking, answering */
	struct queue queue;
	__u8 poison;
	bool by_id;     /* answers name their requests */
	bool broken[2]; /* MALFORMED was said */
	bool hidden;
	bool http_too;  /* the protocol is HTTP */
	bool opaque;    /* ... and what is none passed to the end of its call */
	__u32 unasked;  /* answers to nothing */
	__u32 repeated; /* messages that were known to be like the one before */
	__u32 asked_head, asked_tail, n_done, hits, misses;
	__u64 length;                /* the latest told */
	__u32 path, paths_end;       /* HTTP: the path of the request in progress, of all so far */
	char paths[HTTP_TEXT_BYTES]; /* ... method and path, each with its NUL */
	__u32 http_end;
	char http[HTTP_TEXT_BYTES]; /* ... what was answered: dialogue_http() */
	bool wants_keys;
	char keys[512]; /* those shown with a request in one call, a blank behind each */
	struct asked_operation asked[DIALOGUE_MAX];
	struct done_operation done[DIALOGUE_MAX];
};

static struct guarded dialogue_view;

static inline void dialogue_begin(struct dialogue *d, const struct exchange_protocol *protocol)
{
	if (!dialogue_view.end)
		dialogue_view = guarded_new(LOOK_BYTES);
	if (!operations.flags[OPERATION_REDIS_GET])
		require(!operations_fill(&operations));
	memset(d, 0, sizeof(*d));
	d->protocol = protocol;
	d->http_too = protocol->is_opaque;
	d->poison = 0xa5;
	d->length = LENGTH_NONE;
}

static inline void dialogue_done(struct dialogue *d, __u32 operation, bool failed, bool timed)
{
	require(d->n_done < DIALOGUE_MAX);
	require(operation > OPERATION_NONE && operation < OPERATION_COUNT);
	d->done[d->n_done++] = (struct done_operation){.operation = operation, .failed = failed, .timed = timed};
}

static inline struct asked_operation *dialogue_oldest(struct dialogue *d)
{
	while (d->asked_head < d->asked_tail && d->asked[d->asked_head].taken)
		d->asked_head++;
	return d->asked_head < d->asked_tail ? &d->asked[d->asked_head] : NULL;
}

static inline struct asked_operation *dialogue_asked(struct dialogue *d, __u32 id)
{
	if (!d->by_id)
		return dialogue_oldest(d);
	for (__u32 i = d->asked_head; i < d->asked_tail; i++)
		if (!d->asked[i].taken && d->asked[i].id == id)
			return &d->asked[i];
	return NULL;
}

/* "GET /path", "+SIZE" of a body that the request had, the status ("^" before it: what follows is no HTTP; none: no
 * answer), and "SIZE" of the answer's body; ", " between two. */
static inline void dialogue_http_add(struct dialogue *d, const struct asked_operation *asked, const char *mark,
				     __u32 status, __u64 size)
{
	char *at = d->http + d->http_end, *end = d->http + sizeof(d->http);

	at += snprintf(at, end - at, "%s%s", at > d->http ? ", " : "", d->paths + asked->path);
	if (asked->body == LENGTH_NONE)
		at += snprintf(at, end - at, " +?");
	else if (asked->body)
		at += snprintf(at, end - at, " +%llu", asked->body);
	if (status)
		at += snprintf(at, end - at, " %s%u", mark, status);
	if (size)
		at += snprintf(at, end - at, " %llu", size);
	require(at < end);
	d->http_end = at - d->http;
}

/* The answered requests, then the others. */
static inline const char *dialogue_http(struct dialogue *d)
{
	for (__u32 i = d->asked_head; i < d->asked_tail; i++)
		if (!d->asked[i].taken)
			dialogue_http_add(d, &d->asked[i], "", 0, 0);
	d->asked_head = d->asked_tail;
	return d->http;
}

/* Path and body of a request: what HTTP tells beside the common events. */
static inline void dialogue_http_event(struct dialogue *d, const struct exchange *x, const struct stream *s,
				       const __u8 *p)
{
	static const char *const methods[] = {LABEL_SET_METHOD(METHOD_TEXT)};

	switch (x->event) {
	case EXCHANGE_PATH:
	case EXCHANGE_PATH_END:
		require(d->path + x->part.bytes < HTTP_TEXT_BYTES);
		memcpy(d->paths + d->path, p + x->part.at, x->part.bytes);
		d->path += x->part.bytes;
		d->paths[d->path] = 0;
		if (x->event == EXCHANGE_PATH)
			return;
		require(s->http_method < METHOD_COUNT);
		d->path = d->paths_end;
		memmove(d->paths + d->path + strlen(methods[s->http_method]) + 1, d->paths + d->path,
			strlen(d->paths + d->path) + 1);
		memcpy(d->paths + d->path, methods[s->http_method], strlen(methods[s->http_method]));
		d->paths[d->path + strlen(methods[s->http_method])] = ' ';
		return;
	case EXCHANGE_ASKED:
		d->asked[d->asked_tail - 1].path = d->paths_end;
		d->asked[d->asked_tail - 1].body = x->length;
		d->paths_end += strlen(d->paths + d->paths_end) + 1;
		require(d->paths_end < HTTP_TEXT_BYTES - 600);
		d->path = d->paths_end;
		d->paths[d->path] = 0;
		return;
	case EXCHANGE_SIZED:
		require(d->asked_tail && d->asked[d->asked_tail - 1].body == LENGTH_NONE);
		d->asked[d->asked_tail - 1].body = x->length;
		return;
	}
}

static inline void dialogue_event(struct dialogue *d, const struct exchange *x)
{
	struct asked_operation *asked;

	d->hits += x->hits;
	d->misses += x->misses;
	if (x->length != LENGTH_NONE)
		d->length = x->length;
	switch (x->event) {
	case EXCHANGE_NOTHING:
	case EXCHANGE_PATH:
	case EXCHANGE_PATH_END:
	case EXCHANGE_SIZED:
		return;
	case EXCHANGE_KEY:
		require(x->key.whole && x->operation);
		return;
	case EXCHANGE_ASKED:
		require(d->asked_tail < DIALOGUE_MAX);
		if (x->key.whole) {
			strncat(d->keys, x->key.text, x->key.bytes);
			strcat(d->keys, " ");
		}
		d->asked[d->asked_tail++] =
			(struct asked_operation){.id = x->id, .operation = x->operation, .flags = x->flags};
		return;
	case EXCHANGE_ASKED_ONLY:
		dialogue_done(d, x->operation, false, false);
		return;
	case EXCHANGE_ENCRYPTED:
	case EXCHANGE_HIDDEN:
		d->hidden = true;
		return;
	case EXCHANGE_SYNC:
		while ((asked = dialogue_oldest(d))) {
			asked->taken = true;
			if (asked->flags & ASKED_SYNC)
				return;
		}
		return;
	}
	asked = dialogue_asked(d, x->id);
	if (!asked) {
		d->unasked++;
		return;
	}
	if (d->http_too)
		dialogue_http_add(d, asked, x->event == EXCHANGE_UPGRADED ? "^" : "", x->id,
				  x->event == EXCHANGE_ANSWERED ? x->length : 0);
	else if (x->event != EXCHANGE_DONE)
		dialogue_done(d, x->operation ? x->operation : asked->operation, x->failed,
			      x->event != EXCHANGE_SKIPPED);
	if (x->event != EXCHANGE_PART)
		asked->taken = true;
	d->hidden |= x->event == EXCHANGE_UPGRADED;
}

/* The names of the operations in the order of their answers, a ! behind those that failed. */
static inline const char *dialogue_text(const struct dialogue *d)
{
	static char text[DIALOGUE_MAX * (OPERATION_NAME_BYTES + 2)];
	char *at = text;

	*at = 0;
	for (__u32 i = 0; i < d->n_done; i++)
		at += sprintf(at, "%s%s%s", i ? " " : "", operation_text[d->done[i].operation],
			      d->done[i].failed ? "!" : "");
	return text;
}

/*
 * What exchange_repeats() says of the messages behind one: each must then turn out to be as long and to mean the
 * same. `left` of them are still to come.
 */
struct repeats {
	struct exchange first;
	__u64 bytes, passed;
	__u32 left, hits, misses;
};

static inline void dialogue_repeats(struct dialogue *d, struct repeats *r, const struct exchange *x, __u64 bytes,
				    const __u8 *text, __u64 left)
{
	__u32 most = 0;

	static __u8 window[EXCHANGE_REPEATS_SHOWN + LOOK_BYTES];
	__u64 shown = min_u64(left, EXCHANGE_REPEATS_SHOWN);
	struct exchange again;

	if (r->left) {
		r->passed += bytes;
		r->hits += x->hits;
		r->misses += x->misses;
		if (x->event == EXCHANGE_NOTHING) /* it takes another step */
			return;
		require(x->event == r->first.event && x->operation == r->first.operation && r->passed == r->bytes);
		require(x->failed == r->first.failed && x->flags == r->first.flags && x->length == LENGTH_NONE);
		require(r->hits == r->first.hits && r->misses == r->first.misses);
		r->passed = r->hits = r->misses = 0;
		r->left--;
		return;
	}
	if (!x->alike.head || (x->event != EXCHANGE_ASKED && x->event != EXCHANGE_ANSWERED))
		return;
	require(x->alike.head <= 24 && x->alike.bytes <= 8);
	memset(window, d->poison, sizeof(window));
	memcpy(window, text, shown);
	r->first = *x;
	r->bytes = bytes;
	for (__u32 i = d->asked_head; !x->asks && i + 1 < d->asked_tail; i++, most++) /* of the run */
		if (d->asked[i + 1].operation != x->asked || d->asked[i + 1].flags != x->asked_flags)
			break;
	again = *x;
	again.at = 0;
	again.consumed = bytes;
	r->left = exchange_repeats(&again, window, shown, EXCHANGE_REPEATS_SHOWN, x->asks ? RUN_COUNT_MAX : most);
	d->repeated += r->left;
}

/* One call of `len` bytes in one direction (ASKING, ANSWERING). */
static inline void dialogue_call(struct dialogue *d, int side, const void *text, __u64 len)
{
	struct stream *s = &d->stream[side];
	__u64 carried = s->carry_len, total = carried + len, off = 0, skip;
	__u8 carry[LOOKAHEAD], *p = dialogue_view.end - LOOK_BYTES;
	const __u8 *bytes = text;
	struct exchange_key key = {0};
	struct exchange x;
	struct repeats repeats = {0};
	struct stream before;
	int idle = 0;

	require(carried <= CARRY_BYTES);
	memcpy(carry, s->carry, carried);
	s->carry_len = 0;
	while (off < total && !d->broken[side] && !d->hidden) {
		struct asked_operation *asked = dialogue_oldest(d);
		enum verdict verdict = CONSUMED;

		x = (struct exchange){.left = total - off,
				      .avail = min_u64(total - off, LOOK_BYTES),
				      .asked = asked ? asked->operation : OPERATION_NONE,
				      .asked_any = asked != NULL,
				      .asked_flags = asked ? asked->flags : 0,
				      .wants_keys = d->wants_keys,
				      .asks = side == ASKING,
				      .length = LENGTH_NONE,
				      .key = key};
		before = *s;
		if (!s->rq.left) {
			for (__u32 i = 0; i < LOOK_BYTES; i++)
				p[i] = i >= x.avail        ? d->poison
				       : off + i < carried ? carry[off + i]
							   : bytes[off + i - carried];
			verdict = d->protocol->message(s, &d->queue, p, &x);
		}
		if (verdict == INCOMPLETE) {
			require(x.avail == x.left && x.avail <= CARRY_BYTES && !x.event);
			require(!memcmp(&before, s, sizeof(before)));
			memcpy(s->carry, p, CARRY_BYTES);
			s->carry_len = x.avail;
			break;
		}
		if (verdict == MALFORMED) {
			d->broken[side] = true;
			break;
		}
		require(x.consumed <= x.avail);
		d->opaque |= d->protocol->is_opaque && d->protocol->is_opaque(s);
		skip = min_u64(s->rq.left, x.left - x.consumed);
		s->rq.left -= skip;
		off += x.consumed + skip;
		if (!s->rq.left)
			d->protocol->passed[side](s, &d->queue, &x);
		if (x.event == EXCHANGE_SKIPPED) { /* what moves is the queue */
			require(asked && !x.consumed && !skip && !memcmp(&before, s, sizeof(before)));
			idle = 0;
			key = x.key;
			dialogue_event(d, &x);
			continue;
		}
		require(x.consumed || skip || memcmp(&before, s, sizeof(before)));
		idle = x.consumed || skip ? 0 : idle + 1;
		require(idle <= 4); /* HTTP: at an empty target, path, query, version */
		key = x.key;
		if (carried <= off - x.consumed - skip)
			dialogue_repeats(d, &repeats, &x, x.consumed + skip,
					 bytes + (off - x.consumed - skip - carried),
					 total - off + x.consumed + skip);
		dialogue_event(d, &x);
		dialogue_http_event(d, &x, s, p);
	}
}

/* A conversation for tables: each line is one call. */
struct line {
	int side;
	const char *text;
	__u64 len; /* 0: strlen(text) */
};

#define ASK(text)                              \
	{                                      \
		ASKING, text, sizeof(text) - 1 \
	}
#define ANSWER(text)                              \
	{                                         \
		ANSWERING, text, sizeof(text) - 1 \
	}

static inline void dialogue_lines(struct dialogue *d, const struct line *lines, size_t n)
{
	for (size_t i = 0; i < n && lines[i].text; i++)
		dialogue_call(d, lines[i].side, lines[i].text, lines[i].len);
}

/* The operations in the order of their answers, a ! behind those that failed. */
static inline void dialogue_operations_are(const struct dialogue *d, const char *expected)
{
	static char text[65536];
	size_t n = 0;

	text[0] = 0;
	for (__u32 i = 0; i < d->n_done && n < sizeof(text) - 64; i++)
		n += sprintf(text + n, "%s%s%s", i ? " " : "", operation_text[d->done[i].operation],
			     d->done[i].failed ? "!" : "");
	if (strcmp(text, expected)) {
		fprintf(stderr, "got      %s\nexpected %s\n", text, expected);
		require(!strcmp(text, expected));
	}
}

/*
 * The same conversation with every line cut in two and in three at every place (of lines up to pairs_max bytes), and
 * byte by byte, with several poisons, gives the same operations.
 */
static inline bool dialogue_same(const struct dialogue *a, const struct dialogue *b)
{
	return a->n_done == b->n_done && a->hits == b->hits && a->misses == b->misses && a->length == b->length &&
	       a->hidden == b->hidden && a->unasked == b->unasked && a->broken[0] == b->broken[0] &&
	       a->broken[1] == b->broken[1] && a->asked_tail == b->asked_tail && !strcmp(a->http, b->http) &&
	       !strcmp(a->paths, b->paths) && !memcmp(a->done, b->done, a->n_done * sizeof(a->done[0]));
}

static inline bool dialogue_every_split(const struct exchange_protocol *protocol, bool by_id,
					const struct line *lines, size_t n, __u64 pairs_max)
{
	static const __u8 poisons[] = {0xa5, 0, 0xff, '\r', '\n', '$', '0'};
	static struct dialogue whole, cut;
	unsigned int round = 0;

	dialogue_begin(&whole, protocol);
	whole.by_id = by_id;
	dialogue_lines(&whole, lines, n);
	for (size_t i = 0; i < n && lines[i].text; i++) {
		__u64 len = lines[i].len;

		for (__u64 a = 0; a <= len; a++) {
			for (__u64 b = len; b >= a; b--) {
				dialogue_begin(&cut, protocol);
				cut.by_id = by_id;
				cut.poison = poisons[round++ % sizeof(poisons)];
				for (size_t j = 0; j < n && lines[j].text; j++) {
					const char *text = lines[j].text;

					if (j == i && a == 0 && b == 0) {
						for (__u64 k = 0; k < len; k++)
							dialogue_call(&cut, lines[j].side, text + k, 1);
					} else if (j == i) {
						dialogue_call(&cut, lines[j].side, text, a);
						dialogue_call(&cut, lines[j].side, text + a, b - a);
						dialogue_call(&cut, lines[j].side, text + b, len - b);
					} else {
						dialogue_call(&cut, lines[j].side, text, lines[j].len);
					}
				}
				if (!dialogue_same(&whole, &cut)) {
					fprintf(stderr, "line %zu cut at %llu and %llu differs\n", i, a, b);
					return false;
				}
				if (len > pairs_max || !b)
					break;
			}
		}
	}
	return true;
}

#endif
