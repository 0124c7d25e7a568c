// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lengths of keys become those of queues, and samples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "exposition.h"
#include "snapshot_read.h"

static void keys_of_equal_labels_are_added_up_and_shown(void **state)
{
	static const struct queue_snapshot keys[] = {
		{"web", "pending", 3}, {"chat", "later", 0}, {"web", "events", 5},
		{"web", "pending", 4}, {"chat", "a\"b", 1},
	};
	static const char samples[] = "message_queue_depth{service=\"chat\",queue_type=\"a\\\"b\"} 1\n"
				      "message_queue_depth{service=\"chat\",queue_type=\"later\"} 0\n"
				      "message_queue_depth{service=\"web\",queue_type=\"events\"} 5\n"
				      "message_queue_depth{service=\"web\",queue_type=\"pending\"} 7\n# ";
	static struct snapshot snap;
	struct self_metrics self = {.version = "0", .commit = "0", .libbpf = "0"};
	struct buffer out = {0};
	const char *at;

	(void)state;
	snap.queues = calloc(5, sizeof(*snap.queues));
	assert_non_null(snap.queues);
	memcpy(snap.queues, keys, sizeof(keys));
	snap.n_queues = snap.cap_queues = 5;
	queues_merge(&snap);
	assert_int_equal(snap.n_queues, 4);
	assert_int_equal(exposition_write(&out, &snap, &self, EXPOSITION_TEXT), 0);
	buffer_char(&out, '\0');
	at = strstr(out.data, "\nmessage_queue_depth{");
	assert_non_null(at);
	assert_memory_equal(at + 1, samples, sizeof(samples) - 1);
	assert_non_null(strstr(out.data, "tapstat_series{family=\"message_queue_depth\"} 4\n"));
	buffer_free(&out);
	snapshot_free(&snap);
}

static void no_queue_is_no_sample(void **state)
{
	static struct snapshot snap;

	(void)state;
	queues_merge(&snap);
	assert_int_equal(snap.n_queues, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_of_equal_labels_are_added_up_and_shown),
		cmocka_unit_test(no_queue_is_no_sample),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
