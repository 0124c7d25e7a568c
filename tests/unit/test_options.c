/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The options of serve and doctor: what each value becomes, and what is said of each that is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "options.h"

enum { MAX_ARGS = 40 };

static struct options opt;
static char why[OPTIONS_WHY_BYTES];

/* Parses a NULL-terminated list. */
static int parse(enum options_command command, ...)
{
	char *argv[MAX_ARGS] = {command == OPTIONS_SERVE ? "serve" : "doctor"};
	int argc = 1;
	va_list args;

	va_start(args, command);
	while (argc < MAX_ARGS - 1 && (argv[argc] = va_arg(args, char *)))
		argc++;
	va_end(args);
	why[0] = '\0';
	return options_parse(command, argc, argv, &opt, why, sizeof(why));
}

static void defaults_are_those_of_the_interface(void **state)
{
	const struct sockaddr_in *sin = &opt.listen[0].addr.ipv4;

	(void)state;
	assert_int_equal(parse(OPTIONS_SERVE, NULL), 0);
	assert_int_equal(opt.n_listen, 1);
	assert_int_equal(sin->sin_family, AF_INET);
	assert_int_equal(ntohs(sin->sin_port), 10219);
	assert_int_equal(ntohl(sin->sin_addr.s_addr), INADDR_LOOPBACK);
	assert_string_equal(opt.telemetry_path, "/metrics");
	assert_string_equal(opt.hooks, "auto");
	assert_int_equal(opt.max_connections, 65536);
	assert_int_equal(opt.log_level, LOG_LEVEL_INFO);
	assert_int_equal(opt.log_format, LOG_FORMAT_LOGFMT);
	assert_false(opt.web_disable);
	assert_false(opt.files);
	assert_null(opt.config_file);
	assert_false(opt.help);
	assert_int_equal(opt.selectors.pids + opt.selectors.comms + opt.selectors.exes + opt.selectors.ports +
				 opt.selectors.cgroups + opt.selectors.containers + opt.selectors.services,
			 0);
}

static void values_stand_behind_equals_or_in_the_next_argument(void **state)
{
	(void)state;
	assert_int_equal(parse(OPTIONS_SERVE, "--max-connections=7", "--hooks", "sock_length", "--log.level=debug",
			       "--log.format", "json", "--web.telemetry-path=/m", "--web.disable",
			       "--config.file=c.yml", NULL),
			 0);
	assert_int_equal(opt.max_connections, 7);
	assert_string_equal(opt.hooks, "sock_length");
	assert_int_equal(opt.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(opt.log_format, LOG_FORMAT_JSON);
	assert_string_equal(opt.telemetry_path, "/m");
	assert_true(opt.web_disable);
	assert_string_equal(opt.config_file, "c.yml");
}

static void every_selector_is_repeatable(void **state)
{
	(void)state;
	assert_int_equal(parse(OPTIONS_DOCTOR, "--pid=1", "--pid=4194304", "--comm=no*", "--comm=nginx",
			       "--exe=/usr/*", "--exe=node", "--port=80", "--port=65535", "--container=ABCdef",
			       "--container=0", "--service=chat", "--service=web site", NULL),
			 0);
	assert_int_equal(opt.selectors.pids, 2);
	assert_int_equal(opt.selectors.pid[1], 4194304);
	assert_int_equal(opt.selectors.comms, 2);
	assert_string_equal(opt.selectors.comm[0], "no*");
	assert_int_equal(opt.selectors.exes, 2);
	assert_string_equal(opt.selectors.exe[0], "/usr/*");
	assert_string_equal(opt.selectors.exe[1], "*/node");
	assert_int_equal(opt.selectors.ports, 2);
	assert_int_equal(opt.selectors.port[1], 65535);
	assert_int_equal(opt.selectors.containers, 2);
	assert_string_equal(opt.selectors.container[0], "abcdef");
	assert_int_equal(opt.selectors.services, 2);
	assert_string_equal(opt.selectors.service[1], "web site");
}

static void addresses_may_be_repeated(void **state)
{
	const struct sockaddr_in6 *sin6 = &opt.listen[1].addr.ipv6;

	(void)state;
	assert_int_equal(parse(OPTIONS_SERVE, "--web.listen-address=:10219", "--web.listen-address=[::1]:9100",
			       "--web.listen-address=localhost:0", NULL),
			 0);
	assert_int_equal(opt.n_listen, 3);
	assert_true(opt.listen[0].any);
	assert_int_equal(sin6->sin6_family, AF_INET6);
	assert_int_equal(ntohs(sin6->sin6_port), 9100);
	assert_true(IN6_IS_ADDR_LOOPBACK(&sin6->sin6_addr));
	assert_false(opt.listen[1].any);
}

static void help_ends_the_reading(void **state)
{
	(void)state;
	assert_int_equal(parse(OPTIONS_SERVE, "--help", "--no-such-option", NULL), 0);
	assert_true(opt.help);
	assert_int_equal(parse(OPTIONS_DOCTOR, "-h", NULL), 0);
	assert_true(opt.help);
}

static const struct {
	const char *arg;
	const char *said; /* a part of the error */
} wrong[] = {
	{"--pid=0", "--pid=0: valid is a whole number from 1 to 4194304"},
	{"--pid=-1", "--pid=-1: valid is"},
	{"--pid=4194305", "--pid=4194305: valid is"},
	{"--pid=1x", "--pid=1x: valid is"},
	{"--pid= 1", "--pid= 1: valid is"},
	{"--pid=", "--pid=: valid is"},
	{"--pid=99999999999999999999999", "valid is"},
	{"--port=0", "--port=0: valid is a whole number from 1 to 65535"},
	{"--port=65536", "--port=65536: valid is"},
	{"--port=http", "--port=http: valid is"},
	{"--comm=", "--comm=: valid are 1 to 63 bytes"},
	{"--comm=1234567890123456789012345678901234567890123456789012345678901234", "valid are 1 to 63 bytes"},
	{"--service=", "--service=: valid are 1 to 63 bytes"},
	{"--exe=", "--exe=: valid are 1 to 191 bytes"},
	{"--container=", "--container=: valid are the first 1 to 64 hexadecimal digits"},
	{"--container=xyz", "--container=xyz: valid are the first 1 to 64 hexadecimal digits"},
	{"--cgroup=/no/such/cgroup", "--cgroup=/no/such/cgroup: no mounted cgroup hierarchy has it: valid is"},
	{"--cgroup=", "--cgroup=: no mounted cgroup hierarchy has it"},
	{"--max-connections=0", "--max-connections=0: valid is a whole number from 1 to 16777216"},
	{"--max-connections=16777217", "valid is a whole number"},
	{"--max-connections=1e3", "valid is a whole number"},
	{"--hooks=uprobe", "--hooks=uprobe: valid are auto, sock_length, fexit, kprobe, sys_exit"},
	{"--log.level=loud", "--log.level=loud: valid are debug, info, warn, error"},
	{"--log.format=xml", "--log.format=xml: valid are logfmt, json"},
	{"--web.telemetry-path=metrics", "--web.telemetry-path=metrics: valid is a path that starts with /"},
	{"--web.telemetry-path=/a b", "valid is a path"},
	{"--web.telemetry-path=/m?x", "valid is a path"},
	{"--web.telemetry-path=/-/ready", "valid is any other path"},
	{"--web.listen-address=10219", "--web.listen-address=10219: not an address: valid are"},
	{"--web.listen-address=1.2.3:80", "not an address"},
	{"--web.listen-address=127.0.0.1:", "not an address"},
	{"--web.listen-address=127.0.0.1:70000", "not an address"},
	{"--web.listen-address=127.0.0.1:1x", "not an address"},
	{"--web.listen-address=::1:80", "not an address"},
	{"--web.listen-address=[::1:80", "not an address"},
	{"--web.listen-address=[127.0.0.1]:80", "not an address"},
	{"--web.listen-address=[fe80::1%nowhere]:80", "not an address"},
	{"--web.listen-address=host.example:80", "not an address"},
	{"--web.disable=yes", "--web.disable takes no value: --web.disable=yes"},
	{"--pid", "--pid needs a value: --pid=PID"},
	{"--web.listen-address", "--web.listen-address needs a value: --web.listen-address=ADDR:PORT"},
	{"--push.url=http://gateway", "unknown or ambiguous option --push.url: --help"},
	{"--web.config.file=x", "unknown or ambiguous option --web.config.file: --help"},
	{"--config.file=", "--config.file=: valid is the path of a YAML file"},
	{"--config.file", "--config.file needs a value: --config.file=FILE"},
	{"--web", "unknown or ambiguous option --web: --help"},
	{"-x", "unknown option -x: --help"},
	{"now", "unexpected argument 'now'"},
};

static void every_wrong_value_is_named_with_what_is_valid(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct options before;

		memset(&opt, 0x5a, sizeof(opt));
		before = opt;
		assert_int_equal(parse(OPTIONS_SERVE, wrong[i].arg, NULL), -EINVAL);
		if (!strstr(why, wrong[i].said))
			fail_msg("%s: \"%s\" does not say \"%s\"", wrong[i].arg, why, wrong[i].said);
		assert_memory_equal(&opt, &before, sizeof(opt));
	}
}

static void doctor_has_no_options_of_the_web(void **state)
{
	(void)state;
	assert_int_equal(parse(OPTIONS_DOCTOR, "--web.disable", NULL), -EINVAL);
	assert_non_null(strstr(why, "unknown or ambiguous option --web.disable"));
}

static void serve_does_not_print_what_the_verifier_took(void **state)
{
	(void)state;
	assert_int_equal(parse(OPTIONS_SERVE, "--verifier", NULL), -EINVAL);
	assert_int_equal(parse(OPTIONS_DOCTOR, "--verifier", NULL), 0);
	assert_true(opt.verifier);
}

static void one_repeat_too_many_is_refused(void **state)
{
	static const char *const options[] = {"--pid=1",
					      "--port=1",
					      "--comm=a",
					      "--exe=/a",
					      "--container=a",
					      "--service=a",
					      "--web.listen-address=:1"};

	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		char *argv[SELECTOR_MAX + 3] = {"serve"};

		for (int j = 1; j <= SELECTOR_MAX + 1; j++)
			argv[j] = (char *)options[i];
		assert_int_equal(options_parse(OPTIONS_SERVE, SELECTOR_MAX + 1, argv, &opt, why, sizeof(why)), 0);
		assert_int_equal(options_parse(OPTIONS_SERVE, SELECTOR_MAX + 2, argv, &opt, why, sizeof(why)),
				 -EINVAL);
		assert_non_null(strstr(why, "too many"));
	}
}

/* The path of this process in each hierarchy, and the directory itself. */
static void a_cgroup_is_found_by_the_path_that_proc_shows(void **state)
{
	FILE *file = fopen("/proc/self/cgroup", "r");
	bool root_found = false;
	char line[512];

	(void)state;
	if (!file || parse(OPTIONS_SERVE, "--cgroup=/", NULL)) {
		print_message("no cgroup hierarchy is mounted: not checked\n");
		skip();
	}
	while (fgets(line, sizeof(line), file)) {
		char option[600], *path = strchr(strchr(line, ':') + 1, ':') + 1;

		path[strcspn(path, "\n")] = '\0';
		snprintf(option, sizeof(option), "--cgroup=%s", path);
		if (!parse(OPTIONS_SERVE, option, NULL)) {
			assert_true(opt.selectors.cgroups > 0);
			root_found = true;
		}
	}
	fclose(file);
	assert_true(root_found);
}

static void a_cgroup_id_is_the_inode_of_its_directory(void **state)
{
	static const char *const directories[] = {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"};

	(void)state;
	for (size_t i = 0; i < sizeof(directories) / sizeof(*directories); i++) {
		char option[64];
		struct stat st;

		snprintf(option, sizeof(option), "--cgroup=%s", directories[i]);
		if (parse(OPTIONS_SERVE, option, NULL))
			continue;
		assert_int_equal(stat(directories[i], &st), 0);
		assert_int_equal(opt.selectors.cgroups, 1);
		assert_int_equal(opt.selectors.cgroup[0].id, st.st_ino);
		return;
	}
	print_message("no cgroup2 hierarchy is mounted: not checked\n");
	skip();
}

static void files_is_a_switch_of_serve(void **state)
{
	(void)state;
	assert_int_equal(parse(OPTIONS_SERVE, "--files", NULL), 0);
	assert_true(opt.files);
	assert_int_equal(parse(OPTIONS_SERVE, "--files=yes", NULL), -EINVAL);
	assert_int_equal(parse(OPTIONS_DOCTOR, "--files", NULL), -EINVAL);
}

static void help_lists_every_option_of_the_command_alone(void **state)
{
	char text[8192] = "";
	FILE *file = tmpfile();

	(void)state;
	assert_non_null(file);
	options_help(OPTIONS_DOCTOR, file);
	rewind(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	assert_non_null(strstr(text, "--cgroup=PATH"));
	assert_null(strstr(text, "--web."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_of_the_interface),
		cmocka_unit_test(values_stand_behind_equals_or_in_the_next_argument),
		cmocka_unit_test(every_selector_is_repeatable),
		cmocka_unit_test(addresses_may_be_repeated),
		cmocka_unit_test(help_ends_the_reading),
		cmocka_unit_test(every_wrong_value_is_named_with_what_is_valid),
		cmocka_unit_test(doctor_has_no_options_of_the_web),
		cmocka_unit_test(serve_does_not_print_what_the_verifier_took),
		cmocka_unit_test(one_repeat_too_many_is_refused),
		cmocka_unit_test(a_cgroup_is_found_by_the_path_that_proc_shows),
		cmocka_unit_test(a_cgroup_id_is_the_inode_of_its_directory),
		cmocka_unit_test(files_is_a_switch_of_serve),
		cmocka_unit_test(help_lists_every_option_of_the_command_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
