/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* HTTP over real sockets: the limits that keep slow and hostile clients from holding it up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_peer.h"

/* A byte every 100 ms: never idle, never done. */
static void a_slow_request_is_cut_off(void **state)
{
	static const char slow[] =
		"GET /metrics HTTP/1.1\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	__u64 begin = now_ms();
	bool closed = false;
	int fd = dial();

	(void)state;
	for (size_t i = 0; slow[i] && !closed; i++) {
		if (send(fd, slow + i, 1, MSG_NOSIGNAL) != 1)
			break;
		closed = closes_within(fd, 100);
	}
	assert_true(now_ms() - begin >= REQUEST_MS);
	assert_true(now_ms() - begin < REQUEST_MS + SLACK_MS);
	close(fd);
	assert_answers();
}

static void an_idle_connection_is_cut_off(void **state)
{
	__u64 begin = now_ms();
	int fd = dial();

	(void)state;
	assert_true(closes_within(fd, REQUEST_MS + SLACK_MS));
	assert_true(now_ms() - begin >= REQUEST_MS);
	close(fd);
}

static void connections_beyond_the_limit_are_closed_at_once(void **state)
{
	int fd[HTTP_MAX_CONNECTIONS], excess[8];

	(void)state;
	for (int i = 0; i < HTTP_MAX_CONNECTIONS; i++)
		fd[i] = dial();
	for (size_t i = 0; i < sizeof(excess) / sizeof(*excess); i++) {
		excess[i] = dial();
		assert_true(closes_within(excess[i], REQUEST_MS / 4));
		close(excess[i]);
	}
	/* Those within the limit still work, and a place that gets free is used again. */
	put(fd[HTTP_MAX_CONNECTIONS - 1], "GET /-/healthy HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	read_to_end(fd[HTTP_MAX_CONNECTIONS - 1]);
	assert_has("200 OK");
	assert_answers();
	for (int i = 0; i < HTTP_MAX_CONNECTIONS; i++)
		close(fd[i]);
	assert_answers();
}

/* Connections that end before, within and after a request leave no place taken. */
static void places_are_given_back_however_a_connection_ends(void **state)
{
	(void)state;
	for (int i = 0; i < 4 * HTTP_MAX_CONNECTIONS; i++) {
		struct linger reset = {.l_onoff = 1};
		int fd = dial();

		if (i % 4 == 1)
			put(fd, "GET /met");
		else if (i % 4 == 2)
			put(fd, "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n");
		else if (i % 4 == 3)
			put(fd, "nonsense\r\n\r\n");
		if (i % 8 > 3)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(fd);
		if (i % HTTP_MAX_CONNECTIONS == HTTP_MAX_CONNECTIONS - 1) {
			struct timespec pause = {.tv_nsec = 300000000};

			nanosleep(&pause, NULL);
			assert_answers();
		}
	}
}

static void an_oversized_header_is_refused(void **state)
{
	char line[1024];
	int fd = dial();

	(void)state;
	memset(line, 'a', sizeof(line) - 3);
	memcpy(line, "X: ", 3);
	memcpy(line + sizeof(line) - 3, "\r\n", 3);
	put(fd, "GET /metrics HTTP/1.1\r\n");
	for (int i = 0; i < 2 * HTTP_MAX_HEADER_BYTES / 1024; i++) {
		if (send(fd, line, strlen(line), MSG_NOSIGNAL) < 0)
			break;
	}
	read_to_end(fd);
	close(fd);
	/* The refusal itself may get lost in the reset that unread bytes cause. */
	if (answer_bytes)
		assert_memory_equal(answer, "HTTP/1.1 4", 10);
	assert_null(strstr(answer, "tapstat_build_info"));
	assert_answers();
}

static void a_header_line_without_end_is_refused(void **state)
{
	static char endless[4 * HTTP_MAX_HEADER_BYTES];
	int fd = dial();

	(void)state;
	memset(endless, 'a', sizeof(endless) - 1);
	put(fd, "GET /");
	send(fd, endless, sizeof(endless) - 1, MSG_NOSIGNAL);
	assert_true(closes_within(fd, REQUEST_MS / 2));
	close(fd);
	assert_answers();
}

static void a_large_body_is_refused(void **state)
{
	(void)state;
	request("POST /metrics HTTP/1.1\r\nContent-Length: 99999999999\r\n");
	assert_true(!answer_bytes || !strncmp(answer, "HTTP/1.1 4", 10));
	assert_answers();
}

static int dial_with_small_window(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = port, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), bytes = 4096;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return fd;
}

/* Some megabytes of metrics, and clients that ask for them and do not read. */
static void clients_that_do_not_read_hold_up_nobody(void **state)
{
	enum { CLIENTS = 16 };
	static const char get[] = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
	int fd[CLIENTS];

	(void)state;
	restart(MAX_SERVICES);
	for (int i = 0; i < CLIENTS; i++) {
		fd[i] = dial_with_small_window();
		put(fd[i], get);
	}
	/* The memory that unsent answers may take is used up: refused, not collected for later. */
	assert_status("GET /metrics HTTP/1.1\r\n", "503");
	assert_has("\r\nRetry-After: 1\r\n");
	/* Beyond their time they are gone, read or not. */
	for (__u64 begin = now_ms();;) {
		const struct timespec pause = {.tv_nsec = 100000000};

		if (!strncmp(request("GET /-/ready HTTP/1.1\r\n"), "HTTP/1.1 200", 12))
			break;
		assert_true(now_ms() - begin < RESPONSE_MS + SLACK_MS);
		nanosleep(&pause, NULL);
	}
	for (int i = 0; i < CLIENTS; i++) {
		assert_true(closes_within(fd[i], RESPONSE_MS + SLACK_MS));
		close(fd[i]);
	}
}

/* Bytes behind a request whose answer is not read stay in the client's own socket. */
static void bytes_behind_a_request_are_not_collected(void **state)
{
	enum { MUCH = 64 << 20 };
	static const char junk[65536];
	int fd, small = 65536;
	size_t sent = 0;

	(void)state;
	restart(MAX_SERVICES);
	fd = dial_with_small_window();
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	put(fd, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
	for (__u64 begin = now_ms(); sent < MUCH && now_ms() - begin < REQUEST_MS;) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
		ssize_t n;

		if (poll(&poll_fd, 1, 100) <= 0)
			continue;
		n = send(fd, junk, sizeof(junk), MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN)
			break;
		sent += n > 0 ? (size_t)n : 0;
	}
	assert_true(sent < MUCH / 4);
	close(fd);
	assert_answers();
}

static void a_taken_address_is_named_with_the_cause(void **state)
{
	struct listen_address address;
	char text[64], why[512];
	int fd = -1;

	(void)state;
	snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(port));
	assert_int_equal(listen_address_parse(text, &address, why, sizeof(why)), 0);
	assert_int_equal(listen_address_open(&address, &fd, why, sizeof(why)), -EADDRINUSE);
	assert_int_equal(fd, -1);
	assert_non_null(strstr(why, text));
	assert_non_null(strstr(why, "Address already in use"));
}

static void every_address_is_ipv4_and_ipv6(void **state)
{
	union socket_address bound = {0};
	struct listen_address address;
	socklen_t len = sizeof(bound);
	struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	char why[512];
	int fd, client = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(listen_address_parse(":0", &address, why, sizeof(why)), 0);
	assert_int_equal(listen_address_open(&address, &fd, why, sizeof(why)), 0);
	assert_int_equal(getsockname(fd, &bound.any, &len), 0);
	ipv4.sin_port = bound.ipv4.sin_port; /* at the same place in both families */
	assert_int_equal(connect(client, (struct sockaddr *)&ipv4, sizeof(ipv4)), 0);
	close(client);
	if (bound.any.sa_family == AF_INET6) {
		struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};

		ipv6.sin6_port = ipv4.sin_port;
		client = socket(AF_INET6, SOCK_STREAM, 0);
		assert_int_equal(connect(client, (struct sockaddr *)&ipv6, sizeof(ipv6)), 0);
		close(client);
	}
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HTTP_TEST(a_slow_request_is_cut_off),
		HTTP_TEST(an_idle_connection_is_cut_off),
		HTTP_TEST(connections_beyond_the_limit_are_closed_at_once),
		HTTP_TEST(places_are_given_back_however_a_connection_ends),
		HTTP_TEST(an_oversized_header_is_refused),
		HTTP_TEST(a_header_line_without_end_is_refused),
		HTTP_TEST(a_large_body_is_refused),
		HTTP_TEST(clients_that_do_not_read_hold_up_nobody),
		HTTP_TEST(bytes_behind_a_request_are_not_collected),
		HTTP_TEST(a_taken_address_is_named_with_the_cause),
		cmocka_unit_test(every_address_is_ipv4_and_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
