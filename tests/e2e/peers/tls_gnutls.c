// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * WebSocket inside TLS, in the ways in which programs may use GnuTLS's functions: as tls.c, with the same arguments.
 */
#include <gnutls/gnutls.h>

typedef gnutls_session_t tls_end;

#include "tls_peer.h"

enum { PADDING = 100, PADDED = 16000 /* with its padding it fits a record */, PIECES = 3 };

static gnutls_certificate_credentials_t credentials;
static int listener, said; /* what the last call of the library returned */

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, gnutls_strerror(said));
	exit(1);
}

static int socket_of(gnutls_session_t tls)
{
	return gnutls_transport_get_int(tls);
}

/* The result of a call, 0 if it has to wait. */
static size_t done(ssize_t result)
{
	said = (int)result;
	if (result < 0 && gnutls_error_is_fatal(said))
		fail("TLS");
	return result < 0 ? 0 : (size_t)result;
}

static size_t send_plain(gnutls_session_t tls, const void *data, size_t length)
{
	return done(gnutls_record_send(tls, data, length));
}

static size_t send_padded(gnutls_session_t tls, const void *data, size_t length)
{
	return done(gnutls_record_send2(tls, data, length < PADDED ? length : PADDED, PADDING, 0));
}

/* What has to wait is sent once more without naming it again. */
static size_t send_null(gnutls_session_t tls, const void *data, size_t length)
{
	static bool waits;
	size_t count = waits ? done(gnutls_record_send(tls, NULL, 0)) : done(gnutls_record_send(tls, data, length));

	waits = said < 0;
	return count;
}

static size_t send_range(gnutls_session_t tls, const void *data, size_t length)
{
	const gnutls_range_st range = {.low = length, .high = length + PADDING};

	return done(gnutls_record_send_range(tls, data, length, &range));
}

/* In pieces, held back until uncork() has handed over all of them; that may take several calls. */
static size_t send_corked(gnutls_session_t tls, const void *data, size_t length, unsigned int wait)
{
	static size_t corked;

	if (!corked) {
		gnutls_record_cork(tls);
		for (; corked < length;
		     corked += done(gnutls_record_send(tls, (const char *)data + corked,
						       length - corked < length / PIECES + 1 ? length - corked
											     : length / PIECES + 1)))
			;
	}
	done(gnutls_record_uncork(tls, wait));
	if (said < 0)
		return 0;
	length = corked;
	corked = 0;
	return length;
}

static size_t send_corked_and_wait(gnutls_session_t tls, const void *data, size_t length)
{
	return send_corked(tls, data, length, GNUTLS_RECORD_WAIT);
}

static size_t send_corked_and_retry(gnutls_session_t tls, const void *data, size_t length)
{
	return send_corked(tls, data, length, 0);
}

static size_t send_file(gnutls_session_t tls, const void *data, size_t length)
{
	FILE *file = tmpfile();

	if (!file || fwrite(data, 1, length, file) != length || fflush(file) || lseek(fileno(file), 0, SEEK_SET))
		die("tmpfile");
	length = done(gnutls_record_send_file(tls, fileno(file), NULL, length));
	fclose(file);
	return length;
}

static size_t receive_plain(gnutls_session_t tls, void *data, size_t length)
{
	return done(gnutls_record_recv(tls, data, length));
}

static size_t receive_slowly(gnutls_session_t tls, void *data, size_t length)
{
	return done(gnutls_record_recv(tls, data, length < SLOW_READ ? length : SLOW_READ));
}

static size_t receive_numbered(gnutls_session_t tls, void *data, size_t length)
{
	unsigned char number[8];

	return done(gnutls_record_recv_seq(tls, data, length, number));
}

/* A record as the library holds it. */
static size_t receive_packet(gnutls_session_t tls, void *data, size_t length)
{
	gnutls_packet_t packet;
	gnutls_datum_t what;
	size_t count = done(gnutls_record_recv_packet(tls, &packet));

	if (!count)
		return 0;
	gnutls_packet_get(packet, &what, NULL);
	if (what.size != count || count > length)
		fail("a packet of another size");
	memcpy(data, what.data, count);
	gnutls_packet_deinit(packet);
	return count;
}

static gnutls_session_t new_end(unsigned int side)
{
	gnutls_session_t tls;

	/* A client that closes with tickets unread would reset the connection. */
	if (gnutls_init(&tls, side | GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS) || gnutls_set_default_priority(tls) ||
	    gnutls_credentials_set(tls, GNUTLS_CRD_CERTIFICATE, credentials))
		fail("gnutls_init");
	return tls;
}

static struct ends connect_tls(int send_buffer)
{
	struct ends ends = {.server = new_end(GNUTLS_SERVER), .client = new_end(GNUTLS_CLIENT)};
	struct connection plain = connect_plain(listener, send_buffer);
	bool server = false, client = false;

	gnutls_transport_set_int(ends.server, plain.server);
	gnutls_transport_set_int(ends.client, plain.client);
	while (!server || !client) {
		if (!client) {
			done(gnutls_handshake(ends.client));
			client = said == 0;
		}
		if (!server) {
			done(gnutls_handshake(ends.server));
			server = said == 0;
		}
	}
	return ends;
}

static void shut_down(struct ends ends)
{
	int client = socket_of(ends.client), server = socket_of(ends.server);

	gnutls_bye(ends.client, GNUTLS_SHUT_WR);
	gnutls_bye(ends.server, GNUTLS_SHUT_WR);
	close(client);
	close(server);
	gnutls_deinit(ends.client);
	gnutls_deinit(ends.server);
}

static void whole_conversation(struct way way)
{
	struct ends ends = connect_tls(0);

	converse(way, ends, true, NULL);
	shut_down(ends);
}

static void large_conversation(struct way way)
{
	struct ends ends = connect_tls(SMALL_BUFFER);

	converse(way, ends, false, NULL);
	exchange_large(way, ends);
	shut_down(ends);
}

static void scene_plain(void)
{
	whole_conversation((struct way){send_plain, receive_plain});
}

static void scene_padded(void)
{
	whole_conversation((struct way){send_padded, receive_plain});
}

static void scene_range(void)
{
	whole_conversation((struct way){send_range, receive_plain});
}

static void scene_corked(void)
{
	whole_conversation((struct way){send_corked_and_wait, receive_plain});
}

static void scene_file(void)
{
	whole_conversation((struct way){send_file, receive_plain});
}

static void scene_numbered(void)
{
	whole_conversation((struct way){send_plain, receive_numbered});
}

static void scene_packet(void)
{
	whole_conversation((struct way){send_plain, receive_packet});
}

static void scene_retry(void)
{
	large_conversation((struct way){send_plain, receive_slowly});
}

static void scene_null(void)
{
	large_conversation((struct way){send_null, receive_slowly});
}

static void scene_uncork(void)
{
	large_conversation((struct way){send_corked_and_retry, receive_slowly});
}

static const struct scene scenes[] = {
	{"plain", scene_plain}, {"padded", scene_padded},     {"range", scene_range},   {"corked", scene_corked},
	{"file", scene_file},   {"numbered", scene_numbered}, {"packet", scene_packet}, {"retry", scene_retry},
	{"null", scene_null},   {"uncork", scene_uncork},
};

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	listener = listen_on(atoi(argv[1]));
	if (gnutls_certificate_allocate_credentials(&credentials) ||
	    gnutls_certificate_set_x509_key_file(credentials, argv[2], argv[2], GNUTLS_X509_FMT_PEM))
		fail(argv[2]);
	return play(scenes, sizeof(scenes) / sizeof(*scenes), argv[3]);
}
