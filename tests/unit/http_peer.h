/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For the tests of HTTP: the server in a child process, with short deadlines and a snapshot made by hand, and a
 * client that speaks to it over real sockets.
 */
#ifndef TAPSTAT_TESTS_HTTP_PEER_H
#define TAPSTAT_TESTS_HTTP_PEER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fake_snapshot.h"
#include "http.h"
#include "listen.h"

enum {
	REQUEST_MS = 1000,
	RESPONSE_MS = 2000,
	SLACK_MS = 1500, /* on a machine that others use, too */
	ANSWER_BYTES = 1 << 20,
};

/* What the child serves: chosen before it is started. */
static struct {
	size_t services;
	const char *name; /* of the first service, if any */
	bool ready, fails;
} served;

static pid_t child;
static in_port_t port;
static char answer[ANSWER_BYTES];
static size_t answer_bytes;

/* ---- The server ----------------------------------------------------------------------------------------------- */

static struct snapshot snap;

static inline const struct snapshot *scrape(void *arg, struct self_metrics *self)
{
	(void)arg;
	*self = fake_self;
	return served.fails ? NULL : &snap;
}

static inline void on_term(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	event_base_loopbreak(arg);
}

/* Exits with 0 only after the loop ended as it should and everything was freed. */
static inline void run_server(int fd, const sigset_t *mask)
{
	struct http_config config = {
		.telemetry_path = "/metrics", .scrape = scrape, .request_ms = REQUEST_MS, .response_ms = RESPONSE_MS};
	struct event_base *base = event_base_new();
	struct event *term = evsignal_new(base, SIGTERM, on_term, base);
	struct http_server *server = http_server_new(base, &config);
	int status = 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	fake_services(&snap, served.services);
	if (served.name)
		snprintf(snap.series[0].service, SERVICE_NAME_BYTES, "%s", served.name);
	snap.hook[0] = (struct hook_snapshot){"sock_length", true, false, 0, 0};
	snap.n_hooks = 1;
	event_add(term, NULL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	if (server && !http_server_add_listener(server, fd)) {
		http_server_set_ready(server, served.ready);
		status = event_base_dispatch(base) ? 1 : 0;
	}
	http_server_free(server);
	event_free(term);
	event_base_free(base);
	fake_release(&snap);
	_exit(status);
}

static inline void start(size_t services)
{
	struct listen_address address;
	struct sockaddr_in sin = {0};
	socklen_t len = sizeof(sin);
	char why[256];
	sigset_t term, mask;
	int fd;

	served.services = services;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	assert_int_equal(listen_address_parse("127.0.0.1:0", &address, why, sizeof(why)), 0);
	assert_int_equal(listen_address_open(&address, &fd, why, sizeof(why)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	port = sin.sin_port;
	sigprocmask(SIG_BLOCK, &term, &mask); /* until the child has its handler */
	child = fork();
	assert_true(child >= 0);
	if (!child)
		run_server(fd, &mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	close(fd);
}

static inline int set_up(void **state)
{
	(void)state;
	memset(&served, 0, sizeof(served));
	served.ready = true;
	start(1);
	return 0;
}

static inline int tear_down(void **state)
{
	int status = -1;

	(void)state;
	kill(child, SIGTERM);
	waitpid(child, &status, 0);
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -1;
}

/* In the place of the one that set_up() started. */
static inline void restart(size_t services)
{
	assert_int_equal(tear_down(NULL), 0);
	start(services);
}

/* ---- The client ----------------------------------------------------------------------------------------------- */

static inline int dial(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = port, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return fd;
}

static inline void put(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static inline __u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000 + (__u64)now.tv_nsec / 1000000;
}

/* True once the other side has closed the connection; false after `ms` without. Throws away what comes. */
static inline bool closes_within(int fd, int ms)
{
	__u64 deadline = now_ms() + (__u64)ms;
	char junk[65536];

	while (now_ms() < deadline) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

		if (poll(&poll_fd, 1, (int)(deadline - now_ms())) > 0 && recv(fd, junk, sizeof(junk), 0) <= 0)
			return true;
	}
	return false;
}

/* Reads into `answer` until the other side closes. */
static inline void read_to_end(int fd)
{
	ssize_t n;

	answer_bytes = 0;
	while ((n = recv(fd, answer + answer_bytes, sizeof(answer) - 1 - answer_bytes, 0)) > 0)
		answer_bytes += (size_t)n;
	answer[answer_bytes] = '\0';
}

/* One request, its lines given without the closing one. */
static inline const char *request(const char *lines)
{
	int fd = dial();

	put(fd, lines);
	put(fd, "Host: localhost\r\nConnection: close\r\n\r\n");
	read_to_end(fd);
	close(fd);
	return answer;
}

static inline const char *body(void)
{
	const char *end = strstr(answer, "\r\n\r\n");

	assert_non_null(end);
	return end + 4;
}

static inline size_t content_length(void)
{
	const char *header = strstr(answer, "\r\nContent-Length: ");

	assert_non_null(header);
	return strtoul(header + strlen("\r\nContent-Length: "), NULL, 10);
}

static inline void assert_has(const char *part)
{
	if (!strstr(answer, part))
		fail_msg("\"%s\" is not in the answer: %.300s", part, answer);
}

static inline void assert_status(const char *lines, const char *status)
{
	char start_line[64];

	snprintf(start_line, sizeof(start_line), "HTTP/1.1 %s ", status);
	request(lines);
	if (strncmp(answer, start_line, strlen(start_line)))
		fail_msg("%s: expected %s, came %.40s", lines, status, answer);
}

static inline void assert_answers(void)
{
	assert_status("GET /-/healthy HTTP/1.1\r\n", "200");
}

#define HTTP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
