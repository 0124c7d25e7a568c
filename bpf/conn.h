/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * hook ──> [connection] ──> window: the state of one socket, kept in its sk_storage. Plain data, no helpers.
 *
 * The element's header takes 72 bytes; 184 bytes of state keep it in the kernel's 256-byte slab.
 */
#ifndef TAPSTAT_CONN_H
#define TAPSTAT_CONN_H

#include "portable.h"
#include "tapstat/abi.h"

enum {
	LOOKAHEAD = 16,   /* bytes that a parser may count on: fewer only where the stream has fewer */
	LOOK_BYTES = 256, /* bytes that it may look at, as far as they are valid */
	CARRY_BYTES = 15, /* unconsumed bytes that wait for the next call: always fewer than the lookahead */
	QUEUE_INLINE = 4, /* runs of outstanding requests kept in the connection: proto/queue.h */
	PING_SLOTS = 4,   /* pings in flight that are timed; older ones are still counted as outstanding */
	SERIES_NONE = 0xffffffff,
};

/* What the next byte of a direction belongs to. */
enum stream_mode {
	STREAM_NEW,       /* nothing seen */
	STREAM_HTTP,      /* HTTP/1 heads and bodies: http_upgrade.h */
	STREAM_EXCHANGE,  /* requests or answers of a storage protocol: proto/exchange.h */
	STREAM_FRAMES,    /* WebSocket frames, in step: websocket.h */
	STREAM_CANDIDATE, /* WebSocket frames, perhaps: waiting for headers that chain */
	STREAM_DEAD,      /* not parsed any more, after a protocol violation */
	STREAM_HIDDEN,    /* storage: not parsed any more: compressed, encrypted, replication */
};

enum stream_flags {
	STREAM_CLOSE_SEEN = 1 << 0,        /* a complete Close frame went this way */
	STREAM_SEND_FAILED = 1 << 1,       /* counted once */
	STREAM_SEQ_KNOWN = 1 << 2,         /* `seq` is valid */
	STREAM_CHAIN = 1 << 3,             /* candidate: a header has been found */
	STREAM_FAILED = 1 << 4,            /* candidate: what passed last was no frame */
	STREAM_SETTLED = STREAM_SEQ_KNOWN, /* inside TLS: the object has its socket */
};

struct stream {
	__u32 lock; /* 1 while a thread works on this direction */
	__u32 seq;  /* TCP: sequence number behind the last byte that an event told of */
	union {
		struct {                     /* WebSocket */
			__u64 payload_left;  /* payload bytes of the frame in progress that have not passed yet */
			__u64 message_bytes; /* payload of the message in progress, its frame in progress included */
			__u64 minute;        /* minute of the connection's life << 32 | data messages in it */
		} ws;
		struct {             /* HTTP/1; the first two are those of rq */
			__u64 left;  /* bytes of a body to pass over */
			__u32 begun; /* as below */
			__u16 head;  /* enum http_head_bits of the head in progress */
			__u8 state;  /* enum http_state */
			__u8 digits; /* of the number in progress */
			__u64 size;  /* of the body: announced, or of its chunks so far */
		} http;
		struct {             /* requests or answers of a storage protocol */
			__u64 left;  /* bytes to pass over before the parser looks again */
			__u32 begun; /* when the first byte of the request in progress passed, µs; 0: between two */
			__u32 count; /* the parser's from here on */
			__u32 word;
			__u16 operation; /* of the request in progress */
			__u8 state;      /* 0: at the start of a message */
			__u8 bits;
		} rq;
	};
	union {
		__u8 carry[CARRY_BYTES]; /* between calls */
		struct {                 /* inside the payload of a control frame; no carry then */
			__u32 mask;      /* masking key, its next byte lowest */
			__u32 hash;      /* FNV-1a of the payload so far, unmasked */
			__u16 code;      /* first two bytes of the payload so far */
			__u8 passed;     /* payload bytes so far */
		} control;
	};
	union {
		struct {              /* WebSocket */
			__u8 frame;   /* first byte of the frame in progress */
			__u8 message; /* opcode of the message in progress, 0: none */
			__u8 chain;   /* candidate: points of evidence in consecutive headers */
			__u8 masked;  /* candidate: are the chain's frames masked | digest of the latest key */
		};
		struct { /* HTTP/1 */
			union {
				__u16 http_status; /* of the response in progress */
				__u16 http_row;    /* of the request in progress, once its path is known */
			};
			__u16 http_method; /* of the request in progress, enum label_method */
		};
		__u16 key_row; /* storage: row of the request in progress by its key, 0: none */
	};
	/* All: */
	__u8 carry_len;
	__u8 mode;       /* enum stream_mode */
	__u8 flags;      /* enum stream_flags */
	__u8 gap_events; /* consecutive events that left bytes untold */
};

enum conn_flags {
	CONN_FRESH = 1 << 0,           /* TCP: the first event was at the start of the stream */
	CONN_JOINED = 1 << 1,          /* recognised in mid-stream */
	CONN_UPGRADE_PENDING = 1 << 2, /* a complete upgrade request waits for its answer */
	CONN_RSV1_ALLOWED = 1 << 3,    /* an extension that uses RSV1 was negotiated */
	CONN_TIMED_OUT = 1 << 4,       /* TCP ended with ETIMEDOUT */
	CONN_UNIX = 1 << 5,            /* AF_UNIX */
	CONN_CLIENT = 1 << 6,          /* the service is the client; valid once `series` is */
	CONN_LIFETIME_DONE = 1 << 7,   /* AF_UNIX: the duration has been recorded, or never will be */
	/* Storage protocols, in the place of what is WebSocket's alone: */
	CONN_UNSURE = CONN_RSV1_ALLOWED,     /* requests that nobody saw may be outstanding */
	CONN_CONFIRMED = CONN_LIFETIME_DONE, /* an answer has parsed: it is that protocol */
};

/*
 * What has been asked on a connection and not answered yet, oldest first: see proto/queue.h. The asking direction
 * writes `run` and `tail`, the answering one `head` and `taken`.
 */
struct queue {
	__u64 run[QUEUE_INLINE]; /* packed, by number % QUEUE_INLINE; younger ones are in `runs_by_number` */
	__u32 head, tail;        /* numbers of the oldest run and of the next one */
	__u16 taken;             /* requests of the oldest run that have been answered */
	__u8 told[2];       /* the parser's: what the requests [0] and the answers [1] have told about the session */
	__u32 early;        /* when an answer came for which nothing was outstanding, µs; 0: none */
	__u32 early_status; /* ... and what it was */
};

struct conn {
	struct stream stream[DIRECTION_COUNT];
	__u32 series;  /* SERIES_INDEX, SERIES_NONE until the service is fixed */
	__u8 protocol; /* enum label_protocol */
	__u8 flags;    /* enum conn_flags; each is changed in one phase of the connection only */
	union {
		__u16 peer_port; /* TCP, client: kept, since an abort wipes it from the socket before the end */
		__u8 unix_state; /* AF_UNIX: enum label_unix_state */
	};
	__u64 opened_ns; /* WebSocket: start of the connection; HTTP: pending_ns, of a message before the 101 */
	union {
		struct {                       /* WebSocket */
			__u64 pending_ns;      /* when the unanswered data message passed | 1 for binary; 0: none */
			__u32 last_data;       /* time of the last data message, in units of 2^30 ns */
			__u16 pings_sent;      /* pings of the service so far */
			__u16 pings_answered;  /* the number of the newest answered one */
			__u32 early_answer_us; /* when an unmatched data message came in, client: the question's
						  event may follow */
			union {
				__u32 attempts;         /* undecided: calls looked at in vain */
				__u32 early_answer_pid; /* the thread that read the message of early_answer_us */
			};
			/*
			 * Pings in flight by number % PING_SLOTS: hash << 32 | time in µs, even. An odd time, in the
			 * slot of the next ping, is that of a pong whose ping's event may follow. 0: none.
			 */
			union {
				__u64 ping[PING_SLOTS];
				__u32 first_tgid; /* undecided, or nothing known: the process of the first I/O */
			};
		};
		struct queue queue;       /* requests and answers: what is outstanding */
		struct {                  /* TLS, of a socket */
			__u64 tls_object; /* key of what holds its plaintext, see tls_object.h; 0: not known */
			__u32 tls_events; /* I/O while it is not */
		};
	};
};

static __always_inline enum role conn_role(const struct conn *conn)
{
	return conn->flags & CONN_CLIENT ? ROLE_CLIENT : ROLE_SERVER;
}

_Static_assert(sizeof(struct conn) <= 184, "connection state leaves the 256-byte slab");

#endif
