// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * WebSocket inside TLS, in the ways in which programs may use OpenSSL's functions: both ends of each connection are
 * in this process. Arguments: PORT, file with certificate and key, scene. It begins when it reads a line, and then
 * says what either role sent and received, as one JSON line.
 */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/wait.h>

typedef SSL *tls_end;

#include "tls_peer.h"

enum {
	REUSES = 3,
	DUPLEX_FRAMES = 2000,
	DUPLEX_PAYLOAD = 100,
};

static SSL_CTX *server_context, *client_context;
static int listener;
static FILE *keys;
static void fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static int socket_of(SSL *tls)
{
	return SSL_get_fd(tls);
}

/* The result of a call on this connection, 0 if it has to wait. */
static size_t done(SSL *tls, int result)
{
	int error = SSL_get_error(tls, result);

	if (error != SSL_ERROR_NONE && error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
		fail("TLS");
	return error == SSL_ERROR_NONE ? result : 0;
}

static size_t write_plain(SSL *tls, const void *data, size_t length)
{
	return done(tls, SSL_write(tls, data, length));
}

static size_t read_plain(SSL *tls, void *data, size_t length)
{
	return done(tls, SSL_read(tls, data, length));
}

#ifndef OPENSSL_IS_BORINGSSL /* it has no such forms */

static size_t write_ex(SSL *tls, const void *data, size_t length)
{
	size_t count = 0;

	done(tls, SSL_write_ex(tls, data, length, &count));
	return count;
}

static size_t read_ex_after_peek(SSL *tls, void *data, size_t length)
{
	size_t count = 0;

	if (done(tls, SSL_peek_ex(tls, data, length, &count)) == 0)
		return 0;
	done(tls, SSL_read_ex(tls, data, length, &count));
	return count;
}

#endif

/* The first bytes once, all of them once more, and then half of these. */
static size_t read_after_peeks(SSL *tls, void *data, size_t length)
{
	done(tls, SSL_peek(tls, data, length < 2 ? length : 2));
	length = done(tls, SSL_peek(tls, data, length));
	return length ? done(tls, SSL_read(tls, data, length / 2 + 1)) : 0;
}

/* From one record, one byte, then seven, and so on. */
static size_t read_little(SSL *tls, void *data, size_t length)
{
	static unsigned turn;
	size_t most = turn++ % 2 ? 7 : 1;

	return done(tls, SSL_read(tls, data, length < most ? length : most));
}

static size_t read_slowly(SSL *tls, void *data, size_t length)
{
	return done(tls, SSL_read(tls, data, length < SLOW_READ ? length : SLOW_READ));
}

/* Every attempt from another buffer, as SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER allows. */
static size_t write_from_moving_buffer(SSL *tls, const void *data, size_t length)
{
	static unsigned char buffers[2][ROOM];
	static unsigned turn;
	unsigned char *buffer = buffers[turn++ % 2];

	memset(buffers[turn % 2], 0, length);
	memcpy(buffer, data, length);
	return done(tls, SSL_write(tls, buffer, length));
}

static void shake_hands(struct ends ends, void (*pump)(void))
{
	bool server = false, client = false;

	while (!server || !client) {
		client = client || done(ends.client, SSL_connect(ends.client));
		if (pump)
			pump();
		server = server || done(ends.server, SSL_accept(ends.server));
		if (pump)
			pump();
	}
}

static struct ends new_ends(void)
{
	return (struct ends){.server = SSL_new(server_context), .client = SSL_new(client_context)};
}

/* TLS between them on a new connection of TCP. */
static void connect_tls(struct ends ends, int send_buffer)
{
	struct connection plain = connect_plain(listener, send_buffer);

	SSL_set_fd(ends.server, plain.server);
	SSL_set_fd(ends.client, plain.client);
	shake_hands(ends, NULL);
}

static void close_sockets(struct ends ends)
{
	close(SSL_get_fd(ends.client));
	close(SSL_get_fd(ends.server));
}

static void shut_down(struct ends ends)
{
	SSL_shutdown(ends.client);
	SSL_shutdown(ends.server);
	close_sockets(ends);
}

static void free_ends(struct ends ends)
{
	SSL_free(ends.client);
	SSL_free(ends.server);
}

static void whole_conversation(struct way way)
{
	struct ends ends = new_ends();

	connect_tls(ends, 0);
	converse(way, ends, true, NULL);
	shut_down(ends);
	free_ends(ends);
}

static void scene_plain(void)
{
	whole_conversation((struct way){write_plain, read_plain});
}

#ifndef OPENSSL_IS_BORINGSSL
static void scene_ex(void)
{
	whole_conversation((struct way){write_ex, read_ex_after_peek});
}
#endif

static void scene_peek(void)
{
	whole_conversation((struct way){write_plain, read_after_peeks});
}

static void scene_little(void)
{
	whole_conversation((struct way){write_plain, read_little});
}

/* More than the sockets hold, so that writes have to be tried again. */
static void write_large(struct way way, long mode)
{
	struct ends ends = new_ends();

	SSL_set_mode(ends.server, mode);
	SSL_set_mode(ends.client, mode);
	connect_tls(ends, SMALL_BUFFER);
	converse(way, ends, false, NULL);
	exchange_large(way, ends);
	shut_down(ends);
	free_ends(ends);
}

static void scene_retry(void)
{
	write_large((struct way){write_plain, read_slowly}, 0);
}

static void scene_moving(void)
{
	write_large((struct way){write_from_moving_buffer, read_slowly}, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

static void scene_partial(void)
{
	write_large((struct way){write_from_moving_buffer, read_slowly},
		    SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

/* The same SSL objects for one connection after the other. */
static void scene_clear(void)
{
	struct ends ends = new_ends();

	for (int i = 0; i < REUSES; i++) {
		connect_tls(ends, 0);
		converse((struct way){write_plain, read_plain}, ends, true, NULL);
		shut_down(ends);
		if (!SSL_clear(ends.client) || !SSL_clear(ends.server))
			fail("SSL_clear");
	}
	free_ends(ends);
}

/* SSL_free without SSL_shutdown, and before the sockets are closed. */
static void scene_free(void)
{
	struct ends ends = new_ends();
	struct connection plain;

	connect_tls(ends, 0);
	converse((struct way){write_plain, read_plain}, ends, false, NULL);
	plain = (struct connection){.server = SSL_get_fd(ends.server), .client = SSL_get_fd(ends.client)};
	free_ends(ends);
	close(plain.client);
	close(plain.server);
}

static void put(SSL *tls, const void *data, size_t length)
{
	for (size_t written = 0; written < length;)
		written += write_plain(tls, (const char *)data + written, length - written);
}

static void get(SSL *tls, void *data, size_t length)
{
	for (size_t got = 0; got < length;) {
		size_t count = read_plain(tls, (char *)data + got, length - got);

		got += count;
		if (count == 0)
			wait_readable(tls);
	}
}

/* What the server says in scene_fork. */
static void serve(SSL *tls)
{
	static unsigned char data[ROOM];
	size_t length = make_frames(data, 1);

	get(tls, data, sizeof(upgrade_request) - 1);
	put(tls, upgrade_response, sizeof(upgrade_response) - 1);
	get(tls, data, length);
	put(tls, data, make_frames(data, 0));
	get(tls, data, make_frame(data, OPCODE_CLOSE, 0, 1));
	put(tls, data, make_frame(data, OPCODE_CLOSE, 0, 0));
}

/* A server that forks a child for the connection, once the client has shaken hands. */
static void scene_fork(void)
{
	static unsigned char data[ROOM];
	struct ends ends = new_ends();
	int status;
	pid_t child;

	connect_tls(ends, 0);
	child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		close(SSL_get_fd(ends.client));
		serve(ends.server);
		SSL_shutdown(ends.server);
		_exit(0);
	}
	close(SSL_get_fd(ends.server));
	SSL_free(ends.server);
	put(ends.client, upgrade_request, sizeof(upgrade_request) - 1);
	get(ends.client, data, sizeof(upgrade_response) - 1);
	put(ends.client, data, make_frames(data, 1));
	get(ends.client, data, make_frames(data, 0));
	put(ends.client, data, make_frame(data, OPCODE_CLOSE, 0, 1));
	get(ends.client, data, make_frame(data, OPCODE_CLOSE, 0, 0));
	if (waitpid(child, &status, 0) != child || status)
		fail("the child failed");
	close(SSL_get_fd(ends.client));
	SSL_free(ends.client);
	count_frames();
}

static struct ends outer, inner;

/* Takes an inner end's records to the other end, inside the outer connection. */
static void carry(SSL *from, SSL *to, SSL *outer_from, SSL *outer_to)
{
	unsigned char records[4096];
	int count;

	while ((count = BIO_read(SSL_get_wbio(from), records, sizeof(records))) > 0) {
		put(outer_from, records, count);
		get(outer_to, records, count);
		BIO_write(SSL_get_rbio(to), records, count);
	}
}

static void carry_both_ways(void)
{
	carry(inner.client, inner.server, outer.client, outer.server);
	carry(inner.server, inner.client, outer.server, outer.client);
}

/* TLS inside TLS: the inner connection's records are in memory and have no descriptor. */
static void scene_nested(void)
{
	outer = new_ends();
	inner = new_ends();
	SSL_set_bio(inner.client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_bio(inner.server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	connect_tls(outer, 0);
	shake_hands(inner, carry_both_ways);
	converse((struct way){write_plain, read_plain}, inner, true, carry_both_ways);
	free_ends(inner);
	shut_down(outer);
	free_ends(outer);
}

/* One end, which a thread writes to and another reads from; OpenSSL leaves the lock to the application. */
struct duplex {
	SSL *tls;
	pthread_mutex_t lock;
	bool masked;
};

static void *send_duplex(void *argument)
{
	unsigned char frame[MAX_HEADER_BYTES + DUPLEX_PAYLOAD];
	struct duplex *end = argument;
	size_t length = make_frame(frame, OPCODE_TEXT, DUPLEX_PAYLOAD, end->masked);

	for (int i = 0; i < DUPLEX_FRAMES; i++) {
		for (size_t written = 0; written < length;) {
			pthread_mutex_lock(&end->lock);
			written += write_plain(end->tls, frame + written, length - written);
			pthread_mutex_unlock(&end->lock);
		}
	}
	return NULL;
}

static void *receive_duplex(void *argument)
{
	unsigned char data[333], frame[MAX_HEADER_BYTES + DUPLEX_PAYLOAD];
	struct duplex *end = argument;
	size_t left = DUPLEX_FRAMES * make_frame(frame, OPCODE_TEXT, DUPLEX_PAYLOAD, !end->masked);

	while (left) {
		size_t count;

		pthread_mutex_lock(&end->lock);
		count = read_plain(end->tls, data, left < sizeof(data) ? left : sizeof(data));
		pthread_mutex_unlock(&end->lock);
		left -= count;
		if (count == 0)
			wait_readable(end->tls);
	}
	return NULL;
}

static void scene_duplex(void)
{
	struct ends ends = new_ends();
	struct duplex each[] = {{.tls = ends.client, .lock = PTHREAD_MUTEX_INITIALIZER, .masked = true},
				{.tls = ends.server, .lock = PTHREAD_MUTEX_INITIALIZER}};
	struct way way = {write_plain, read_plain};
	unsigned char frame[MAX_HEADER_BYTES];
	pthread_t threads[4];

	connect_tls(ends, 0);
	converse(way, ends, false, NULL);
	for (int i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, i % 2 ? send_duplex : receive_duplex, &each[i / 2]))
			die("pthread_create");
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	texts += DUPLEX_FRAMES;
	bytes += (unsigned long)DUPLEX_FRAMES * DUPLEX_PAYLOAD;
	transfer(way, ends.client, ends.server, frame, make_frame(frame, OPCODE_CLOSE, 0, 1), NULL);
	transfer(way, ends.server, ends.client, frame, make_frame(frame, OPCODE_CLOSE, 0, 0), NULL);
	shut_down(ends);
	free_ends(ends);
}

static const struct scene scenes[] = {
#ifndef OPENSSL_IS_BORINGSSL
	{"ex", scene_ex},
#endif
	{"plain", scene_plain},     {"peek", scene_peek},     {"little", scene_little}, {"retry", scene_retry},
	{"moving", scene_moving},   {"clear", scene_clear},   {"free", scene_free},     {"fork", scene_fork},
	{"partial", scene_partial}, {"nested", scene_nested}, {"duplex", scene_duplex},
};

static void note_keys(const SSL *tls, const char *line)
{
	(void)tls;
	fprintf(keys, "%s\n", line);
	fflush(keys);
}

static SSL_CTX *new_context(const SSL_METHOD *method)
{
	SSL_CTX *context = SSL_CTX_new(method);

	if (!context)
		fail("SSL_CTX_new");
	if (keys)
		SSL_CTX_set_keylog_callback(context, note_keys);
	return context;
}

int main(int argc, char **argv)
{
	const char *file = getenv("SSLKEYLOGFILE");

	if (argc != 4)
		return 2;
	keys = file ? fopen(file, "a") : NULL;
	listener = listen_on(atoi(argv[1]));
	client_context = new_context(TLS_client_method());
	server_context = new_context(TLS_server_method());
	/* A client that closes with tickets unread would reset the connection. */
	SSL_CTX_set_num_tickets(server_context, 0);
	if (SSL_CTX_use_certificate_file(server_context, argv[2], SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_use_PrivateKey_file(server_context, argv[2], SSL_FILETYPE_PEM) != 1)
		fail(argv[2]);
	return play(scenes, sizeof(scenes) / sizeof(*scenes), argv[3]);
}
