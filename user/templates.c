// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* maps ──> [templates] ──> snapshot: see templates.h. The hashes are those of bpf/endpoint.h. */
#include "templates.h"

#include <string.h>

#include "endpoint.h"

/* The variable that a segment of a template is, as its text in a word; 0: a literal. */
static __u64 variable_of(const char *segment, size_t bytes)
{
	__u64 word = 0;

	if (bytes < 2 || bytes > VARIABLE_BYTES || segment[0] != '{' || segment[bytes - 1] != '}')
		return 0;
	memcpy(&word, segment, bytes);
	return word;
}

void template_fold(char endpoint[ENDPOINT_BYTES], __u32 series, template_is_variable *is_variable, void *context)
{
	static struct target t; /* one thread */
	char *at = endpoint;

	memset(&t, 0, sizeof(t));
	template_begin(&t);
	for (;;) {
		size_t bytes = strcspn(at, "/");
		__u64 variable = variable_of(at, bytes);

		for (size_t i = 0; i < bytes; i++)
			template_add(&t, (__u8)at[i]);
		if (!variable && bytes && is_variable(series, t.prefix_hash, context))
			variable = SEGMENT_NAME;
		if (variable)
			template_variable(&t, variable);
		at += bytes;
		if (!*at)
			break;
		template_add(&t, '/');
		segment_begin(&t);
		at++;
	}
	if (t.over)
		return;
	t.template[t.at] = '\0';
	memcpy(endpoint, t.template, ENDPOINT_BYTES);
	endpoint[ENDPOINT_BYTES - 1] = '\0';
}
