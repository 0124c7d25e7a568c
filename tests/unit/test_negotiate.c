/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Accept and Accept-Encoding against what they ask for (RFC 9110 sections 12.4 and 12.5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "negotiate.h"

#define OM "application/openmetrics-text"

static void openmetrics_only_where_it_is_asked_for_by_name(void **state)
{
	static const struct {
		const char *accept;
		enum exposition_format format;
	} cases[] = {
		{NULL, EXPOSITION_TEXT},
		{"", EXPOSITION_TEXT},
		{"*/*", EXPOSITION_TEXT},
		{"text/html,application/xhtml+xml,*/*;q=0.8", EXPOSITION_TEXT},
		{"application/json", EXPOSITION_TEXT},
		{OM, EXPOSITION_OPENMETRICS},
		{OM ";version=1.0.0", EXPOSITION_OPENMETRICS},
		{OM "; version=\"1.0.0\"", EXPOSITION_TEXT}, /* nobody quotes it; text is always understood */
		{OM ";version=0.0.1", EXPOSITION_TEXT},
		{OM ";version=2.0.0", EXPOSITION_TEXT},
		{OM ";version=0.0.1, " OM " ; version=1.0.0 ; q=0.5", EXPOSITION_OPENMETRICS},
		{"Application/OpenMetrics-Text;Version=1.0.0", EXPOSITION_OPENMETRICS},
		{OM ";q=0", EXPOSITION_TEXT},
		{OM ";q=0.0", EXPOSITION_TEXT},
		{OM ";q=0.5,text/plain;q=0.6", EXPOSITION_TEXT},
		{OM ";q=0.6,text/plain;q=0.5", EXPOSITION_OPENMETRICS},
		{OM ";q=0.5,text/plain;q=0.5", EXPOSITION_OPENMETRICS},
		{OM ";q=0.501,text/*;q=0.5", EXPOSITION_OPENMETRICS},
		{OM ";q=0.499,text/*;q=0.5", EXPOSITION_TEXT},
		{OM ";q=0.5,text/plain;q=0.1,*/*;q=0.9", EXPOSITION_OPENMETRICS}, /* the specific range decides */
		{OM ";q=0.5,text/plain;version=9;q=0.9", EXPOSITION_OPENMETRICS},
		{OM ";q=abc", EXPOSITION_TEXT},
		{OM ";q=7", EXPOSITION_OPENMETRICS},
		{",,; ;=,;q=1," OM, EXPOSITION_OPENMETRICS},
		{OM ";note=\"a,b;q=0\";q=1", EXPOSITION_OPENMETRICS},
		{OM ";note=\"open", EXPOSITION_OPENMETRICS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (negotiate_format(cases[i].accept) != cases[i].format)
			fail_msg("Accept: %s", cases[i].accept);
	}
}

static void gzip_only_where_it_is_allowed(void **state)
{
	static const struct {
		const char *accept_encoding;
		bool gzip;
	} cases[] = {
		{NULL, false},
		{"", false},
		{"identity", false},
		{"deflate, br", false},
		{"gzip", true},
		{"x-gzip", true},
		{"GZIP", true},
		{"deflate, gzip;q=1.0, *;q=0.5", true},
		{"*", true},
		{"*;q=0", false},
		{"gzip;q=0", false},
		{"gzip;q=0, *", false},
		{"gzip;q=0.000", false},
		{"gzip ; q=0.001", true},
		{"gzip;q=0.5, identity;q=0.6", false},
		{"gzip;q=0.5, identity;q=0.5", true},
		{"identity;q=0, *;q=0.3", true},
		{"gzipped", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (negotiate_gzip(cases[i].accept_encoding) != cases[i].gzip)
			fail_msg("Accept-Encoding: %s", cases[i].accept_encoding);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openmetrics_only_where_it_is_asked_for_by_name),
		cmocka_unit_test(gzip_only_where_it_is_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
