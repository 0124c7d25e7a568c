/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* command line ──> [options] ──> serve, doctor: see options.h. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#define DEFAULT_LISTEN_ADDRESS "127.0.0.1:10219"

enum {
	DEFAULT_MAX_CONNECTIONS = 65536,
	MAX_CONNECTIONS_LAST = 16777216, /* 2^24 × 512 bytes of state: 8 GiB of kernel memory */
	WHY_BYTES = OPTIONS_WHY_BYTES / 2,
};

/* Takes one value. 0, or -EINVAL and `why` saying what is valid. */
typedef int option_set_fn(struct options *opt, const char *value, char *why, size_t size);
typedef int selector_add_fn(struct selectors *sel, const char *value, char *why, size_t size);

static const char *const tls_text[] = {"auto", "off"};
static const char *const hooks_text[] = {"auto", "sock_length", "fexit", "kprobe", "sys_exit"};

/* Position of `value` among `texts`, or -EINVAL and `why` listing them. */
static int choose(const char *const *texts, size_t n, const char *value, char *why, size_t size)
{
	size_t used;

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(texts[i], value))
			return (int)i;
	}
	used = (size_t)snprintf(why, size, "valid are");
	for (size_t i = 0; i < n && used < size; i++)
		used += (size_t)snprintf(why + used, size - used, "%s %s", i ? "," : "", texts[i]);
	return -EINVAL;
}

static int set_listen_address(struct options *opt, const char *value, char *why, size_t size)
{
	if (opt->n_listen == OPTIONS_MAX_LISTEN) {
		snprintf(why, size, "one address too many: valid are at most %d", OPTIONS_MAX_LISTEN);
		return -EINVAL;
	}
	if (listen_address_parse(value, &opt->listen[opt->n_listen], why, size))
		return -EINVAL;
	opt->n_listen++;
	return 0;
}

static int set_telemetry_path(struct options *opt, const char *value, char *why, size_t size)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-._~";

	if (*value != '/' || value[strspn(value, allowed)]) {
		snprintf(why, size, "valid is a path that starts with / and holds letters, digits, /, -, ., _ and ~");
		return -EINVAL;
	}
	if (!strcmp(value, "/-/healthy") || !strcmp(value, "/-/ready")) {
		snprintf(why, size, "tapstat answers its own health there: valid is any other path");
		return -EINVAL;
	}
	opt->telemetry_path = value;
	return 0;
}

static int set_web_disable(struct options *opt, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	opt->web_disable = true;
	return 0;
}

static int set_config_file(struct options *opt, const char *value, char *why, size_t size)
{
	if (!*value) {
		snprintf(why, size, "valid is the path of a YAML file");
		return -EINVAL;
	}
	opt->config_file = value;
	return 0;
}

static int set_files(struct options *opt, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	opt->files = true;
	return 0;
}

static int set_storage_libraries(struct options *opt, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	opt->storage_libraries = true;
	return 0;
}

static int set_tls(struct options *opt, const char *value, char *why, size_t size)
{
	int i = choose(tls_text, sizeof(tls_text) / sizeof(*tls_text), value, why, size);

	if (i < 0)
		return i;
	opt->no_tls = i == 1;
	return 0;
}

static int set_hooks(struct options *opt, const char *value, char *why, size_t size)
{
	int i = choose(hooks_text, sizeof(hooks_text) / sizeof(*hooks_text), value, why, size);

	if (i < 0)
		return i;
	opt->hooks = hooks_text[i];
	return 0;
}

static int set_max_connections(struct options *opt, const char *value, char *why, size_t size)
{
	unsigned long n;
	int err = parse_number(value, 1, MAX_CONNECTIONS_LAST, &n, why, size);

	if (err)
		return err;
	opt->max_connections = (unsigned int)n;
	return 0;
}

static int set_log_level(struct options *opt, const char *value, char *why, size_t size)
{
	int i = choose(log_level_text, LOG_LEVEL_COUNT, value, why, size);

	if (i < 0)
		return i;
	opt->log_level = (enum log_level)i;
	return 0;
}

static int set_log_format(struct options *opt, const char *value, char *why, size_t size)
{
	int i = choose(log_format_text, LOG_FORMAT_COUNT, value, why, size);

	if (i < 0)
		return i;
	opt->log_format = (enum log_format)i;
	return 0;
}

static int set_verifier(struct options *opt, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	opt->verifier = true;
	return 0;
}

static int set_help(struct options *opt, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	opt->help = true;
	return 0;
}

enum { ALL = OPTIONS_SERVE | OPTIONS_DOCTOR };

static const struct option_row {
	const char *name;
	const char *value; /* what the value is, for the help; NULL: it takes none */
	unsigned int commands;
	option_set_fn *set;
	selector_add_fn *add; /* of a selector, in place of `set` */
	const char *help;     /* a line break starts a new, indented line */
} option_table[] = {
	{"web.listen-address", "ADDR:PORT", OPTIONS_SERVE, set_listen_address, NULL,
	 "where to answer; may be repeated; :10219 is every address,\n"
	 "IPv4 and IPv6 (default: " DEFAULT_LISTEN_ADDRESS ")"},
	{"web.telemetry-path", "PATH", OPTIONS_SERVE, set_telemetry_path, NULL,
	 "where the metrics are (default: /metrics)"},
	{"web.disable", NULL, OPTIONS_SERVE, set_web_disable, NULL, "no HTTP endpoint"},
	{"config.file", "FILE", OPTIONS_SERVE, set_config_file, NULL,
	 "YAML: names of services, routes, limits; SIGHUP reads it again\n"
	 "(default: none; tapstat check FILE finds mistakes)"},
	{"hooks", "WAY", ALL, set_hooks, NULL,
	 "force one way of hooking sockets: sock_length, fexit, kprobe\nor sys_exit (default: auto)"},
	{"max-connections", "N", ALL, set_max_connections, NULL,
	 "connections followed at once; more are counted, not followed\n(default: 65536)"},
	{"tls", "MODE", OPTIONS_SERVE, set_tls, NULL,
	 "auto: see what is encrypted with TLS, by probes on the\nlibraries of running programs; off: don't "
	 "(default: auto)"},
	{"storage-libraries", NULL, OPTIONS_SERVE, set_storage_libraries, NULL,
	 "also count calls of SQLite, RocksDB, LevelDB and LMDB, by\n"
	 "probes on running programs; costs each call of them a little"},
	{"files", NULL, OPTIONS_SERVE, set_files, NULL,
	 "also count operations on regular files, of the processes\n"
	 "selected below; costs every system call of the host a little"},
	{"pid", "PID", ALL, NULL, selectors_add_pid, "this process with its threads, without its children"},
	{"comm", "GLOB", ALL, NULL, selectors_add_comm, "processes whose leader has this name"},
	{"exe", "GLOB", ALL, NULL, selectors_add_exe,
	 "processes of this executable: a path (/usr/bin/n*), or, without\n"
	 "a slash, its name"},
	{"port", "PORT", ALL, NULL, selectors_add_port, "TCP connections with this port on either end"},
	{"cgroup", "PATH", ALL, NULL, selectors_add_cgroup, "processes in this cgroup (/system.slice/x.service)"},
	{"container", "ID-PREFIX", ALL, NULL, selectors_add_container,
	 "processes in the container whose id starts so"},
	{"service", "NAME", ALL, NULL, selectors_add_service, "connections of this service, by the `service` label"},
	{"verifier", NULL, OPTIONS_DOCTOR, set_verifier, NULL,
	 "also print what the kernel's verifier took for each program"},
	{"log.level", "LEVEL", ALL, set_log_level, NULL, "debug, info, warn or error (default: info)"},
	{"log.format", "FORMAT", ALL, set_log_format, NULL, "logfmt or json, to standard error (default: logfmt)"},
	{"help", NULL, ALL, set_help, NULL, "this text"},
};

enum { OPTION_COUNT = sizeof(option_table) / sizeof(*option_table), FIRST_VALUE = 256 };

/* What getopt_long() could not take. */
static int refuse(int result, char *arg, char *why, size_t size)
{
	int name_bytes = (int)strcspn(arg, "=");

	/* getopt sets optopt to the row if it found one. */
	if (optopt >= FIRST_VALUE) {
		const struct option_row *row = &option_table[optopt - FIRST_VALUE];

		if (result == ':')
			snprintf(why, size, "--%s needs a value: --%s=%s", row->name, row->name, row->value);
		else
			snprintf(why, size, "--%s takes no value: %s", row->name, arg);
	} else if (arg[0] == '-' && arg[1] == '-') {
		snprintf(why, size, "unknown or ambiguous option %.*s: --help lists the valid ones", name_bytes, arg);
	} else {
		snprintf(why, size, "unknown option -%c: --help lists the valid ones", optopt);
	}
	return -EINVAL;
}

int options_parse(enum options_command command, int argc, char **argv, struct options *out, char *why, size_t size)
{
	struct option longopts[OPTION_COUNT + 1] = {0};
	struct options opt = {
		.hooks = hooks_text[0],
		.max_connections = DEFAULT_MAX_CONNECTIONS,
		.log_level = LOG_LEVEL_INFO,
		.log_format = LOG_FORMAT_LOGFMT,
		.telemetry_path = "/metrics",
	};
	size_t n = 0;
	int result;

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (option_table[i].commands & command)
			longopts[n++] = (struct option){option_table[i].name,
							option_table[i].value ? required_argument : no_argument, NULL,
							FIRST_VALUE + (int)i};
	}
	optind = 0; /* glibc: start anew */
	opterr = 0;
	while (!opt.help) {
		const struct option_row *row;
		char reason[WHY_BYTES];
		int err;

		optopt = 0;
		result = getopt_long(argc, argv, "+:h", longopts, NULL);
		if (result == -1)
			break;
		if (result == ':' || result == '?')
			return refuse(result, argv[optind - 1], why, size);
		if (result == 'h') {
			opt.help = true;
			break;
		}
		row = &option_table[result - FIRST_VALUE];
		err = row->add ? row->add(&opt.selectors, optarg, reason, sizeof(reason))
			       : row->set(&opt, optarg, reason, sizeof(reason));
		if (err) {
			snprintf(why, size, "--%s=%s: %s", row->name, optarg, reason);
			return -EINVAL;
		}
	}
	if (!opt.help && optind < argc) {
		snprintf(why, size, "unexpected argument '%s': %s takes options only", argv[optind], argv[0]);
		return -EINVAL;
	}
	if (!opt.n_listen) {
		if (listen_address_parse(DEFAULT_LISTEN_ADDRESS, &opt.listen[0], why, size))
			return -EINVAL;
		opt.n_listen = 1;
	}
	*out = opt;
	return 0;
}

void options_help(enum options_command command, FILE *out)
{
	enum { NAME_COLUMNS = 34 };

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_table[i];
		const char *help = row->help;
		int n;

		if (!(row->commands & command))
			continue;
		if (row->add == selectors_add_pid)
			fprintf(out,
				"\nWhat to watch; repeats of one are alternatives, different ones must all match:\n");
		else if (row->set == set_log_level)
			fprintf(out, "\n");
		n = fprintf(out, "  --%s%s%s", row->name, row->value ? "=" : "", row->value ? row->value : "");
		do {
			int line = (int)strcspn(help, "\n");

			fprintf(out, "%*s%.*s\n", NAME_COLUMNS - n, "", line, help);
			help += line + (help[line] == '\n');
			n = 0;
		} while (*help);
	}
}
