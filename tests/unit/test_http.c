/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* HTTP over real sockets: paths, methods, negotiation, compression, health. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <zlib.h>

#include "http_peer.h"

static void metrics_are_text_by_default(void **state)
{
	(void)state;
	assert_status("GET /metrics HTTP/1.1\r\n", "200");
	assert_has("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
	assert_has("\r\nVary: Accept, Accept-Encoding\r\n");
	assert_has("\ntapstat_build_info{version=\"1.2.3\"");
	assert_int_equal(strlen(body()), content_length());
	assert_null(strstr(answer, "# EOF"));
}

static void metrics_are_openmetrics_when_asked_for(void **state)
{
	(void)state;
	/* What Prometheus 2.42 sends. */
	assert_status(
		"GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text;version=1.0.0,"
		"application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n",
		"200");
	assert_has("\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n");
	assert_string_equal(answer + answer_bytes - 6, "# EOF\n");
}

static void a_query_does_not_change_the_path(void **state)
{
	(void)state;
	assert_status("GET /metrics?x=1 HTTP/1.1\r\n", "200");
	assert_has("tapstat_build_info");
}

static void head_is_get_without_the_body(void **state)
{
	size_t length;

	(void)state;
	assert_status("GET /metrics HTTP/1.1\r\n", "200");
	length = content_length();
	assert_status("HEAD /metrics HTTP/1.1\r\n", "200");
	assert_int_equal(content_length(), length);
	assert_int_equal(strlen(body()), 0);
}

static void gzip_gives_the_same_text(void **state)
{
	static char plain[ANSWER_BYTES], unzipped[ANSWER_BYTES];
	z_stream stream = {.next_out = (Bytef *)unzipped, .avail_out = sizeof(unzipped)};

	(void)state;
	request("GET /metrics HTTP/1.1\r\n");
	snprintf(plain, sizeof(plain), "%s", body());
	assert_status("GET /metrics HTTP/1.1\r\nAccept-Encoding: gzip\r\n", "200");
	assert_has("\r\nContent-Encoding: gzip\r\n");
	assert_true(content_length() < strlen(plain) / 4);
	stream.next_in = (Bytef *)body();
	stream.avail_in = (uInt)content_length();
	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	unzipped[stream.total_out] = '\0';
	inflateEnd(&stream);
	assert_string_equal(unzipped, plain);
}

static void gzip_is_not_used_where_it_is_refused(void **state)
{
	(void)state;
	assert_status("GET /metrics HTTP/1.1\r\nAccept-Encoding: gzip;q=0, deflate\r\n", "200");
	assert_null(strstr(answer, "Content-Encoding"));
}

static void the_page_for_people_links_and_escapes(void **state)
{
	(void)state;
	served.name = "<script>&\"";
	restart(1);
	assert_status("GET / HTTP/1.1\r\n", "200");
	assert_has("\r\nContent-Type: text/html; charset=utf-8\r\n");
	assert_has("<a href=\"/metrics\">");
	assert_has("Version 1.2.3");
	assert_has("<td>sock_length</td><td>attached</td>");
	assert_has("&lt;script&gt;&amp;&quot;");
	assert_null(strstr(answer, "<script>"));
}

static void health_and_readiness_are_told(void **state)
{
	(void)state;
	assert_status("GET /-/healthy HTTP/1.1\r\n", "200");
	assert_status("GET /-/ready HTTP/1.1\r\n", "200");
	served.ready = false;
	restart(1);
	assert_status("GET /-/healthy HTTP/1.1\r\n", "200");
	assert_status("GET /-/ready HTTP/1.1\r\n", "503");
}

static void other_paths_are_not_found(void **state)
{
	(void)state;
	assert_status("GET /nothing HTTP/1.1\r\n", "404");
	assert_status("GET /metrics/ HTTP/1.1\r\n", "404");
	assert_status("POST /nothing HTTP/1.1\r\nContent-Length: 0\r\n", "404");
}

static void other_methods_are_told_which_are_allowed(void **state)
{
	static const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"};

	(void)state;
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		char lines[128];

		snprintf(lines, sizeof(lines), "%s /metrics HTTP/1.1\r\nContent-Length: 0\r\n", methods[i]);
		assert_status(lines, "405");
		assert_has("\r\nAllow: GET, HEAD\r\n");
	}
}

static void a_failed_reading_is_an_error_500(void **state)
{
	(void)state;
	served.fails = true;
	restart(1);
	assert_status("GET /metrics HTTP/1.1\r\n", "500");
	assert_status("GET / HTTP/1.1\r\n", "200");
}

static void a_connection_serves_several_requests(void **state)
{
	int fd = dial();

	(void)state;
	for (int i = 0; i < 3; i++) {
		char text[256];
		ssize_t n;

		put(fd, "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n");
		n = recv(fd, text, sizeof(text) - 1, 0);
		assert_true(n > 0);
		assert_memory_equal(text, "HTTP/1.1 200 OK", 15);
	}
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HTTP_TEST(metrics_are_text_by_default),
		HTTP_TEST(metrics_are_openmetrics_when_asked_for),
		HTTP_TEST(a_query_does_not_change_the_path),
		HTTP_TEST(head_is_get_without_the_body),
		HTTP_TEST(gzip_gives_the_same_text),
		HTTP_TEST(gzip_is_not_used_where_it_is_refused),
		HTTP_TEST(the_page_for_people_links_and_escapes),
		HTTP_TEST(health_and_readiness_are_told),
		HTTP_TEST(other_paths_are_not_found),
		HTTP_TEST(other_methods_are_told_which_are_allowed),
		HTTP_TEST(a_failed_reading_is_an_error_500),
		HTTP_TEST(a_connection_serves_several_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
