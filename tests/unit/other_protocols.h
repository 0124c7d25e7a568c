/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Messages of protocols that are not WebSocket, as they look in the middle of a connection. The ones to fear have
 * first bytes 0x81, 0x82, 0x88 to 0x8a, 0xc1 or 0xc2 and a length behind.
 */
#ifndef TAPSTAT_TESTS_OTHER_PROTOCOLS_H
#define TAPSTAT_TESTS_OTHER_PROTOCOLS_H

#include "frames.h"

/* Appends one message; `reply`: of the other side. */
typedef void (*message_writer)(struct bytes *b, __u64 *seed, bool reply);

static inline void add_byte(struct bytes *b, __u32 byte)
{
	bytes_add(b, &(__u8){byte}, 1);
}

static inline void add_big(struct bytes *b, __u64 value, int bytes)
{
	while (bytes--)
		add_byte(b, value >> 8 * bytes & 0xff);
}

static inline void add_little(struct bytes *b, __u64 value, int bytes)
{
	for (; bytes--; value >>= 8)
		add_byte(b, value & 0xff);
}

static inline void add_random(struct bytes *b, __u64 *seed, __u32 n)
{
	while (n--)
		add_byte(b, random_below(seed, 256));
}

static inline void add_words(struct bytes *b, __u64 *seed, __u32 n)
{
	static const char *const words[] = {"the ", "GET ", "value=", "\r\n", "{\"id\": 17} ", "SELECT ", "a", "0\t"};

	while (n--)
		bytes_add_text(b, words[random_below(seed, sizeof(words) / sizeof(words[0]))]);
}

static inline void write_zeros(struct bytes *b, __u64 *seed, bool reply)
{
	static const __u8 zeros[64];

	(void)reply;
	bytes_add(b, zeros, 1 + random_below(seed, 64));
}

static inline void write_text(struct bytes *b, __u64 *seed, bool reply)
{
	(void)reply;
	add_words(b, seed, 1 + random_below(seed, 12));
}

static inline void write_http(struct bytes *b, __u64 *seed, bool reply)
{
	char head[128];

	snprintf(head, sizeof(head),
		 reply ? "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n" : "GET /%u HTTP/1.1\r\n\r\n",
		 random_below(seed, 90));
	bytes_add_text(b, head);
	if (reply)
		add_random(b, seed, random_below(seed, 90));
}

static inline void write_tls(struct bytes *b, __u64 *seed, bool reply)
{
	__u32 n = 16 + random_below(seed, 200);

	(void)reply;
	add_byte(b, 0x17);
	add_big(b, 0x0303, 2);
	add_big(b, n, 2);
	add_random(b, seed, n);
}

static inline void write_redis(struct bytes *b, __u64 *seed, bool reply)
{
	char text[64];

	snprintf(text, sizeof(text), reply ? "$%u\r\n" : "*2\r\n$3\r\nGET\r\n$%u\r\n", random_below(seed, 40));
	bytes_add_text(b, text);
	add_random(b, seed, random_below(seed, 40));
	bytes_add_text(b, "\r\n");
}

static inline void write_postgresql(struct bytes *b, __u64 *seed, bool reply)
{
	static const char types[] = "QPBEDSTCZ12DDDD";
	__u32 n = random_below(seed, 150);

	add_byte(b, types[random_below(seed, reply ? sizeof(types) - 1 : 6)]);
	add_big(b, n + 4, 4);
	add_random(b, seed, n);
}

static inline void write_mysql(struct bytes *b, __u64 *seed, bool reply)
{
	__u32 n = random_below(seed, 4) ? 0x80 + random_below(seed, 16) : random_below(seed, 300);

	add_little(b, n, 3);
	add_byte(b, reply ? random_below(seed, 256) : 0);
	add_random(b, seed, n);
}

static inline void write_memcached(struct bytes *b, __u64 *seed, bool reply)
{
	__u32 key = random_below(seed, 20), value = random_below(seed, 60), extra = reply ? 4 : 0;

	add_byte(b, reply ? 0x81 : 0x80);
	add_byte(b, random_below(seed, 0x22)); /* opcode */
	add_big(b, key, 2);
	add_byte(b, extra);
	add_byte(b, 0);
	add_big(b, 0, 2);
	add_big(b, key + value + extra, 4);
	add_big(b, random_below(seed, 4) ? 0 : random_next(seed), 4);
	add_big(b, random_below(seed, 4) ? 0 : random_next(seed), 8);
	add_random(b, seed, key + value + extra);
}

/* Versions 1 to 5; stream ids and sizes that make the likeliest headers. */
static inline void write_cassandra(struct bytes *b, __u64 *seed, bool reply)
{
	__u32 version = 1 + random_below(seed, 5), n = random_below(seed, 160);

	add_byte(b, (reply ? 0x80 : 0) | version);
	add_byte(b, random_below(seed, 3));
	add_big(b, random_below(seed, 2) ? 0x0081 + random_below(seed, 2) : random_below(seed, 0x90),
		version > 2 ? 2 : 1);
	add_byte(b, random_below(seed, 2) ? 8 : random_below(seed, 17));
	add_big(b, n, 4);
	add_random(b, seed, n);
}

/* LDAP and its like: a SEQUENCE of elements with context tags. */
static inline void write_ber(struct bytes *b, __u64 *seed, bool reply)
{
	static const __u8 tags[] = {0x02, 0x04, 0x0a, 0x80, 0x81, 0x82, 0x83, 0x85,
				    0x87, 0x8a, 0xa0, 0xa3, 0x30, 0x61, 0x64};
	struct bytes body = {};
	__u32 elements = 1 + random_below(seed, 6), n;

	(void)reply;
	for (; elements; elements--) {
		n = random_below(seed, 20);
		add_byte(&body, tags[random_below(seed, sizeof(tags))]);
		add_byte(&body, n);
		add_random(&body, seed, n);
	}
	add_byte(b, 0x30);
	if (body.n > 127)
		add_byte(b, 0x81);
	add_byte(b, body.n);
	bytes_add(b, body.at, body.n);
	bytes_free(&body);
}

static inline void add_varint(struct bytes *b, __u64 value)
{
	for (; value > 127; value >>= 7)
		add_byte(b, 0x80 | (value & 0x7f));
	add_byte(b, value);
}

/* Delimited Protocol Buffers; half of the fields have tags of two bytes, lengths near 129. */
static inline void write_protobuf(struct bytes *b, __u64 *seed, bool reply)
{
	struct bytes body = {};
	__u32 fields = random_below(seed, 10), n;

	(void)reply;
	for (; fields; fields--) {
		add_varint(&body, (1 + random_below(seed, 20)) << 3 | (random_below(seed, 2) ? 2 : 0));
		if ((body.at[body.n - 1] & 7) == 0) {
			add_varint(&body, random_next(seed) >> random_below(seed, 64));
			continue;
		}
		n = random_below(seed, 8) ? random_below(seed, 30) : 129 + random_below(seed, 3);
		add_varint(&body, n);
		add_random(&body, seed, n);
	}
	add_varint(b, body.n);
	bytes_add(b, body.at, body.n);
	bytes_free(&body);
}

static inline void write_varints(struct bytes *b, __u64 *seed, bool reply)
{
	(void)reply;
	for (__u32 n = random_below(seed, 60); n; n--)
		add_varint(b, random_below(seed, 2) ? 128 + random_below(seed, 20) : random_below(seed, 20000));
}

/* MQTT: SUBSCRIBE and SUBACK (0x82, 0x90), PUBLISH, PINGREQ and PINGRESP. */
static inline void write_mqtt(struct bytes *b, __u64 *seed, bool reply)
{
	__u32 n = 1 + random_below(seed, 30), kind = random_below(seed, 16);

	if (kind == 0) {
		add_big(b, reply ? 0xd000 : 0xc000, 2);
	} else if (kind == 1) {
		add_byte(b, 0x30);
		add_byte(b, n);
		add_random(b, seed, n);
	} else if (reply) {
		add_big(b, 0x9003, 2);
		add_random(b, seed, 2);
		add_byte(b, 0);
	} else {
		add_byte(b, 0x82);
		add_byte(b, n + 5);
		add_big(b, random_below(seed, 1000), 2);
		add_big(b, n, 2);
		while (n--)
			add_byte(b, "sensor/+abcdefgh"[random_below(seed, 16)]);
		add_byte(b, 0);
	}
}

/* MessagePack: a stream of like maps, {"command": "start"}. */
static inline void write_messagepack(struct bytes *b, __u64 *seed, bool reply)
{
	static const char *const values[] = {"start", "pause", "clear", "reset"};

	add_byte(b, reply ? 0x82 : 0x81);
	add_byte(b, 0xa7);
	bytes_add_text(b, "command");
	add_byte(b, 0xa5);
	bytes_add_text(b, values[random_below(seed, 4)]);
	if (reply) {
		add_big(b, 0xa26f6b, 3);
		add_byte(b, 0xc3);
	}
}

static inline void add_utf8(struct bytes *b, __u32 letter)
{
	if (letter >= 0x800) {
		add_byte(b, 0xe0 | letter >> 12);
		add_byte(b, 0x80 | (letter >> 6 & 63));
	} else if (letter >= 0x80) {
		add_byte(b, 0xc0 | letter >> 6);
	}
	add_byte(b, letter < 0x80 ? letter : 0x80 | (letter & 63));
}

/* A letter of a language, or a blank now and then: German, Greek, Russian, Thai, Japanese, Chinese, Korean. */
static inline __u32 random_letter(__u64 *seed, __u32 language)
{
	static const struct {
		__u32 first, letters, blanks;
	} alphabets[] = {{'a', 26, 7},     {0x3b1, 25, 7},      {0x430, 32, 7},    {0xe01, 70, 40},
			 {0x3041, 86, 30}, {0x4e00, 20000, 20}, {0xac00, 11000, 5}};

	if (!random_below(seed, alphabets[language].blanks))
		return ' ';
	if (!language && !random_below(seed, 12))
		return 0xe4 + random_below(seed, 28);
	return alphabets[language].first + random_below(seed, alphabets[language].letters);
}

static inline void write_utf8(struct bytes *b, __u64 *seed, bool reply)
{
	__u32 language = random_below(seed, 7);

	(void)reply;
	for (__u32 n = 1 + random_below(seed, 120); n; n--)
		add_utf8(b, random_letter(seed, language));
}

/* Little endian one way, big endian the other. */
static inline void write_utf16(struct bytes *b, __u64 *seed, bool reply)
{
	__u32 language = random_below(seed, 7);

	for (__u32 n = 1 + random_below(seed, 120); n; n--) {
		__u32 letter = random_letter(seed, language);

		if (reply)
			add_big(b, letter, 2);
		else
			add_little(b, letter, 2);
	}
}

/* Telephone sound near silence: unsigned bytes around 0x80. */
static inline void write_quiet_sound(struct bytes *b, __u64 *seed, bool reply)
{
	(void)reply;
	for (int i = 0; i < 160; i++)
		add_byte(b, 0x80 + random_below(seed, 5) - 2);
}

/* 16-bit readings of something that moves slowly. */
static inline void write_readings(struct bytes *b, __u64 *seed, bool reply)
{
	__u32 value = random_below(seed, 512);

	(void)reply;
	for (int i = 0; i < 80; i++) {
		add_little(b, value, 2);
		value += random_below(seed, 4) ? 0 : random_below(seed, 3) - 1;
	}
}

/* Grey levels of an image: runs of one byte. */
static inline void write_runs(struct bytes *b, __u64 *seed, bool reply)
{
	__u8 byte = random_below(seed, 256);

	(void)reply;
	for (__u32 n = 1 + random_below(seed, 300); n; n--)
		add_byte(b, byte);
}

struct other_protocol {
	const char *name;
	message_writer write;
};

static const struct other_protocol other_protocols[] = {
	{"zeros", write_zeros},
	{"text", write_text},
	{"HTTP", write_http},
	{"TLS", write_tls},
	{"Redis", write_redis},
	{"PostgreSQL", write_postgresql},
	{"MySQL", write_mysql},
	{"memcached, binary", write_memcached},
	{"Cassandra", write_cassandra},
	{"LDAP and other BER", write_ber},
	{"Protocol Buffers", write_protobuf},
	{"varints", write_varints},
	{"MQTT", write_mqtt},
	{"MessagePack", write_messagepack},
	{"UTF-8", write_utf8},
	{"UTF-16", write_utf16},
	{"8-bit sound near silence", write_quiet_sound},
	{"16-bit readings", write_readings},
	{"runs of one byte", write_runs},
};

enum { OTHER_PROTOCOLS = sizeof(other_protocols) / sizeof(other_protocols[0]) };

#endif
