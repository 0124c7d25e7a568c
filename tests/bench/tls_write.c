// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Writes and reads of 1 KB through OpenSSL over a connected pair of TCP sockets, the reader in a process of its own.
 * A line of standard input is a command:
 *
 *   open     a new connection: its handshake, a request, and the head of an answer whose body never ends
 *   pass N   N writes and as many reads of its body; answers with the nanoseconds of a write and of a read
 *
 * Both go in batches that the socket holds, so that none waits for the other side.
 */
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "net.h"

enum { PIECE_BYTES = 1024, BATCH = 32 };

/* What both processes have of the connection. */
struct side {
	SSL *ssl;
	int in, out; /* pipes: the turns of the reader, and its answers */
};

static void need(int done, const char *what)
{
	if (!done)
		die(what);
}

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* The certificate of the server, made for this run. */
static SSL_CTX *server_context(void)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();

	need(context && key && certificate, "memory");
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
	X509_set_pubkey(certificate, key);
	need(X509_sign(certificate, key, EVP_sha256()) > 0, "X509_sign");
	need(SSL_CTX_use_certificate(context, certificate) == 1, "SSL_CTX_use_certificate");
	need(SSL_CTX_use_PrivateKey(context, key) == 1, "SSL_CTX_use_PrivateKey");
	return context;
}

static SSL *ssl_on(SSL_CTX *context, int fd)
{
	SSL *ssl = SSL_new(context);

	need(ssl && SSL_set_fd(ssl, fd) == 1, "SSL_new");
	return ssl;
}

static void read_all(SSL *ssl, int n)
{
	static char piece[PIECE_BYTES];

	for (int got = 0, len; got < n; got += len) {
		len = SSL_read(ssl, piece, n - got < PIECE_BYTES ? n - got : PIECE_BYTES);
		need(len > 0, "SSL_read");
	}
}

static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n";

/* The reader: for each number of pieces that it is told, how long their reads took. */
static _Noreturn void reader_run(struct side *side)
{
	static const char request[] = "GET /body HTTP/1.1\r\nHost: localhost\r\n\r\n";
	double begin, took;
	int pieces;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	need(SSL_connect(side->ssl) == 1, "SSL_connect");
	need(SSL_write(side->ssl, request, sizeof(request) - 1) > 0, "SSL_write");
	read_all(side->ssl, sizeof(head) - 1);
	while (read(side->in, &pieces, sizeof(pieces)) == sizeof(pieces)) {
		begin = now_ns();
		for (int i = 0; i < pieces; i++)
			read_all(side->ssl, PIECE_BYTES);
		took = now_ns() - begin;
		need(write(side->out, &took, sizeof(took)) == sizeof(took), "write");
	}
	_exit(0);
}

static void open_connection(struct side *side, SSL_CTX *server, SSL_CTX *client)
{
	char request[256];
	struct sockaddr_in at;
	int listener = listen_loopback(&at), orders[2], answers[2], fd, peer;

	need(!pipe(orders) && !pipe(answers), "pipe");
	peer = connect_to(&at);
	fd = accept(listener, NULL, NULL);
	need(fd >= 0, "accept");
	close(listener);
	no_delay(fd);
	if (!fork()) {
		struct side theirs = {.ssl = ssl_on(client, peer), .in = orders[0], .out = answers[1]};

		close(fd);
		close(orders[1]);
		reader_run(&theirs);
	}
	close(peer);
	close(orders[0]);
	close(answers[1]);
	*side = (struct side){.ssl = ssl_on(server, fd), .in = answers[0], .out = orders[1]};
	need(SSL_accept(side->ssl) == 1, "SSL_accept");
	need(SSL_read(side->ssl, request, sizeof(request)) > 0, "SSL_read");
	need(SSL_write(side->ssl, head, sizeof(head) - 1) > 0, "SSL_write");
}

/* The reader ends when its orders do. */
static void close_connection(struct side *side)
{
	if (!side->ssl)
		return;
	close(side->out);
	close(side->in);
	close(SSL_get_fd(side->ssl));
	SSL_free(side->ssl);
	side->ssl = NULL;
}

static void pass(struct side *side, int pieces)
{
	static const char piece[PIECE_BYTES];
	double writes = 0, reads = 0, took, begin;

	for (int done = 0; done < pieces; done += BATCH) {
		int batch = BATCH;

		begin = now_ns();
		for (int i = 0; i < BATCH; i++)
			need(SSL_write(side->ssl, piece, sizeof(piece)) == sizeof(piece), "SSL_write");
		writes += now_ns() - begin;
		need(write(side->out, &batch, sizeof(batch)) == sizeof(batch), "write");
		need(read(side->in, &took, sizeof(took)) == sizeof(took), "the reader");
		reads += took;
	}
	printf("%.1f %.1f\n", writes / pieces, reads / pieces);
}

int main(void)
{
	SSL_CTX *server = server_context(), *client = SSL_CTX_new(TLS_client_method());
	struct side side = {0};
	char line[64];
	int pieces;

	signal(SIGCHLD, SIG_IGN);
	while (fgets(line, sizeof(line), stdin)) {
		if (!strcmp(line, "open\n")) {
			close_connection(&side);
			open_connection(&side, server, client);
			puts("ok");
		} else if (sscanf(line, "pass %d", &pieces) == 1 && side.ssl && pieces > 0 && pieces % BATCH == 0) {
			pass(&side, pieces);
		} else {
			puts("?");
		}
		fflush(stdout);
	}
	close_connection(&side);
	return 0;
}
