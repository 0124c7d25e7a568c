/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* serve ──> [attacher] ──> kernel: see attacher.h. */
#include "attacher.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attachment.h"
#include "binaries.h"
#include "binary_probes.h"
#include "catalog.h"
#include "complaint.h"
#include "config.h"
#include "elf_file.h"
#include "libraries.h"
#include "log.h"
#include "mappings.h"
#include "privileges.h"
#include "tls_leftovers.h"
#include "probe_sites.h"
#include "probe_targets.h"

#define SECOND_NS 1000000000ULL
#define RELEASE_AFTER_NS (10 * SECOND_NS) /* programs come back: a shell script's curl, a worker that is replaced */
#define FORGET_AFTER_NS (300 * SECOND_NS)

enum { READY = 'r', FAILED = 'f', END_MS = 5000 };

struct attacher {
	pid_t pid;
	int channel;                  /* from it: its messages, and its end; to it: that it is to end */
	struct attacher_state *state; /* shared with it */
};

enum { PROBE_TOLD = 20 };

struct probe_state {
	bool met;          /* a file in which it was looked for */
	unsigned int told; /* lines in the log */
};

/* What the process itself works with. */
struct worker {
	const struct attachment *att;
	struct attacher_state *state;
	struct binaries *binaries;
	struct mappings *mappings;
	int channel;
	struct probes_off off;
	int library_by_process; /* map */
	__u64 forgotten_ns;
	__u64 left_ns; /* when a process ended whose leftovers may still be there; 0: none did */
	bool sees_all; /* processes have the host's numbers */
	bool wants_functions;
	struct probe_state probe[MAX_PROBES]; /* of each configured one */
};

static const char *decimal(size_t n, char text[24])
{
	snprintf(text, 24, "%zu", n);
	return text;
}

static __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * SECOND_NS + (__u64)now.tv_nsec;
}

/* ---- Places -----------------------------------------------------------------------------------------------------
 */

/* Puts programs on places of a file, all or none: some of them would tell what is not so. */
static int places_attach(struct worker *worker, int fd, struct binary *binary, const struct probe_place place[],
			 size_t n)
{
	bool first = !binary->n_probes;
	char path[32];
	int err;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = binary_attach(worker->att, binary, path, place, n);
	if (err)
		worker->state->failed++;
	else
		worker->state->files += first && n;
	return err;
}

static void places_detach(struct worker *worker, struct binary *binary)
{
	worker->state->files -= binary->n_probes != 0;
	for (unsigned int i = 0; i < MAX_PROBES; i++)
		worker->state->probe_files[i] -= binary->attached >> i & 1;
	binary->attached = 0;
	binary_detach(binary, &worker->off);
}

/* ---- Libraries --------------------------------------------------------------------------------------------------
 */

static void say_found(const struct library_finding *finding)
{
	for (unsigned int i = 0; i < BACKEND_COUNT; i++)
		if (finding->backends >> i & 1)
			log_debug("a file with a storage library", "backend", catalog_backend.text[i]);
	if (finding->is_tls)
		log_debug("a file with TLS", "library", catalog_library.text[finding->library], "visible",
			  finding->n ? "yes" : "no");
}

/* Notes which libraries the file holds, and attaches their programs. 0; negative: there are none. */
static int examine_libraries(struct worker *worker, int fd, struct elf_file *file, struct binary *binary)
{
	const struct library_wish wish = {.tls = attachment_has(worker->att, HOOK_OF_TLS),
					  .storage = attachment_has(worker->att, HOOK_OF_STORAGE_LIBRARIES)};
	struct library_finding finding = {0};
	int err = wish.tls || wish.storage ? libraries_examine(file, wish, &finding) : -ENOENT;

	if (!err && !finding.is_tls && !finding.backends)
		err = -ENOENT;
	if (err)
		return err;
	binary->finding = malloc(sizeof(finding));
	if (!binary->finding)
		return -ENOMEM;
	/* Without cookies the returns of Go programs would not be told from others. */
	err = finding.library == LIBRARY_GO && !worker->att->cookies
		      ? -ENOTSUP
		      : places_attach(worker, fd, binary, finding.place, finding.n);
	if (err) {
		log_warn("cannot attach probes; what goes through the libraries in this file is not seen", "err",
			 complaint_error(err));
		finding.n = 0;
	}
	*binary->finding = finding;
	say_found(&finding);
	return 0;
}

/* ---- Function probes --------------------------------------------------------------------------------------------
 */

/* Told of one probe; programs that come and go would fill the log. */
static bool is_told(struct probe_state *probe)
{
	return probe->told < PROBE_TOLD && ++probe->told;
}

static void tell_missed(struct worker *worker, unsigned int number, const char *path, const char *why)
{
	const char *name = worker->att->config->probes.probe[number].name;

	if (is_told(&worker->probe[number]))
		log_warn("a function probe is not attached", "probe", name, "file", path, "reason", why);
	else
		log_debug("a function probe is not attached", "probe", name, "file", path, "reason", why);
}

static void tell_attached(struct worker *worker, unsigned int number, const char *path,
			  const struct probe_sites *sites)
{
	const char *name = worker->att->config->probes.probe[number].name;
	char functions[24], places[24];

	decimal(sites->functions, functions);
	decimal(sites->n, places);
	if (is_told(&worker->probe[number]))
		log_info("function probe attached", "probe", name, "file", path, "functions", functions, "places",
			 places);
	else
		log_debug("function probe attached", "probe", name, "file", path, "functions", functions, "places",
			  places);
}

static void examine_probe(struct worker *worker, int fd, struct elf_file *file, const char *path,
			  struct binary *binary, unsigned int number)
{
	char why[PROBE_SITES_WHY_BYTES];
	struct probe_sites sites;
	int err = probe_sites_find(worker->att->probes, number, file, &sites, why);

	worker->probe[number].met = true;
	if (err) {
		tell_missed(worker, number, path, why);
		return;
	}
	err = places_attach(worker, fd, binary, sites.place, sites.n);
	if (err) {
		tell_missed(worker, number, path, complaint_error(err));
	} else {
		binary->attached |= 1ULL << number;
		worker->state->probe_files[number]++;
		tell_attached(worker, number, path, &sites);
	}
	probe_sites_free(&sites);
}

/* Probes that no running process has met. */
static void tell_waiting(const struct worker *worker)
{
	for (unsigned int i = 0; worker->wants_functions && i < worker->att->config->probes.n; i++)
		if (!worker->probe[i].met)
			log_info("function probe waits for a process", "probe",
				 worker->att->config->probes.probe[i].name);
}

/* ---- Binaries ---------------------------------------------------------------------------------------------------
 */

static int examine(void *arg, int fd, const char *path, struct binary *binary, bool is_new, __u64 probes)
{
	struct worker *worker = arg;
	struct elf_file *file;
	int err = elf_file_open(&file, fd), found = -ENOENT;

	if (err)
		return err;
	if (is_new)
		found = examine_libraries(worker, fd, file, binary);
	for (unsigned int i = 0; i < MAX_PROBES; i++)
		if (probes >> i & 1)
			examine_probe(worker, fd, file, path, binary, i);
	elf_file_close(file);
	return probes ? 0 : found;
}

static void release(void *arg, struct binary *binary)
{
	places_detach(arg, binary);
	free(binary->finding);
	binary->finding = NULL;
}

static void on_mapped(void *arg, const struct mapping *mapping)
{
	struct worker *worker = arg;
	__u64 probes = worker->wants_functions ? probe_targets(worker->att->config, "/proc", mapping) : 0;
	const struct binary *binary = binaries_mapped(worker->binaries, mapping, probes);
	__u32 pid = (__u32)mapping->pid, library;

	if (!binary || !binary->finding || !binary->finding->is_tls)
		return;
	library = binary->finding->rustls_too ? LIBRARY_RUSTLS : binary->finding->library;
	bpf_map_update_elem(worker->library_by_process, &pid, &library, BPF_ANY);
}

static void on_forked(void *arg, pid_t parent, pid_t child)
{
	struct worker *worker = arg;
	__u32 from = (__u32)parent, to = (__u32)child, library;

	binaries_forked(worker->binaries, parent, child);
	if (!bpf_map_lookup_elem(worker->library_by_process, &from, &library))
		bpf_map_update_elem(worker->library_by_process, &to, &library, BPF_ANY);
}

static void on_left(void *arg, pid_t pid)
{
	struct worker *worker = arg;

	binaries_left(worker->binaries, pid, now_ns());
	if (!worker->left_ns)
		worker->left_ns = now_ns();
}

/* Another program runs in the process. What it had from its parent, or itself, is gone. */
static void on_executed(void *arg, pid_t pid)
{
	const struct worker *worker = arg;
	const __u32 tgid = (__u32)pid;

	bpf_map_delete_elem(worker->library_by_process, &tgid);
	on_left(arg, pid);
}

/* Libraries that programs which live for a moment use: their probes wait for them. */
static void keep_usual(struct worker *worker)
{
	static const char *const folders[] = {"/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64",
					      "/usr/lib"};
	/* The host's, where tapstat is in a container that sees the host's processes. */
	static const char *const roots[] = {"/proc/1/root", ""};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++)
		for (size_t j = 0; j < sizeof(folders) / sizeof(*folders); j++)
			for (size_t k = 0; k < libraries_n_usual; k++) {
				snprintf(path, sizeof(path), "%s%s/%s", roots[i], folders[j], libraries_usual[k]);
				binaries_keep(worker->binaries, path);
			}
}

/* ---- The process ------------------------------------------------------------------------------------------------
 */

static int worker_open(struct worker *worker)
{
	const struct mappings_events events = {
		.mapped = on_mapped, .forked = on_forked, .executed = on_executed, .exited = on_left, .arg = worker};
	struct privileges privileges;
	size_t closed = 0;
	char text[24];
	int err;

	privileges_read(&privileges);
	worker->sees_all = !privileges.pid_namespace;
	worker->library_by_process = bpf_object__find_map_fd_by_name(worker->att->object, "library_by_process");
	if (worker->library_by_process < 0)
		return worker->library_by_process;
	worker->wants_functions = attachment_has(worker->att, HOOK_OF_PROBES);
	worker->binaries = binaries_new(examine, release, worker);
	if (!worker->binaries)
		return -ENOMEM;
	err = mappings_open(&worker->mappings, &events);
	if (err)
		return err;
	keep_usual(worker);
	err = mappings_scan(worker->mappings, &closed);
	if (closed && !privileges_may_trace())
		log_warn("some processes do not show what they map: their TLS counts as not visible, their functions "
			 "are not counted; grant CAP_SYS_PTRACE",
			 "processes", decimal(closed, text));
	tell_waiting(worker);
	worker->forgotten_ns = now_ns();
	malloc_trim(0);
	return err;
}

/* Until tapstat ends, in whichever way: the kernel ends this process, too, if that one is gone. */
static void worker_run(struct worker *worker)
{
	struct pollfd wait[] = {{.fd = worker->channel, .events = POLLIN},
				{.fd = mappings_fd(worker->mappings), .events = POLLIN},
				{.fd = binaries_fd(worker->binaries), .events = POLLIN}};
	const struct timespec moment = {.tv_nsec = 1000000}; /* many records wake once */
	bool waiting = false, lost;
	size_t closed;

	while (poll(wait, 3, waiting || worker->left_ns ? 1000 : -1) >= 0 || errno == EINTR) {
		if (wait[0].revents)
			break;
		if (binaries_changed(worker->binaries))
			log_info("a file was written to; its probes are off until a process maps it again");
		mappings_drain(worker->mappings, &lost);
		if (lost) {
			log_debug("records of mappings were lost; looking at every process again");
			mappings_scan(worker->mappings, &closed);
		}
		waiting = binaries_expire(worker->binaries, now_ns(), RELEASE_AFTER_NS);
		probes_off_now(&worker->off);
		if (worker->left_ns && now_ns() - worker->left_ns > RELEASE_AFTER_NS) {
			worker->left_ns = 0;
			if (worker->sees_all)
				tls_leftovers_remove(worker->att->object);
		}
		if (now_ns() - worker->forgotten_ns > FORGET_AFTER_NS) {
			binaries_forget_names(worker->binaries);
			worker->forgotten_ns = now_ns();
		}
		nanosleep(&moment, NULL);
	}
	binaries_free(worker->binaries);
	probes_off_now(&worker->off);
}

static _Noreturn void worker_main(struct worker *worker, pid_t parent)
{
	char message = READY;
	int err;

	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_IGN); /* of the terminal: the parent ends in order */
	signal(SIGHUP, SIG_IGN);
	prctl(PR_SET_NAME, "tapstat-attach");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	err = privileges_drop_to_attach(worker->att->uprobe_way == UPROBE_BY_EVENT);
	if (!err)
		err = worker_open(worker);
	if (err)
		message = FAILED;
	if (write(worker->channel, &message, 1) != 1 ||
	    (err && write(worker->channel, &err, sizeof(err)) != sizeof(err)) || err)
		_exit(1);
	worker_run(worker);
	_exit(0);
}

/* ---- The parent's side ------------------------------------------------------------------------------------------
 */

static int wait_ready(int channel)
{
	char message = 0;
	int err = 0;

	if (read(channel, &message, 1) != 1)
		return -ECHILD;
	if (message == READY)
		return 0;
	return read(channel, &err, sizeof(err)) == sizeof(err) ? err : -ECHILD;
}

int attacher_start(struct attacher **out, const struct attachment *att, const int *theirs, size_t n, char *why,
		   size_t size)
{
	struct attacher *attacher = calloc(1, sizeof(*attacher));
	struct attacher_state *state =
		mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t parent = getpid();
	int ends[2] = {-1, -1}, err = 0;

	if (!attacher || state == MAP_FAILED)
		err = -ENOMEM;
	else if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		err = -errno;
	if (!err) {
		*attacher = (struct attacher){.channel = ends[0], .state = state};
		attacher->pid = fork();
		if (attacher->pid < 0)
			err = -errno;
	}
	if (!err && !attacher->pid) {
		struct worker worker = {.att = att, .state = state, .channel = ends[1]};

		close(ends[0]);
		for (size_t i = 0; i < n; i++)
			if (theirs[i] >= 0)
				close(theirs[i]);
		worker_main(&worker, parent);
	}
	if (ends[1] >= 0)
		close(ends[1]);
	if (!err)
		err = wait_ready(attacher->channel);
	if (!err) {
		*out = attacher;
		return 0;
	}
	snprintf(why, size, "the process that attaches probes cannot start: %s", strerror(-err));
	if (attacher && attacher->pid > 0) {
		attacher_stop(attacher);
	} else {
		if (ends[0] >= 0)
			close(ends[0]);
		if (state != MAP_FAILED)
			munmap(state, sizeof(*state));
		free(attacher);
	}
	return err;
}

void attacher_end(struct attacher *attacher)
{
	if (attacher)
		shutdown(attacher->channel, SHUT_WR);
}

void attacher_stop(struct attacher *attacher)
{
	struct pollfd gone = {.events = POLLIN};

	if (!attacher)
		return;
	attacher_end(attacher);
	gone.fd = attacher->channel;
	if (poll(&gone, 1, END_MS) <= 0)
		kill(attacher->pid, SIGKILL);
	while (waitpid(attacher->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(attacher->channel);
	munmap(attacher->state, sizeof(*attacher->state));
	free(attacher);
}

int attacher_fd(const struct attacher *attacher)
{
	return attacher->channel;
}

const struct attacher_state *attacher_state(const struct attacher *attacher)
{
	return attacher->state;
}
