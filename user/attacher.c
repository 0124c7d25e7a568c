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
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attachment.h"
#include "binaries.h"
#include "catalog.h"
#include "elf_file.h"
#include "libraries.h"
#include "log.h"
#include "mappings.h"
#include "privileges.h"

#define SECOND_NS 1000000000ULL
#define RELEASE_AFTER_NS (10 * SECOND_NS) /* programs come back: a shell script's curl, a worker that is replaced */
#define FORGET_AFTER_NS (300 * SECOND_NS)

enum { WHY_BYTES = 256, READY = 'r', FAILED = 'f' };

struct attacher {
	pid_t pid;
	int pipe;                     /* the process's messages; at its end: it is gone */
	struct attacher_state *state; /* shared with it */
};

/* What the process itself works with. */
struct worker {
	const struct attachment *att;
	struct attacher_state *state;
	struct binaries *binaries;
	struct mappings *mappings;
	int library_by_process; /* map */
	__u64 forgotten_ns;
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

/* ---- Probes -----------------------------------------------------------------------------------------------------
 */

static void probes_detach(struct worker *worker, struct binary *binary)
{
	for (size_t i = 0; i < binary->n_probes; i++)
		close(binary->probe[i]);
	worker->state->probes -= binary->probe ? (__u32)binary->finding->n : 0;
	worker->state->binaries -= binary->probe != NULL;
	free(binary->probe);
	binary->probe = NULL;
	binary->n_probes = 0;
}

/* Those places of a file to which the program of the first goes, too: at most so many, which are gathered here. */
struct group {
	__u64 offset[LIBRARY_MAX_PLACES], cookie[LIBRARY_MAX_PLACES];
	size_t n;
};

static void group_gather(struct group *group, const struct library_finding *finding, size_t first)
{
	const struct probe_place *like = &finding->place[first];

	group->n = 0;
	for (size_t i = first; i < finding->n; i++) {
		const struct probe_place *place = &finding->place[i];

		if (strcmp(place->program, like->program) != 0 || place->at_return != like->at_return)
			continue;
		group->offset[group->n] = place->offset;
		group->cookie[group->n++] = place->cookie;
	}
}

/* Whether a place before goes with the same group. */
static bool is_gathered(const struct library_finding *finding, size_t n)
{
	const struct probe_place *place = &finding->place[n];

	for (size_t i = 0; i < n; i++)
		if (!strcmp(finding->place[i].program, place->program) &&
		    finding->place[i].at_return == place->at_return)
			return true;
	return false;
}

static int group_attach(struct worker *worker, const struct group *group, const struct probe_place *like,
			const char *path, struct binary *binary)
{
	const struct attachment *att = worker->att;
	struct bpf_program *program = bpf_object__find_program_by_name(att->object, like->program);
	struct uprobe_places places = {.path = path,
				       .offset = group->offset,
				       .cookie = group->cookie,
				       .n = group->n,
				       .at_return = like->at_return};
	int *fds = binary->probe + binary->n_probes, n;

	if (!program)
		return -ENOENT;
	if (!att->cookies && (like->cookie & COOKIE_LIBRARY) == LIBRARY_GO)
		return -ENOTSUP; /* its returns would not be told from others */
	if (!att->cookies)
		places.cookie = NULL;
	n = uprobe_attach(att->uprobe_way, bpf_program__fd(program), &places, fds);
	if (n > 0)
		binary->n_probes += (size_t)n;
	return n;
}

/* Puts the probes of a file on: all, since some of them would tell what is not so. */
static int probes_attach(struct worker *worker, int fd, struct binary *binary)
{
	struct library_finding *finding = binary->finding;
	struct group group;
	char path[32];

	if (!finding->n)
		return 0;
	binary->probe = calloc(finding->n, sizeof(*binary->probe));
	if (!binary->probe)
		return -ENOMEM;
	worker->state->binaries++;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (size_t i = 0; i < finding->n; i++) {
		int n;

		if (is_gathered(finding, i))
			continue;
		group_gather(&group, finding, i);
		n = group_attach(worker, &group, &finding->place[i], path, binary);
		if (n > 0)
			continue;
		log_warn("cannot attach a probe; what goes through the libraries in this file is not seen", "program",
			 finding->place[i].program, "err", strerror(-n));
		worker->state->failed++;
		probes_detach(worker, binary);
		finding->n = 0;
		return 0;
	}
	worker->state->probes += (__u32)finding->n;
	return 0;
}

/* ---- Binaries ---------------------------------------------------------------------------------------------------
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

static int examine(void *arg, int fd, struct binary *binary)
{
	struct worker *worker = arg;
	const struct library_wish wish = {.tls = attachment_has(worker->att, HOOK_OF_TLS),
					  .storage = attachment_has(worker->att, HOOK_OF_STORAGE_LIBRARIES)};
	struct library_finding finding = {0};
	struct elf_file *file;
	int err = elf_file_open(&file, fd);

	if (err)
		return err;
	err = libraries_examine(file, wish, &finding);
	elf_file_close(file);
	if (!err && !finding.is_tls && !finding.backends)
		err = -ENOENT;
	if (err)
		return err;
	binary->finding = malloc(sizeof(finding));
	if (!binary->finding)
		return -ENOMEM;
	*binary->finding = finding;
	err = probes_attach(worker, fd, binary);
	if (err)
		free(binary->finding);
	else
		say_found(&finding);
	return err;
}

static void release(void *arg, struct binary *binary)
{
	probes_detach(arg, binary);
	free(binary->finding);
	binary->finding = NULL;
}

static void on_mapped(void *arg, const struct mapping *mapping)
{
	struct worker *worker = arg;
	const struct binary *binary = binaries_mapped(worker->binaries, mapping);
	__u32 pid = (__u32)mapping->pid, library;

	if (!binary || !binary->finding->is_tls)
		return;
	library = binary->finding->library;
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
		.mapped = on_mapped, .forked = on_forked, .executed = on_left, .exited = on_left, .arg = worker};
	size_t closed = 0;
	char text[24];
	int err;

	worker->library_by_process = bpf_object__find_map_fd_by_name(worker->att->object, "library_by_process");
	if (worker->library_by_process < 0)
		return worker->library_by_process;
	worker->binaries = binaries_new(examine, release, worker);
	if (!worker->binaries)
		return -ENOMEM;
	err = mappings_open(&worker->mappings, &events);
	if (err)
		return err;
	keep_usual(worker);
	err = mappings_scan(worker->mappings, &closed);
	if (closed && !privileges_may_trace())
		log_warn("some processes do not show what they map: their TLS counts as not visible; grant "
			 "CAP_SYS_PTRACE",
			 "processes", decimal(closed, text));
	worker->forgotten_ns = now_ns();
	malloc_trim(0);
	return err;
}

/* Until tapstat ends, which the kernel tells by a signal. */
static void worker_run(struct worker *worker)
{
	struct pollfd wait = {.fd = mappings_fd(worker->mappings), .events = POLLIN};
	const struct timespec moment = {.tv_nsec = 1000000}; /* many records wake once */
	bool waiting = false, lost;
	size_t closed;

	while (poll(&wait, 1, waiting ? 1000 : -1) >= 0 || errno == EINTR) {
		mappings_drain(worker->mappings, &lost);
		if (lost) {
			log_debug("records of mappings were lost; looking at every process again");
			mappings_scan(worker->mappings, &closed);
		}
		waiting = binaries_expire(worker->binaries, now_ns(), RELEASE_AFTER_NS);
		if (now_ns() - worker->forgotten_ns > FORGET_AFTER_NS) {
			binaries_forget_names(worker->binaries);
			worker->forgotten_ns = now_ns();
		}
		nanosleep(&moment, NULL);
	}
}

static _Noreturn void worker_main(struct worker *worker, int pipe, pid_t parent)
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
	if (write(pipe, &message, 1) != 1 || (err && write(pipe, &err, sizeof(err)) != sizeof(err)) || err)
		_exit(1);
	worker_run(worker);
	_exit(1);
}

/* ---- The parent's side ------------------------------------------------------------------------------------------
 */

static int wait_ready(int pipe)
{
	char message = 0;
	int err = 0;

	if (read(pipe, &message, 1) != 1)
		return -ECHILD;
	if (message == READY)
		return 0;
	return read(pipe, &err, sizeof(err)) == sizeof(err) ? err : -ECHILD;
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
	else if (pipe2(ends, O_CLOEXEC))
		err = -errno;
	if (!err) {
		*attacher = (struct attacher){.pipe = ends[0], .state = state};
		attacher->pid = fork();
		if (attacher->pid < 0)
			err = -errno;
	}
	if (!err && !attacher->pid) {
		struct worker worker = {.att = att, .state = state};

		close(ends[0]);
		for (size_t i = 0; i < n; i++)
			if (theirs[i] >= 0)
				close(theirs[i]);
		worker_main(&worker, ends[1], parent);
	}
	if (ends[1] >= 0)
		close(ends[1]);
	if (!err)
		err = wait_ready(attacher->pipe);
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

void attacher_kill(struct attacher *attacher)
{
	if (attacher)
		kill(attacher->pid, SIGKILL);
}

void attacher_stop(struct attacher *attacher)
{
	if (!attacher)
		return;
	attacher_kill(attacher);
	while (waitpid(attacher->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(attacher->pipe);
	munmap(attacher->state, sizeof(*attacher->state));
	free(attacher);
}

int attacher_fd(const struct attacher *attacher)
{
	return attacher->pipe;
}

struct attacher_state attacher_state(const struct attacher *attacher)
{
	return *attacher->state;
}
