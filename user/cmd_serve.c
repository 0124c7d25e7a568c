/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * main ──> [serve] ──> attach, snapshot, HTTP: the exporter. Order matters: the addresses are taken before the kernel
 * is touched, capabilities go once all is attached, and "listening" is logged when a request would be answered.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "attach.h"
#include "attacher.h"
#include "attachment.h"
#include "commands.h"
#include "config.h"
#include "http.h"
#include "kernel_config.h"
#include "options.h"
#include "privileges.h"
#include "version.h"

/* Minute samples and ended AF_UNIX sockets are noticed by scans, also when nobody scrapes. */
/* Every second while AF_UNIX connections are open, whose ends only a scan finds, else every ten. */
enum { SCAN_SECONDS = 1, SCANS_SKIPPED = 9, WHY_BYTES = 4096, SIGNALS = 3 };
enum { MISTAKE_BYTES = PATH_MAX + CONFIG_MISTAKE_BYTES };

struct serve {
	struct options opt;
	struct config config;           /* what is in force; config_apply() changes it on SIGHUP */
	int socket[OPTIONS_MAX_LISTEN]; /* -1: none, or the HTTP server's */
	struct attachment *attachment;
	struct event_base *base;
	struct attacher *attacher; /* NULL: no function of a program or TLS library is probed */
	struct event *signal[SIGNALS], *scan, *attacher_end;
	struct http_server *http;
	struct snapshot scraped; /* what the HTTP server renders */
	struct snapshot spare;   /* what the scans of the timer fill */
	int skipped;             /* ticks of the timer since the last scan */
	int scan_error;          /* of the latest snapshot, so that each error is logged once */
	char libbpf[16];
};

static void print_help(void)
{
	printf("Usage: tapstat serve [OPTION...]\n\n"
	       "Attaches to everything that runs and answers GET /metrics until SIGTERM or SIGINT. Needs root, or\n"
	       "CAP_BPF and CAP_PERFMON, of which it keeps only CAP_BPF once attached. What runs inside TLS and in\n"
	       "functions takes more, which a second process keeps that talks to nobody: docs/tls.md.\n\nOptions:\n");
	options_help(OPTIONS_SERVE, stdout);
	printf("\nExamples:\n"
	       "  tapstat serve\n"
	       "  tapstat serve --web.listen-address=:10219\n"
	       "  tapstat serve --config.file=/etc/tapstat/config.yml\n"
	       "  tapstat serve --exe=nginx --exe=node --port=8080\n"
	       "  tapstat serve --cgroup=/system.slice/chat.service --log.format=json\n");
}

static __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000000000 + (__u64)now.tv_nsec;
}

static int take(struct serve *serve, struct snapshot *snap)
{
	int err = snapshot_take(serve->attachment, snap);

	if (err && err != serve->scan_error)
		log_error("cannot read the kernel's maps; scrapes fail until it works again", "err", strerror(-err));
	serve->scan_error = err;
	return err;
}

static const struct snapshot *on_scrape(void *arg, struct self_metrics *self)
{
	__u64 start = now_ns();
	struct serve *serve = arg;

	self->version = tapstat_version;
	self->commit = tapstat_commit;
	self->libbpf = serve->libbpf;
	self->attacher = serve->attacher ? attacher_state(serve->attacher) : NULL;
	if (take(serve, &serve->scraped))
		return NULL;
	snapshot_take_usage(serve->attachment, &serve->scraped); /* without it, the rest is right */
	self_metrics_read(self);
	self->scrape_ns = now_ns() - start;
	return &serve->scraped;
}

static void on_scan(evutil_socket_t fd, short what, void *arg)
{
	struct serve *serve = arg;

	(void)fd, (void)what;
	if (!serve->scraped.unix_open && !serve->spare.unix_open && serve->skipped++ < SCANS_SKIPPED)
		return;
	serve->skipped = 0;
	take(serve, &serve->spare);
}

/* A faulty file changes nothing. */
static void reload(struct serve *serve)
{
	const char *path = serve->opt.config_file, *changed[CONFIG_SETTINGS];
	static struct config_error why;
	static struct config next;
	char text[MISTAKE_BYTES];
	size_t n;

	if (config_load(path, &next, &why)) {
		for (size_t i = 0; i < why.kept; i++) {
			config_error_line(&why, path, i, text, sizeof(text));
			log_error("configuration not reloaded; the one before stays in force", "err", text);
		}
		return;
	}
	n = config_apply(&serve->config, &next, changed);
	for (size_t i = 0; i < n; i++)
		log_warn("a changed setting waits for a restart", "setting", changed[i], "file", path);
	log_info("configuration reloaded", "file", path);
}

static void on_signal(evutil_socket_t signo, short what, void *arg)
{
	struct serve *serve = arg;

	(void)what;
	if (signo == SIGHUP) {
		if (serve->opt.config_file)
			reload(serve);
		else
			log_info("nothing to reload: there is no configuration file", "signal", "SIGHUP");
		return;
	}
	log_info("ending", "signal", signo == SIGTERM ? "SIGTERM" : "SIGINT");
	event_base_loopbreak(serve->base);
}

static void on_libevent_log(int severity, const char *msg)
{
	switch (severity) {
	case EVENT_LOG_DEBUG:
	case EVENT_LOG_MSG:
		log_debug("libevent", "text", msg);
		break;
	case EVENT_LOG_WARN:
		log_warn("libevent", "text", msg);
		break;
	default:
		log_error("libevent", "text", msg);
	}
}

/* ---- Start ---------------------------------------------------------------------------------------------------- */

static int fail(const char *what, const char *why)
{
	log_error(what, "err", why);
	return -1;
}

static int open_sockets(struct serve *serve)
{
	char why[WHY_BYTES];

	if (serve->opt.web_disable)
		return 0;
	for (size_t i = 0; i < serve->opt.n_listen; i++) {
		if (listen_address_open(&serve->opt.listen[i], &serve->socket[i], why, sizeof(why)))
			return fail("cannot start", why);
	}
	return 0;
}

static int open_loop(struct serve *serve)
{
	static const int signals[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

	serve->base = event_base_new();
	if (!serve->base)
		return fail("cannot start", "no event loop: out of memory or descriptors");
	for (int i = 0; i < SIGNALS; i++) {
		serve->signal[i] = evsignal_new(serve->base, signals[i], on_signal, serve);
		if (!serve->signal[i] || evsignal_add(serve->signal[i], NULL))
			return fail("cannot start", "no signal handler: out of memory or descriptors");
	}
	return 0;
}

static void log_attached(struct serve *serve)
{
	char attached[512] = "", missing[512] = "", bytes[24], mib[32];
	__u64 ceiling = attachment_memory_ceiling(serve->attachment);

	for (size_t i = 0; i < serve->spare.n_hooks; i++) {
		const struct hook_snapshot *hook = &serve->spare.hook[i];
		char *list = hook->attached ? attached : missing;
		size_t used = strlen(list);

		snprintf(list + used, sizeof(attached) - used, "%s%s", used ? "," : "", hook->name);
	}
	if (*missing)
		log_info("attached; tapstat doctor tells what the missing hooks would do", "hooks", attached,
			 "missing", missing);
	else
		log_info("attached", "hooks", attached);
	snprintf(bytes, sizeof(bytes), "%llu", (unsigned long long)ceiling);
	snprintf(mib, sizeof(mib), "%.1f", (double)ceiling / (1024 * 1024));
	log_info("ceiling of kernel memory", "bytes", bytes, "mib", mib);
}

/* Ways that looked usable and were not, and what the chosen one can't do. */
static void log_ways(const struct attach_report *report)
{
	for (int way = 0; way < WAY_COUNT; way++)
		if (report->way[way].state == WAY_FAILED)
			log_warn("cannot hook sockets this way; trying the next", "way", way_rows[way].name, "err",
				 report->way[way].why);
	if (*report->limit)
		log_warn("calls may be missed", "reason", report->limit);
}

/* What is asked for and can't be. */
static void log_impossible(const struct attach_report *report)
{
	for (int i = 0; i < report->n_hooks; i++) {
		const struct hook_report *hook = &report->hook[i];

		if (hook->row->wish == HOOK_OF_PROBES && !hook->attached)
			log_warn("the functions that the configuration file names are not counted", "err", hook->why);
	}
}

/* 0 if nothing is missing that tapstat can't do without. */
static int check_privileges(void)
{
	const char *lines[PRIVILEGES_LINES];
	struct privileges privileges;
	size_t n;

	privileges_read(&privileges);
	n = privileges_remarks(&privileges, lines);
	for (size_t i = 0; i < n; i++)
		log_info(lines[i]);
	n = privileges_missing(&privileges, lines);
	for (size_t i = 0; i < n; i++)
		fail("cannot start", lines[i]);
	return n ? -1 : 0;
}

static struct attach_config attach_config(const struct serve *serve)
{
	return (struct attach_config){.selectors = serve->opt.selectors,
				      .config = &serve->config,
				      .max_connections = serve->opt.max_connections,
				      .hooks = serve->opt.hooks,
				      .tls = !serve->opt.no_tls,
				      .storage = serve->opt.storage_libraries,
				      .files = serve->opt.files};
}

/* The process that attaches probes has ended: those that it had put on are off. */
static void on_attacher_end(evutil_socket_t fd, short what, void *arg)
{
	struct serve *serve = arg;

	(void)fd, (void)what;
	log_error("the process that attaches probes has ended: what is encrypted is not seen any more, functions are "
		  "not counted; restart tapstat");
	event_free(serve->attacher_end);
	serve->attacher_end = NULL;
	attacher_stop(serve->attacher);
	serve->attacher = NULL;
	attachment_probes_off(serve->attachment);
}

/* Probes on functions of programs and TLS libraries. Without them, the rest goes on. */
static void start_attacher(struct serve *serve)
{
	char why[WHY_BYTES] = "";

	if (!attachment_wants_probes(serve->attachment))
		return;
	if (attacher_start(&serve->attacher, serve->attachment, serve->socket, OPTIONS_MAX_LISTEN, why,
			   sizeof(why))) {
		log_warn("what is encrypted is not seen, functions are not counted", "err", why);
		attachment_probes_off(serve->attachment);
	}
}

static int watch_attacher(struct serve *serve)
{
	if (!serve->attacher)
		return 0;
	serve->attacher_end = event_new(serve->base, attacher_fd(serve->attacher), EV_READ, on_attacher_end, serve);
	if (!serve->attacher_end || event_add(serve->attacher_end, NULL))
		return fail("cannot start", "no event for the process that attaches probes: out of memory");
	return 0;
}

static int attach(struct serve *serve)
{
	static struct attach_report report;
	const struct attach_config config = attach_config(serve);
	char why[WHY_BYTES] = "";
	const char *kept;
	int err;

	if (serve->config.files.n && serve->opt.selectors.ports)
		log_warn("no operations on files are counted: --port matches none");
	err = attachment_open(&serve->attachment, &config, &report, why, sizeof(why));

	log_ways(&report);
	if (err)
		return fail("cannot attach", *why ? why : strerror(-err));
	log_impossible(&report);
	start_attacher(serve);
	err = privileges_drop(&kept);
	if (err)
		return fail("cannot give up capabilities", strerror(-err));
	log_info("capabilities given up", "kept", kept);
	err = processes_visible(PROCESSES_PROC);
	if (err)
		log_warn(
			"/proc does not show the host's processes (not mounted, hidepid=, systemd's ProtectProc=, or "
			"another pid namespace): no process_cpu_usage and process_memory_bytes of services",
			"err", strerror(-err));
	/* The first reading, with the capabilities that are left: if it fails, so will every scrape. */
	if (take(serve, &serve->spare))
		return -1;
	log_attached(serve);
	return 0;
}

static int start_http(struct serve *serve)
{
	struct http_config config = {.telemetry_path = serve->opt.telemetry_path, .scrape = on_scrape, .arg = serve};

	if (serve->opt.web_disable) {
		log_info("no HTTP endpoint: --web.disable");
		return 0;
	}
	serve->http = http_server_new(serve->base, &config);
	if (!serve->http)
		return fail("cannot start", "no HTTP server: out of memory");
	for (size_t i = 0; i < serve->opt.n_listen; i++) {
		int sock = serve->socket[i];
		char address[LISTEN_TEXT_BYTES];

		serve->socket[i] = -1;
		listen_address_of(sock, address);
		if (http_server_add_listener(serve->http, sock))
			return fail("cannot start", "no listener: out of memory");
		log_info("listening", "address", address, "path", serve->opt.telemetry_path);
	}
	http_server_set_ready(serve->http, true);
	return 0;
}

/* 0; or the mistakes are on standard error, as those of options are. */
static int configure(struct serve *serve)
{
	const char *path = serve->opt.config_file;
	static struct config_error mistakes;
	struct attach_config config;
	char why[OPTIONS_WHY_BYTES];

	config_init(&serve->config);
	if (path && config_load(path, &serve->config, &mistakes)) {
		config_error_print(&mistakes, path, "tapstat serve: ", stderr);
		return -1;
	}
	config = attach_config(serve);
	if (!kernel_config_check(&config, why, sizeof(why)))
		return 0;
	fprintf(stderr, "tapstat serve: %s\n", why);
	return -1;
}

static int start(struct serve *serve)
{
	const struct timeval period = {.tv_sec = SCAN_SECONDS};

	log_info("starting", "version", tapstat_version, "commit", tapstat_commit);
	if (check_privileges() || open_sockets(serve) || open_loop(serve) || attach(serve))
		return -1;
	serve->scan = event_new(serve->base, -1, EV_PERSIST, on_scan, serve);
	if (!serve->scan || event_add(serve->scan, &period))
		return fail("cannot start", "no timer: out of memory");
	if (watch_attacher(serve) || start_http(serve))
		return -1;
	return 0;
}

static void stop(struct serve *serve)
{
	attacher_end(serve->attacher);
	http_server_free(serve->http);
	if (serve->scan)
		event_free(serve->scan);
	if (serve->attacher_end)
		event_free(serve->attacher_end);
	for (int i = 0; i < SIGNALS; i++) {
		if (serve->signal[i])
			event_free(serve->signal[i]);
	}
	if (serve->base)
		event_base_free(serve->base);
	for (size_t i = 0; i < OPTIONS_MAX_LISTEN; i++) {
		if (serve->socket[i] >= 0)
			close(serve->socket[i]);
	}
	if (serve->attachment)
		attachment_close(serve->attachment);
	attacher_stop(serve->attacher);
	snapshot_free(&serve->scraped);
	snapshot_free(&serve->spare);
}

int cmd_serve(int argc, char **argv)
{
	static struct serve serve;
	char why[OPTIONS_WHY_BYTES];
	int status = STATUS_FAILED;

	if (options_parse(OPTIONS_SERVE, argc, argv, &serve.opt, why, sizeof(why))) {
		fprintf(stderr, "tapstat serve: %s\n", why);
		return STATUS_USAGE;
	}
	if (serve.opt.help) {
		print_help();
		return STATUS_DONE;
	}
	if (configure(&serve))
		return STATUS_USAGE;
	log_configure(serve.opt.log_level, serve.opt.log_format);
	event_set_log_callback(on_libevent_log);
	signal(SIGPIPE, SIG_IGN);
	snprintf(serve.libbpf, sizeof(serve.libbpf), "%u.%u", libbpf_major_version(), libbpf_minor_version());
	for (size_t i = 0; i < OPTIONS_MAX_LISTEN; i++)
		serve.socket[i] = -1;
	if (!start(&serve) && !event_base_dispatch(serve.base))
		status = STATUS_DONE;
	stop(&serve);
	return status;
}
