/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The configuration file: what each key becomes, and what is said, and where, of each mistake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "config_text.h"
#include "nearest.h"

static struct config config, defaults;
static struct config_error why;

static int parse(const char *text)
{
	return config_parse(text, strlen(text), &config, &why);
}

static void must_parse(const char *text)
{
	if (parse(text))
		fail_msg("%u:%u: %s\nin\n%s", why.mistake[0].line, why.mistake[0].column, why.mistake[0].text, text);
}

static void without_a_value_the_defaults_hold(void **state)
{
	static const char *const texts[] = {
		"",
		"\n\n",
		"# nothing\n",
		"---\n",
		"---\n...\n",
		"~",
		"null\n",
		"{}\n",
		"\xef\xbb\xbf",
		"\xef\xbb\xbf# with a byte order mark\r\n",
		"services:\n#  - name: x\nendpoints:\nqueues: []\nfiles: {}\nlimits:\n",
		"endpoints: {routes: }\nfiles: {services: ~}\n",
		"endpoints: {limit: 100, segment_limit: 40, routes: []}\nlimits: {services: 128}\n",
		"%YAML 1.1\n---\n{}\n",
	};

	(void)state;
	assert_int_equal(defaults.endpoints.limit, 100);
	assert_int_equal(defaults.endpoints.segment_limit, 40);
	assert_int_equal(defaults.limits.services, 128);
	assert_int_equal(defaults.services.n + defaults.endpoints.n_routes + defaults.queues.n + defaults.files.n, 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		memset(&config, 0x5a, sizeof(config));
		must_parse(texts[i]);
		assert_memory_equal(&config, &defaults, sizeof(config));
	}
}

static const char full[] = "services:                 # naming rules\n"
			   "  - name: chat\n"
			   "    exe: /usr/bin/node*\n"
			   "    comm: \"node*\"\n"
			   "    service: 'node'\n"
			   "  - {name: caf\xc3\xa9 \"7\", comm: 7z}\n"
			   "  - name: jobs\n"
			   "    exe: ruby*\n"
			   "endpoints:\n"
			   "  limit: 1000\n"
			   "  segment_limit: 2\n"
			   "  routes:\n"
			   "    - service: shop\n"
			   "      method: GET\n"
			   "      path: /api/users/{id}/orders/*\n"
			   "      name: user_orders\n"
			   "    - path: /\n"
			   "queues:\n"
			   "  - queue_type: pending\n"
			   "    key: \"jobs:pending\"\n"
			   "    service: worker\n"
			   "  - {queue_type: dead, key: \"*:dead\"}\n"
			   "files:\n"
			   "  services: [\"ingest*\", backup]\n"
			   "probes:\n"
			   "  - {binary: store, function: append, calls: {name: appends_total}}\n"
			   "limits:\n"
			   "  services: 1\n";

static void every_key_has_its_place(void **state)
{
	(void)state;
	must_parse(full);
	assert_int_equal(config.services.n, 3);
	assert_string_equal(config.services.rule[0].name, "chat");
	assert_string_equal(config.services.rule[0].exe, "/usr/bin/node*");
	assert_string_equal(config.services.rule[0].comm, "node*");
	assert_string_equal(config.services.rule[0].service, "node");
	assert_string_equal(config.services.rule[1].name, "caf\xc3\xa9 \"7\"");
	assert_string_equal(config.services.rule[1].exe, "");
	assert_string_equal(config.services.rule[1].comm, "7z");
	assert_string_equal(config.services.rule[2].exe, "*/ruby*");
	assert_int_equal(config.endpoints.limit, 1000);
	assert_int_equal(config.endpoints.segment_limit, 2);
	assert_int_equal(config.endpoints.n_routes, 2);
	assert_string_equal(config.endpoints.route[0].service, "shop");
	assert_string_equal(config.endpoints.route[0].method, "GET");
	assert_string_equal(config.endpoints.route[0].path, "/api/users/{id}/orders/*");
	assert_string_equal(config.endpoints.route[0].name, "user_orders");
	assert_string_equal(config.endpoints.route[1].path, "/");
	assert_string_equal(config.endpoints.route[1].name, "");
	assert_int_equal(config.queues.n, 2);
	assert_string_equal(config.queues.queue[0].queue_type, "pending");
	assert_string_equal(config.queues.queue[0].key, "jobs:pending");
	assert_string_equal(config.queues.queue[0].service, "worker");
	assert_string_equal(config.queues.queue[1].key, "*:dead");
	assert_int_equal(config.files.n, 2);
	assert_string_equal(config.files.service[0], "ingest*");
	assert_string_equal(config.files.service[1], "backup");
	assert_int_equal(config.limits.services, 1);
}

#define TEN "0123456789"
#define SIXTY TEN TEN TEN TEN TEN TEN
#define RULE "services:\n  - comm: x\n    name: "
#define ROUTE "endpoints:\n  routes:\n    - path: "

static const struct {
	const char *description, *text, *said; /* LINE:COLUMN: TEXT of the first mistake */
} wrong[] = {
	{"unknown key", "service:\n",
	 "1:1: unknown key 'service', perhaps 'services': valid in the file are services, endpoints, queues, files, "
	 "probes, limits"},
	{"unknown key like none", "metrics: 1\n",
	 "1:1: unknown key 'metrics': valid in the file are services, endpoints, queues, files, probes, limits"},
	{"unknown key below", "services:\n  - nmae: x\n    comm: x\n    name: y\n",
	 "2:5: unknown key 'nmae', perhaps 'name': valid in a naming rule are name, exe, comm, service"},
	{"unknown key of a route", ROUTE "/\n      methods: GET\n",
	 "4:7: unknown key 'methods', perhaps 'method': valid in a route are service, method, path, name"},
	{"unknown key of a queue", "queues:\n - {queue: a, key: b, queue_type: c}\n",
	 "2:5: unknown key 'queue': valid in a queue are queue_type, key, service"},
	{"unknown key of files", "files:\n  path: [\"/var/lib/*\"]\n",
	 "2:3: unknown key 'path': valid in files are services"},
	{"unknown key of limits", "limits:\n  service: 1\n",
	 "2:3: unknown key 'service', perhaps 'services': valid in limits are services"},
	{"unknown key, long", "a" SIXTY ": 1\n",
	 "1:1: unknown key 'a01234567890123456789012345678901234567890123456...': valid in"},
	{"empty key", "\"\": 1\n", "1:1: unknown key '': valid in the file are"},
	{"merge key", "<<: {}\n", "1:1: unknown key '<<': valid"},
	{"key with a NUL", "\"limits\\0\": {}\n", "1:1: unknown key 'limits?', perhaps 'limits': valid"},
	{"duplicate key", "limits: {}\nfiles: {}\nlimits: {}\n",
	 "3:1: duplicate key 'limits': valid is one, and line 1 has it"},
	{"duplicate key below", RULE "a\n    name: b\n",
	 "4:5: duplicate key 'name': valid is one, and line 3 has it"},
	{"key that is a list", "? [a]\n: 1\n", "1:3: a key is a list: valid is the name of one"},
	{"key that is a mapping", "? {a: b}\n: {c: [d]}\n", "1:3: a key is a mapping: valid is the name of one"},

	{"file is a list", "- a\n",
	 "1:1: the file: is a list: valid is a mapping with the keys services, endpoints, queues, files, probes, "
	 "limits"},
	{"file is a text", "services\n", "1:1: the file: is a text: valid is a mapping"},
	{"text for a list", "services: chat\n",
	 "1:11: services: is a text: valid is a list of at most 64 naming rules"},
	{"mapping for a list", "services:\n  name: chat\n",
	 "2:3: services: is a mapping: valid is a list of at most 64 naming rules"},
	{"list for a mapping", "limits: []\n", "1:9: limits: is a list: valid is a mapping with the keys services"},
	{"text for a rule", "services: [chat]\n",
	 "1:12: a naming rule: is a text: valid is a mapping with the keys name, exe, comm, service"},
	{"nothing for a rule", "services:\n  -\n  - {name: a, comm: a}\n",
	 "2:4: a naming rule: has no value: valid is a mapping"},
	{"list for a text", RULE "[a]\n", "3:11: name: is a list: valid is a text of 1 to 63 bytes"},
	{"mapping for a text", RULE "{a: b}\n", "3:11: name: is a mapping: valid is a text of 1 to 63 bytes"},
	{"list for a number", "limits: {services: [1]}\n",
	 "1:20: services: is a list: valid is a whole number from 1 to 128"},
	{"number in quotes", "limits: {services: \"12\"}\n",
	 "1:20: services: '12' is a text: valid is a whole number from 1 to 128"},
	{"word for a number", "limits: {services: many}\n",
	 "1:20: services: 'many' is no whole number: valid is a whole number from 1 to 128"},
	{"fraction", "endpoints: {limit: 1.5}\n",
	 "1:20: limit: '1.5' is no whole number: valid is a whole number from 1 to 1000"},
	{"octal number", "endpoints: {limit: 010}\n", "1:20: limit: '010' starts with 0: valid"},
	{"hexadecimal number", "endpoints: {limit: 0x10}\n", "1:20: limit: '0x10' is no whole number: valid"},
	{"number with underscores", "endpoints: {limit: 1_0}\n", "1:20: limit: '1_0' is no whole number: valid"},
	{"signed number", "endpoints: {limit: +1}\n", "1:20: limit: '+1' is no whole number: valid"},
	{"no number", "limits:\n  services:\n",
	 "2:12: services: has no value: valid is a whole number from 1 to 128"},

	{"number too small", "limits: {services: 0}\n",
	 "1:20: services: '0' is out of range: valid is a whole number from 1 to 128"},
	{"negative number", "limits: {services: -1}\n",
	 "1:20: services: '-1' is no whole number: valid is a whole number from 1 to 128"},
	{"number too large", "limits: {services: 129}\n",
	 "1:20: services: '129' is out of range: valid is a whole number from 1 to 128"},
	{"number far too large", "limits: {services: 18446744073709551617}\n",
	 "1:20: services: '18446744073709551617' is out of range"},
	{"limit too small", "endpoints: {limit: 0}\n",
	 "1:20: limit: '0' is out of range: valid is a whole number from 1 to 1000"},
	{"limit too large", "endpoints: {limit: 1001}\n",
	 "1:20: limit: '1001' is out of range: valid is a whole number from 1 to 1000"},
	{"segment limit too small", "endpoints: {segment_limit: 1}\n",
	 "1:28: segment_limit: '1' is out of range: valid is a whole number from 2 to 1000"},
	{"segment limit too large", "endpoints: {segment_limit: 1001}\n",
	 "1:28: segment_limit: '1001' is out of range: valid"},

	{"empty name", RULE "\"\"\n", "3:11: name: is empty: valid is a text of 1 to 63 bytes"},
	{"no name", RULE "\n", "3:10: name: has no value: valid is a text of 1 to 63 bytes"},
	{"null name", RULE "~\n", "3:11: name: has no value: valid is a text of 1 to 63 bytes"},
	{"name too long", RULE SIXTY "0123\n", "3:11: name: is too long: valid is a text of 1 to 63 bytes"},
	{"name too long in bytes", RULE SIXTY "ab\xc3\xa9\n",
	 "3:11: name: is too long: valid is a text of 1 to 63 bytes"},
	{"name with a line break", RULE "\"a\\nb\"\n",
	 "3:11: name: holds a control character: valid is a text of 1 to 63 bytes without any"},
	{"name with a NUL", RULE "\"a\\0b\"\n", "3:11: name: holds a control character"},
	{"name with DEL", RULE "\"a\\x7f\"\n", "3:11: name: holds a control character"},
	{"name of many lines", RULE "|\n      a\n      b\n", "3:11: name: holds a control character"},
	{"reserved name", RULE "other\n",
	 "3:11: name: 'other' stands for the services past the limit: valid is any other name"},
	{"missing name", "services:\n  - comm: x\n", "2:5: 'name' is missing: a naming rule needs it"},
	{"rule for everything", "services:\n  - name: x\n",
	 "2:5: a naming rule needs at least one of exe, comm, service"},
	{"empty rule", "services: [{}]\n", "1:12: 'name' is missing: a naming rule needs it"},
	{"exe that is no path", "services:\n  - {name: x, exe: usr/bin/x}\n",
	 "2:20: exe: 'usr/bin/x' matches no absolute path: valid starts with /, * or ?, or has no slash"},
	{"exe too long", "services: [{name: x, exe: " SIXTY SIXTY SIXTY TEN "01}]\n",
	 "1:27: exe: is too long: valid is a text of 1 to 191 bytes"},
	{"exe too long with its slash", "services: [{name: x, exe: " SIXTY SIXTY SIXTY TEN "}]\n",
	 "1:27: exe: '012345678901234567890123456789012345678901234567...' is too long: valid are at most 189 bytes "
	 "without a slash"},
	{"comm too long", "services: [{name: x, comm: " SIXTY "0123}]\n",
	 "1:28: comm: is too long: valid is a text of 1 to 63 bytes"},

	{"route without a path", "endpoints:\n  routes:\n    - name: x\n",
	 "3:7: 'path' is missing: a route needs it"},
	{"path without a slash", ROUTE "api\n", "3:13: path: 'api' is no path: valid starts with /"},
	{"path with a query", ROUTE "/a?b\n",
	 "3:13: path: '/a?b' has a query, a fragment or a space: valid is a path alone"},
	{"path with a star within", ROUTE "/*/a\n",
	 "3:13: path: '/*/a' has a * that is not the last segment: valid is {name} for one segment, * for all the "
	 "rest"},
	{"path with a star in a segment", ROUTE "/a*\n", "3:13: path: '/a*' has a * that is not the last segment"},
	{"path with braces within", ROUTE "/a{b}\n",
	 "3:13: path: '/a{b}' has braces within a segment: valid is {name} as a whole segment"},
	{"path with a nameless segment", ROUTE "/{}\n", "3:13: path: '/{}' has braces within a segment"},
	{"path with an open brace", ROUTE "/{a\n", "3:13: path: '/{a' has braces within a segment"},
	{"path with a brace in braces", ROUTE "/{a}b}\n", "3:13: path: '/{a}b}' has braces within a segment"},
	{"path too long", ROUTE "/" SIXTY SIXTY SIXTY TEN "0\n",
	 "3:13: path: is too long: valid is a text of 1 to 191 bytes"},
	{"method in small letters", ROUTE "/\n      method: get\n",
	 "4:15: method: 'get' is no HTTP method: valid is one in capitals (GET)"},
	{"method too long", ROUTE "/\n      method: ABCDEFGHIJKLMNOP\n",
	 "4:15: method: is too long: valid is a text of 1 to 15 bytes"},
	{"label too long", ROUTE "/\n      name: " SIXTY "0123\n",
	 "4:13: name: is too long: valid is a text of 1 to 63 bytes"},
	{"queue without a type", "queues:\n  - key: a\n", "2:5: 'queue_type' is missing: a queue needs it"},
	{"queue without a key", "queues:\n  - queue_type: a\n", "2:5: 'key' is missing: a queue needs it"},
	{"key of a queue too long", "queues: [{queue_type: a, key: " SIXTY SIXTY "01234567}]\n",
	 "1:31: key: is too long: valid is a text of 1 to 127 bytes"},
	{"empty pattern", "files: {services: [\"\"]}\n",
	 "1:20: a pattern of services: is empty: valid is a text of 1 to 63 bytes"},

	{"star without quotes", "services:\n  - name: a\n    comm: *\n",
	 "3:12: malformed YAML: did not find expected alphabetic or numeric character while scanning an alias; a "
	 "pattern that starts with * needs quotes"},
	{"alias", "services:\n  - name: a\n    comm: *node\n",
	 "3:11: aliases (*node) are not supported: valid is the value itself; a pattern that starts with * needs "
	 "quotes"},
	{"alias as a key", "*a : 1\n", "1:1: aliases (*a) are not supported"},
	{"anchor", "limits: &a {}\n",
	 "1:9: anchors (&a) are not supported: valid is the value alone; a text that starts with & needs quotes"},
	{"anchor of a text", RULE "&a chat\n", "3:11: anchors (&a) are not supported"},
	{"anchor of the file", "&a\nlimits: {}\n", "1:1: anchors (&a) are not supported"},
	{"anchor of a key", "&a limits: {}\n", "1:1: anchors (&a) are not supported"},
	{"tag", "limits: !!map {}\n",
	 "1:9: tags are not supported: valid is the value alone; a text that starts with ! needs quotes"},
	{"tag of a text", RULE "!chat\n", "3:11: tags are not supported"},
	{"tag of a list", "services: !!seq []\n", "1:11: tags are not supported"},
	{"second document", "limits: {}\n---\nfiles: {}\n", "2:1: a second document: valid is one"},
	{"tab", "limits:\n\tservices: 1\n",
	 "2:1: malformed YAML: found character that cannot start any token while scanning for the next token; indent "
	 "with spaces"},
	{"two colons", "services:\n  - name: a: b\n",
	 "2:12: malformed YAML: mapping values are not allowed in this context; a text with ': ' in it needs quotes"},
	{"indentation", "limits:\n  services: 1\n files: {}\n",
	 "3:2: malformed YAML: did not find expected key while parsing a block mapping; keys of one mapping have the "
	 "same indentation"},
	{"braces in a flow mapping", "endpoints: {routes: [{path: /a/{b}}]}\n",
	 "1:32: malformed YAML: did not find expected ',' or '}' while parsing a flow mapping; inside {} and [], "
	 "texts with any of {}[], in them need quotes"},
	{"open bracket", "services: [\n",
	 "2:1: malformed YAML: did not find expected node content while parsing a flow node"},
	{"open quote", "services: \"a\n",
	 "2:1: malformed YAML: found unexpected end of stream while scanning a quoted scalar"},
	{"unknown escape", RULE "\"\\q\"\n",
	 "3:12: malformed YAML: found unknown escape character while parsing a quoted scalar"},
	{"version", "%YAML 2.0\n---\n{}\n", "1:1: malformed YAML: found incompatible YAML document"},
	{"unknown tag handle", "limits: !x!y {}\n",
	 "1:9: malformed YAML: found undefined tag handle while parsing a node"},

	{"not UTF-8", "# caf\xe9\n", "1:6: byte 0xe9 is not UTF-8: valid is a text file in UTF-8"},
	{"not UTF-8, columns are letters", "limits: {}\n# caf\xc3\xa9 \xff\n", "2:8: byte 0xff is not UTF-8"},
	{"cut sequence", "a\r\nb\r\xc3", "3:1: byte 0xc3 is not UTF-8"},
	{"surrogate", "\xed\xa0\x80", "1:1: byte 0xed is not UTF-8"},
	{"UTF-16", "\xff\xfel", "1:1: byte 0xff is not UTF-8"},
	{"control character", "limits: \x07{}\n", "1:9: a character that cannot be printed (byte 0x07): valid are"},
	{"C1 control character", "\xc2\x84", "1:1: a character that cannot be printed (byte 0xc2)"},
	{"byte order mark within", "limits:\n  \xef\xbb\xbfservices: 1\n",
	 "2:3: a character that cannot be printed (byte 0xef)"},
};

static void every_mistake_has_its_place_and_what_is_valid(void **state)
{
	struct config before;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char line[CONFIG_MISTAKE_BYTES + 40], prefixed[CONFIG_MISTAKE_BYTES + 40];

		memset(&config, 0x5a, sizeof(config));
		memcpy(&before, &config, sizeof(before));
		if (!parse(wrong[i].text))
			fail_msg("%s: is taken for valid", wrong[i].description);
		config_error_line(&why, "f", 0, line, sizeof(line));
		snprintf(prefixed, sizeof(prefixed), "f:%s", wrong[i].said);
		if (strncmp(line, prefixed, strlen(prefixed)) != 0)
			fail_msg("%s:\n  %s\nis not\n  %s", wrong[i].description, line, prefixed);
		assert_memory_equal(&config, &before, sizeof(config));
	}
}

static void a_nul_in_the_file_is_a_mistake(void **state)
{
	static const char text[] = "limits:\n  \0services: 1\n";

	(void)state;
	assert_int_equal(config_parse(text, sizeof(text) - 1, &config, &why), -EINVAL);
	assert_int_equal(why.mistake[0].line, 2);
	assert_int_equal(why.mistake[0].column, 3);
	assert_non_null(strstr(why.mistake[0].text, "byte 0x00"));
}

static void all_mistakes_are_told_in_the_order_of_their_places(void **state)
{
	static const unsigned int places[][2] = {{2, 5}, {2, 5}, {4, 12}, {4, 30}, {5, 10}, {6, 1}, {7, 1}};

	(void)state;
	assert_int_equal(parse("services:\n"
			       "  - nmae: chat\n"
			       "    comm: x\n"
			       "  - {name: \"\", comm: x, exe: a/b}\n"
			       "limits: {a: {b: [{c: *d}]}, services: 1}\n" /* what is skipped is not looked at */
			       "limit: 3\n"
			       "@\n"),
			 -EINVAL);
	/* The last is malformed YAML, which ends the reading. */
	assert_int_equal(why.found, 7);
	assert_int_equal(why.kept, 7);
	for (size_t i = 0; i < why.kept; i++) {
		assert_int_equal(why.mistake[i].line, places[i][0]);
		assert_int_equal(why.mistake[i].column, places[i][1]);
	}
}

static void mistakes_past_the_last_one_kept_are_counted(void **state)
{
	char text[8192] = "";
	FILE *file = fmemopen(text, sizeof(text), "w");

	(void)state;
	for (int i = 0; i < CONFIG_MISTAKES + 5; i++)
		fprintf(file, "x%d: 1\n", i);
	fclose(file);
	assert_int_equal(parse(text), -EINVAL);
	assert_int_equal(why.kept, CONFIG_MISTAKES);
	assert_int_equal(why.found, CONFIG_MISTAKES + 5);
	assert_int_equal(why.mistake[CONFIG_MISTAKES - 1].line, CONFIG_MISTAKES);
}

static void lists_hold_as_many_as_they_say(void **state)
{
	static const struct {
		const char *before, *element, *after;
		unsigned int most;
		const char *said;
	} lists[] = {
		{"services:\n", "  - {name: a, comm: b}\n", "", CONFIG_MAX_SERVICE_RULES,
		 "services: one too many: valid is a list of at most 64 naming rules"},
		{"endpoints:\n  routes:\n", "  - path: /\n", "", CONFIG_MAX_ROUTES,
		 "routes: one too many: valid is a list of at most 256 routes"},
		{"queues:\n", "  - {queue_type: a, key: b}\n", "", CONFIG_MAX_QUEUES,
		 "queues: one too many: valid is a list of at most 64 queues"},
		{"files:\n  services:\n", "  - a\n", "limits: {services: 7}\n", CONFIG_MAX_FILE_SERVICES,
		 "services: one too many: valid is a list of at most 16 patterns"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		for (unsigned int extra = 0; extra <= 3; extra++) {
			static char text[32768];
			size_t n = (size_t)snprintf(text, sizeof(text), "%s", lists[i].before);

			for (unsigned int j = 0; j < lists[i].most + extra; j++)
				n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", lists[i].element);
			snprintf(text + n, sizeof(text) - n, "%s", lists[i].after);
			if (!extra) {
				must_parse(text);
				continue;
			}
			assert_int_equal(parse(text), -EINVAL);
			assert_int_equal(why.found, 1);
			assert_string_equal(why.mistake[0].text, lists[i].said);
			assert_int_equal(why.mistake[0].column, strspn(lists[i].element, " -") + 1);
		}
	}
}

static void deep_nesting_ends(void **state)
{
	enum { DEEP = 100000 };
	static char text[DEEP + 8] = "x: ";

	(void)state;
	memset(text + 3, '[', DEEP);
	assert_int_equal(parse(text), -EINVAL);
	assert_int_equal(why.found, 2);
	assert_string_equal(why.mistake[1].text, "more than 64 levels: valid are fewer");
}

/* ---- Files ---------------------------------------------------------------------------------------------------- */

static char directory[] = "/tmp/tapstat-test-config-XXXXXX";
static char path[64];

static void write_file(const char *text, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	close(fd);
}

static void a_file_is_read_as_a_whole(void **state)
{
	static char longest[CONFIG_FILE_BYTES + 1];

	(void)state;
	write_file(full, sizeof(full) - 1);
	assert_int_equal(config_load(path, &config, &why), 0);
	assert_int_equal(config.limits.services, 1);
	write_file("", 0);
	assert_int_equal(config_load(path, &config, &why), 0);
	assert_memory_equal(&config, &defaults, sizeof(config));
	memset(longest, '\n', sizeof(longest));
	write_file(longest, CONFIG_FILE_BYTES);
	assert_int_equal(config_load(path, &config, &why), 0);
	write_file(longest, CONFIG_FILE_BYTES + 1);
	assert_int_equal(config_load(path, &config, &why), -EFBIG);
	assert_string_equal(why.mistake[0].text, "is too long: valid are at most 1048576 bytes");
}

static void what_cannot_be_read_is_told_with_its_path(void **state)
{
	struct config before;
	char line[256];

	(void)state;
	memcpy(&before, &config, sizeof(before));
	assert_int_equal(config_load("/nonexistent/c.yml", &config, &why), -ENOENT);
	config_error_line(&why, "/nonexistent/c.yml", 0, line, sizeof(line));
	assert_string_equal(line, "/nonexistent/c.yml: cannot read it: No such file or directory");
	assert_int_equal(config_load(directory, &config, &why), -EISDIR);
	config_error_line(&why, "d", 0, line, sizeof(line));
	assert_string_equal(line, "d: is a directory: valid is a YAML file");
	assert_int_equal(config_load("", &config, &why), -ENOENT);
	write_file("limits: 1\n", 10);
	assert_int_equal(config_load(path, &config, &why), -EINVAL);
	config_error_line(&why, "c.yml", 0, line, sizeof(line));
	assert_string_equal(line, "c.yml:1:9: limits: is a text: valid is a mapping with the keys services");
	assert_memory_equal(&config, &before, sizeof(config));
	config_error_line(&why, "c.yml", 0, line, 10);
	assert_string_equal(line, "c.yml:1:9");
}

/* ---- Reloading ------------------------------------------------------------------------------------------------ */

static void routes_change_at_once_and_the_rest_by_a_restart(void **state)
{
	static struct config running;
	const char *changed[CONFIG_SETTINGS];

	(void)state;
	running = defaults;
	assert_int_equal(config_apply(&running, &defaults, changed), 0);
	must_parse(full);
	assert_int_equal(config_apply(&running, &config, changed), CONFIG_SETTINGS);
	assert_string_equal(changed[0], "services");
	assert_string_equal(changed[1], "endpoints.limit");
	assert_string_equal(changed[2], "endpoints.segment_limit");
	assert_string_equal(changed[3], "queues");
	assert_string_equal(changed[4], "files.services");
	assert_string_equal(changed[5], "probes");
	assert_string_equal(changed[6], "limits.services");
	assert_memory_equal(&running.services, &defaults.services, sizeof(running.services));
	assert_int_equal(running.endpoints.limit, 100);
	assert_int_equal(running.limits.services, 128);
	assert_int_equal(running.endpoints.n_routes, 2);
	assert_string_equal(running.endpoints.route[0].name, "user_orders");
	/* It still waits, and is told so again. */
	assert_int_equal(config_apply(&running, &config, changed), CONFIG_SETTINGS);
	assert_int_equal(config_apply(&running, &defaults, changed), 0);
	assert_memory_equal(&running, &defaults, sizeof(running));
}

/* ---- Words ---------------------------------------------------------------------------------------------------- */

static void the_nearest_word_is_the_one_that_was_meant(void **state)
{
	static const char *const words[] = {"name", "exe", "comm", "service", "segment_limit", "queue_type"};
	static const struct {
		const char *text, *meant;
	} rows[] = {
		{"name", "name"},
		{"nmae", "name"},
		{"nam", "name"},
		{"names", "name"},
		{"Name", "name"},
		{"nme", "name"},
		{"label", NULL},
		{"", NULL},
		{"ex", "exe"},
		{"path", NULL},
		{"com", "comm"},
		{"services", "service"},
		{"serivce", "service"},
		{"segmentLimit", "segment_limit"},
		{"queue-type", "queue_type"},
		{"type", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *meant = nearest(rows[i].text, words, sizeof(words) / sizeof(*words));

		if (meant != rows[i].meant && (!meant || !rows[i].meant || strcmp(meant, rows[i].meant) != 0))
			fail_msg("'%s': %s, expected %s", rows[i].text, meant ? meant : "none",
				 rows[i].meant ? rows[i].meant : "none");
	}
}

static int begin(void **state)
{
	(void)state;
	config_init(&defaults);
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/c.yml", directory);
	return 0;
}

static int end(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_value_the_defaults_hold),
		cmocka_unit_test(every_key_has_its_place),
		cmocka_unit_test(every_mistake_has_its_place_and_what_is_valid),
		cmocka_unit_test(a_nul_in_the_file_is_a_mistake),
		cmocka_unit_test(all_mistakes_are_told_in_the_order_of_their_places),
		cmocka_unit_test(mistakes_past_the_last_one_kept_are_counted),
		cmocka_unit_test(lists_hold_as_many_as_they_say),
		cmocka_unit_test(deep_nesting_ends),
		cmocka_unit_test(a_file_is_read_as_a_whole),
		cmocka_unit_test(what_cannot_be_read_is_told_with_its_path),
		cmocka_unit_test(routes_change_at_once_and_the_rest_by_a_restart),
		cmocka_unit_test(the_nearest_word_is_the_one_that_was_meant),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
