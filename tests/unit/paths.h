/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Makes templates of paths as bpf/http_rows.h does, without its maps. */
#ifndef TAPSTAT_TESTS_PATHS_H
#define TAPSTAT_TESTS_PATHS_H

#include "guard.h"

#include "endpoint.h"

/* The path in pieces of `piece` bytes (at most 16), the last byte readable at the end of each. */
static inline void path_add(struct target *t, const char *path, size_t piece)
{
	static struct guarded view;
	size_t n = strlen(path), size;

	if (!view.end)
		view = guarded_new(64);
	memset(t, 0xa5, sizeof(*t));
	target_begin(t);
	for (size_t at = 0; at < n; at += size) {
		__u8 *p = view.end - 16;

		size = n - at < piece ? n - at : piece;
		memset(p, '~', 16);
		memcpy(p, path + at, size);
		target_add(t, p, (__u32)size);
	}
}

static inline void path_segment_end(struct target *t)
{
	__u64 variable = segment_variable(t->kinds, t->at - t->segment);

	if (variable)
		template_variable(t, variable);
}

/* Its template; NULL: it is too long. */
static inline const char *path_template(struct target *t)
{
	template_begin(t);
	memset(t->template, 0, sizeof(t->template));
	if (t->bytes > TARGET_BYTES)
		return NULL;
	for (__u32 i = 0; i < t->bytes && !t->over; i++) {
		__u8 c = t->text[i];

		if (c == '/')
			path_segment_end(t);
		template_add(t, c);
		if (c == '/')
			segment_begin(t);
	}
	path_segment_end(t);
	t->template[t->at < sizeof(t->template) ? t->at : 0] = 0;
	return t->over ? NULL : t->template;
}

#endif
