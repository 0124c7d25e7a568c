// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What of options and the configuration file becomes the kernel side's settings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "config.h"
#include "kernel_config.h"

static struct config file;
static char why[256];

static void without_a_file_the_defaults_hold(void **state)
{
	const struct attach_config config = {.max_connections = 7};
	struct settings settings = kernel_config_settings(&config);

	(void)state;
	assert_int_equal(settings.max_connections, 7);
	assert_int_equal(settings.max_combinations, MAX_COMBINATIONS);
	assert_int_equal(settings.segment_limit, SEGMENT_LIMIT);
	assert_int_equal(settings.max_services, MAX_SERVICES);
	assert_int_equal(settings.service_rules + settings.queues + settings.files + settings.selecting, 0);
	config_init(&file);
	assert_memory_equal(&settings,
			    &(struct settings[]){kernel_config_settings(
				    &(struct attach_config){.max_connections = 7, .config = &file})},
			    sizeof(settings));
}

static void the_file_s_limits_and_lists_are_taken_over(void **state)
{
	static const char text[] = "services: [{name: a, comm: x}, {name: b, exe: /x}]\n"
				   "endpoints: {limit: 5, segment_limit: 6}\n"
				   "queues: [{queue_type: q, key: k}]\n"
				   "files: {services: [\"in*\", out]}\n"
				   "limits: {services: 9}\n";
	const struct attach_config config = {.config = &file};
	static struct config_error error;
	struct settings settings;

	(void)state;
	assert_int_equal(config_parse(text, sizeof(text) - 1, &file, &error), 0);
	settings = kernel_config_settings(&config);
	assert_int_equal(settings.max_combinations, 5);
	assert_int_equal(settings.segment_limit, 6);
	assert_int_equal(settings.max_services, 9);
	assert_int_equal(settings.service_rules, 2);
	assert_int_equal(settings.queues, 1);
	assert_int_equal(settings.files, 1);
	assert_int_equal(settings.files_of_all, 0);
	assert_int_equal(settings.file_services, 2);
	assert_string_equal(settings.file_service[0], "in*");
	assert_string_equal(settings.file_service[1], "out");
	assert_int_equal(settings.selecting, 0);
}

/* Whose files are counted: nobody's, those of the patterns, of all that is selected; or --files makes no sense. */
static void files_are_counted_of_whom_somebody_named(void **state)
{
	enum { NOBODY, NAMED, SELECTED, REFUSED };
	static const struct {
		bool option;
		unsigned int patterns, pids, ports;
		int whose;
	} rows[] = {
		{false, 0, 0, 0, NOBODY},  {false, 0, 1, 0, NOBODY}, {false, 1, 0, 0, NAMED},
		{false, 1, 1, 0, NAMED},   {false, 1, 0, 1, NOBODY}, {true, 0, 0, 0, REFUSED},
		{true, 0, 1, 0, SELECTED}, {true, 1, 0, 0, NAMED},   {true, 1, 1, 0, SELECTED},
		{true, 0, 0, 1, REFUSED},  {true, 1, 1, 1, REFUSED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct attach_config config = {.config = &file, .files = rows[i].option};
		struct settings settings;

		config_init(&file);
		file.files.n = rows[i].patterns;
		config.selectors.pids = rows[i].pids;
		config.selectors.ports = rows[i].ports;
		assert_int_equal(kernel_config_check(&config, why, sizeof(why)),
				 rows[i].whose == REFUSED ? -EINVAL : 0);
		if (rows[i].whose == REFUSED)
			continue;
		settings = kernel_config_settings(&config);
		assert_int_equal(kernel_config_wants_files(&config), rows[i].whose != NOBODY);
		assert_int_equal(settings.files, rows[i].whose != NOBODY);
		assert_int_equal(settings.files && settings.files_of_all, rows[i].whose == SELECTED);
	}
}

static void what_files_needs_is_said(void **state)
{
	struct attach_config config = {.files = true};

	(void)state;
	assert_int_equal(kernel_config_check(&config, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "--exe=NAME"));
	assert_non_null(strstr(why, "files.services"));
	config.selectors.ports = 1;
	assert_int_equal(kernel_config_check(&config, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "--port"));
}

static void a_port_is_no_storage_library_s(void **state)
{
	struct attach_config config = {.storage = true};

	(void)state;
	assert_int_equal(kernel_config_check(&config, why, sizeof(why)), 0);
	config.selectors.ports = 1;
	assert_int_equal(kernel_config_check(&config, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "--storage-libraries: --port"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_file_the_defaults_hold),
		cmocka_unit_test(the_file_s_limits_and_lists_are_taken_over),
		cmocka_unit_test(files_are_counted_of_whom_somebody_named),
		cmocka_unit_test(what_files_needs_is_said),
		cmocka_unit_test(a_port_is_no_storage_library_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
