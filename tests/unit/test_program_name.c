// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tests of bpf/program_name.h: what a process is called.
 */
#include "arguments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define A40 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* `arguments`: blanks between them; `_` stands for a blank in one, `~` for an empty one. */
static const struct {
	const char *description, *exe, *arguments, *expected;
} cases[] = {
	{"a program", "nginx", "nginx: worker_process", "nginx"},
	{"a program with arguments", "redis-server", "redis-server /etc/redis.conf", "redis-server"},
	{"an interpreter's kin", "node_exporter", "node_exporter x.js", "node_exporter"},
	{"php-fpm is a program", "php-fpm8.2", "php-fpm: pool_www", "php-fpm8.2"},
	{"javac is one", "javac", "javac Main.java", "javac"},
	{"bashful is one", "bashful", "bashful x.sh", "bashful"},

	{"node", "node", "node chat.js", "chat"},
	{"... with a path", "node", "/usr/bin/node /srv/app/server.js --port 80", "server"},
	{"... a relative path without extension", "nodejs", "node ./bin/www", "www"},
	{"... options", "node", "node --inspect --max-old-space-size=4096 app.mjs", "app"},
	{"... an option with a value", "node", "node -r dotenv/config --import ./x.js app.js", "app"},
	{"... the value attached", "node", "node --require=dotenv/config app.js", "app"},
	{"... code", "node", "node -e require('x.js') y.js", "node"},
	{"... code to print", "node", "node -pe 1+1", "node"},
	{"... from standard input", "node", "node -", "node"},
	{"... alone", "node", "node", "node"},
	{"... behind --", "node", "node -- -odd.js", "-odd"},
	{"... in two extensions", "node", "node app.test.ts", "app.test"},
	{"... a hidden file", "node", "node /srv/.server", ".server"},
	{"... a dot in the directory", "node", "node /srv/v1.2/server", "server"},
	{"... the rewritten title", "node", "my-title ~ ~", "node"},
	{"... a directory", "node", "node /srv/app/", "node"},

	{"python", "python3.11", "python3 /opt/chat/server.py", "server"},
	{"... unbuffered", "python3", "python3 -u server.py", "server"},
	{"... a module", "python3", "python3 -m http.server 8000", "http.server"},
	{"... a module behind a cluster", "python3", "python3 -um http.server", "http.server"},
	{"... a module attached", "python3", "python3 -mhttp.server", "http.server"},
	{"... warnings", "python3", "python3 -W ignore -X dev -Wd -Xutf8 server.py", "server"},
	{"... code", "python3", "python3 -c import_x server.py", "python3"},
	{"... code behind a cluster", "python3", "python3 -Ic import_x", "python3"},
	{"... a script of a package", "python3", "/usr/bin/python3 /usr/bin/gunicorn app:app", "gunicorn"},
	{"... rewritten", "python3.11", "gunicorn:_master_[app] ~", "python3.11"},

	{"ruby", "ruby3.1", "ruby -I lib -rjson -W0 -r set /srv/bin/puma -p 80", "puma"},
	{"... code", "ruby", "ruby -ne puts x.rb", "ruby"},
	{"... rewritten", "ruby", "puma_5.6_(tcp://0:80) ~ ~", "ruby"},
	{"perl", "perl", "perl -w -T -I lib -Mstrict server.pl", "server"},
	{"... code", "perl", "perl -lne print x.pl", "perl"},
	{"... code the modern way", "perl5.36.0", "perl -E say", "perl5.36.0"},
	{"php", "php8.2", "php artisan serve", "artisan"},
	{"... its web server", "php", "php -S 0.0.0.0:80 -t public -d x=1 router.php", "router"},
	{"... without a script", "php", "php -S 0.0.0.0:80", "php"},
	{"... -f", "php", "php -n -f /srv/worker.php", "worker"},
	{"... code", "php", "php -r echo_1; x.php", "php"},
	{"java, a jar", "java", "java -Xmx1g -Dx=y -jar /opt/shop.jar --port 1", "shop"},
	{"... a class", "java", "java -cp a.jar:b.jar -XX:+UseG1GC Main", "Main"},
	{"... a module path", "java", "java --add-opens java.base/x=ALL -p mods Server", "Server"},
	{"... a source file", "java", "java Echo.java", "Echo"},
	{"sh", "dash", "sh /usr/local/bin/entry.sh start", "entry"},
	{"... code", "bash", "bash -c exec_x y.sh", "bash"},
	{"... code of a login shell", "bash", "bash -lc x", "bash"},
	{"... options", "bash", "bash --noprofile --norc -e -o pipefail +x run.sh", "run"},
	{"... options in a cluster, one with a value", "bash", "bash --norc -eo pipefail run.sh", "run"},
	{"... from standard input", "bash", "bash -s x.sh", "bash"},
	{"a login shell", "zsh", "-zsh", "zsh"},

	{"a name that just fits", "node", "node " A40 "12345678901234567890123.js", A40 "12345678901234567890123"},
	{"a longer one is cut", "node", "node " A40 "123456789012345678901234.js", A40 "12345678901234567890123"},
	{"64 options are enough", "node",
	 "node -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a "
	 "-a -a "
	 "-a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a x.js",
	 "node"},
};

static size_t arguments_of(char *to, const char *text)
{
	char *at = to;

	for (; *text; text++)
		if (*text == ' ')
			*at++ = 0;
		else if (*text == '_')
			*at++ = ' ';
		else if (*text != '~')
			*at++ = *text;
	*at++ = 0;
	return at - to;
}

static void a_process_is_called_by_its_program_or_its_script(void **state)
{
	static const __u8 befores[] = {0, 0xff, 'x', '/', '.'};
	static struct identity id;
	static char arguments[4096];
	int wrong = 0;

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (unsigned int j = 0; j < sizeof(befores); j++) {
			size_t n = arguments_of(arguments, cases[i].arguments);
			const char *name = name_of(&id, cases[i].exe, arguments, n, befores[j]);

			for (size_t k = strlen(name); k < sizeof(id.program.name); k++)
				assert_int_equal(name[k], 0);
			if (!strcmp(name, cases[i].expected))
				continue;
			print_error("%s: %s: expected '%s', got '%s'\n", cases[i].description, cases[i].arguments,
				    cases[i].expected, name);
			wrong++;
			break;
		}
	assert_int_equal(wrong, 0);
}

static void an_argument_longer_than_the_buffer_loses_its_end_alone(void **state)
{
	static const char name[] = "/server-with-a-name-that-goes-on-behind-the-end-of-the-buffer.js";
	static struct identity id;
	static char arguments[2048];
	char *at;

	(void)state;
	at = stpcpy(arguments, "node") + 1;
	*at++ = '/';
	at = memset(at, 'd', 200);
	at = stpcpy(at + 200, name) + 1;
	assert_string_equal(name_of(&id, "node", arguments, at - arguments, 'x'),
			    "server-with-a-name-that-goes-on-behind-the-end-of-the");

	at = stpcpy(arguments, "java") + 1;
	at = stpcpy(at, "-cp") + 1;
	for (int i = 0; i < 80; i++)
		at = stpcpy(at, "lib/jar-file.jar:");
	at = stpcpy(at + 1, "Main") + 1;
	assert_string_equal(name_of(&id, "java", arguments, at - arguments, 'x'), "Main");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_is_called_by_its_program_or_its_script),
		cmocka_unit_test(an_argument_longer_than_the_buffer_loses_its_end_alone),
	};

	return cmocka_run_group_tests_name("program_name", tests, NULL, NULL);
}
