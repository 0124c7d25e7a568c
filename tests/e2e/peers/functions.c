// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Functions to be probed, called in every way that could mix up entries and returns. Argument: the name of a scene
 * and how often. Says what it did as a line of JSON.
 */
#define _GNU_SOURCE
#include "peer.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

#define PROBED __attribute__((noipa))

enum { THREADS = 16, COROUTINES = 4, STACK_BYTES = 65536 };

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void spend_ns(uint64_t ns)
{
	uint64_t end = now_ns() + ns;

	while (now_ns() < end)
		;
}

/* ---- Threads -------------------------------------------------------------------------------------------------- */

/* What one thread knows of its calls. */
struct own {
	unsigned long times, seed, failed, bytes, of_kind[3];
	uint64_t ns;
};

/* Fails where `kind` is 2. The third argument is a number of bytes. */
PROBED int work(struct own *own, int kind, unsigned long bytes)
{
	uint64_t begun = now_ns();

	if (bytes % 16 == 3)
		usleep(300);
	else
		spend_ns(20000 + bytes * 100);
	own->bytes += bytes;
	own->of_kind[kind]++;
	own->failed += kind == 2;
	own->ns += now_ns() - begun;
	return kind == 2 ? -1 : 7;
}

static void *run_thread(void *argument)
{
	struct own *own = argument;

	for (unsigned long i = 0; i < own->times; i++) {
		own->seed = own->seed * 6364136223846793005UL + 1442695040888963407UL;
		work(own, (int)(own->seed >> 33) % 3, (own->seed >> 40) % 1000);
	}
	return NULL;
}

static void scene_threads(unsigned long times)
{
	struct own own[THREADS] = {0}, all = {0};
	pthread_t thread[THREADS];

	for (int i = 0; i < THREADS; i++) {
		own[i].times = times;
		own[i].seed = (unsigned long)i;
		if (pthread_create(&thread[i], NULL, run_thread, &own[i]))
			die("pthread_create");
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		all.failed += own[i].failed;
		all.bytes += own[i].bytes;
		all.ns += own[i].ns;
		for (int kind = 0; kind < 3; kind++)
			all.of_kind[kind] += own[i].of_kind[kind];
	}
	printf("{\"calls\": %lu, \"failed\": %lu, \"bytes\": %lu, \"ns\": %lu, \"kinds\": [%lu, %lu, %lu]}\n",
	       THREADS * times, all.failed, all.bytes, all.ns, all.of_kind[0], all.of_kind[1], all.of_kind[2]);
}

/* ---- Recursion ------------------------------------------------------------------------------------------------ */

static uint64_t descended_ns;

PROBED int descend(unsigned long deeper)
{
	uint64_t begun = now_ns();
	int depth;

	spend_ns(20000);
	depth = deeper ? descend(deeper - 1) + 1 : 1;
	descended_ns += now_ns() - begun;
	return depth;
}

static void scene_recursion(unsigned long times)
{
	int depth = descend(times - 1);

	printf("{\"calls\": %d, \"ns\": %lu}\n", depth, descended_ns);
}

/* ---- Calls that never return ---------------------------------------------------------------------------------- */

static jmp_buf back;

PROBED int jump(void)
{
	longjmp(back, 1);
}

PROBED int plain(uint64_t *ns)
{
	uint64_t begun = now_ns();

	spend_ns(50000);
	*ns += now_ns() - begun;
	return 0;
}

/* From the same depth each time; between the jumps a function that does return. */
static void scene_longjmp(unsigned long times)
{
	volatile unsigned long i = 0;
	uint64_t ns = 0;

	while (i < times) {
		i++;
		plain(&ns);
		if (!setjmp(back))
			jump();
	}
	printf("{\"calls\": %lu, \"ns\": %lu}\n", times, ns);
}

PROBED void *leave(void *argument)
{
	(void)argument;
	spend_ns(1000);
	pthread_exit(NULL);
}

static void scene_thread_exit(unsigned long times)
{
	for (unsigned long i = 0; i < times; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, leave, NULL))
			die("pthread_create");
		pthread_join(thread, NULL);
	}
	printf("{\"calls\": %lu}\n", times);
}

/* Another image of this program, from inside a function; `thread`: of one that is not the leader. */
PROBED void *replace(void *argument)
{
	char *argv[] = {"functions", "plain", "3", NULL};

	(void)argument;
	execv("/proc/self/exe", argv);
	die("execv");
	return NULL;
}

static void scene_exec(unsigned long times)
{
	pthread_t thread;

	if (times == 1)
		replace(NULL);
	if (pthread_create(&thread, NULL, replace, NULL))
		die("pthread_create");
	pthread_join(thread, NULL);
}

static void scene_plain(unsigned long times)
{
	uint64_t ns = 0;

	for (unsigned long i = 0; i < times; i++)
		plain(&ns);
	printf("{\"calls\": %lu, \"ns\": %lu}\n", times, ns);
}

/* ---- Two returns ---------------------------------------------------------------------------------------------- */

PROBED pid_t split(void)
{
	pid_t child = fork();

	if (child < 0)
		die("fork");
	return child;
}

static void scene_fork(unsigned long times)
{
	for (unsigned long i = 0; i < times; i++) {
		pid_t child = split();

		if (!child)
			_exit(0);
		waitpid(child, NULL, 0);
	}
	printf("{\"calls\": %lu}\n", times);
}

/* ---- Coroutines ----------------------------------------------------------------------------------------------- */

static ucontext_t scheduler, coroutine[COROUTINES];
static unsigned long rounds;
static uint64_t yielded_ns;

/* Each is left in the middle while the others enter it, and come back in another order. */
PROBED int yield(unsigned int number)
{
	uint64_t begun = now_ns();

	swapcontext(&coroutine[number], &scheduler);
	spend_ns(20000);
	yielded_ns += now_ns() - begun;
	return 0;
}

static void run_coroutine(unsigned int number)
{
	for (unsigned long i = 0; i < rounds; i++)
		yield(number);
}

static void scene_coroutines(unsigned long times)
{
	static char stack[COROUTINES][STACK_BYTES];

	rounds = times;
	for (unsigned int i = 0; i < COROUTINES; i++) {
		getcontext(&coroutine[i]);
		coroutine[i].uc_stack.ss_sp = stack[i];
		coroutine[i].uc_stack.ss_size = sizeof(stack[i]);
		coroutine[i].uc_link = &scheduler;
		makecontext(&coroutine[i], (void (*)(void))run_coroutine, 1, i);
	}
	for (unsigned long turn = 0; turn <= times; turn++)
		for (unsigned int i = 0; i < COROUTINES; i++) {
			unsigned int next = (unsigned int)(turn % 2 ? COROUTINES - 1 - i : i);

			swapcontext(&scheduler, &coroutine[next]);
		}
	printf("{\"calls\": %lu, \"ns\": %lu}\n", COROUTINES * times, yielded_ns);
}

/* ---- In flight ------------------------------------------------------------------------------------------------ */

PROBED int wait_for_line(void)
{
	char line[16];

	return fgets(line, sizeof(line), stdin) != NULL;
}

static void scene_waiting(unsigned long times)
{
	for (unsigned long i = 0; i < times; i++)
		wait_for_line();
	printf("{\"calls\": %lu}\n", times);
}

/* ---- Other ways out of a function ----------------------------------------------------------------------------- */

static uint64_t handed_ns, finished;

PROBED int finish(unsigned long i)
{
	finished += i;
	usleep(100);
	return -1; /* not the result of the function that jumps here */
}

/* Every third time a result of its own, which is an error, else that of the function it jumps to. */
PROBED int hand_over(unsigned long i)
{
	uint64_t begun = now_ns();

	spend_ns(30000);
	handed_ns += now_ns() - begun;
	if (i % 3 == 0)
		return -1;
	return finish(i);
}

__attribute__((cold, noipa)) void complain(unsigned long i)
{
	finished -= i;
}

/* What is behind the condition lies elsewhere, and jumps back. */
PROBED unsigned long guard(unsigned long i)
{
	if (__builtin_expect(i % 4 == 0, 0)) {
		complain(i);
		finished ^= i;
	}
	return finished * i;
}

static void scene_tail_calls(unsigned long times)
{
	unsigned long failed = 0;

	for (unsigned long i = 0; i < times; i++) {
		hand_over(i);
		guard(i);
		failed += i % 3 == 0;
	}
	printf("{\"calls\": %lu, \"failed\": %lu, \"ns\": %lu}\n", times, failed, handed_ns);
}

/* ---- Cost ----------------------------------------------------------------------------------------------------- */

/* Begins with an instruction that the kernel need not execute aside. */
PROBED void nothing(void)
{
	asm volatile("nop");
}

static void scene_cost(unsigned long times)
{
	uint64_t begun = now_ns();

	for (unsigned long i = 0; i < times; i++)
		nothing();
	printf("{\"calls\": %lu, \"ns\": %lu}\n", times, now_ns() - begun);
}

/* So that the program is there before its functions are called. */
static void scene_idle(unsigned long times)
{
	while (times)
		pause();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*play)(unsigned long times);
	} scenes[] = {
		{"threads", scene_threads}, {"recursion", scene_recursion},
		{"longjmp", scene_longjmp}, {"thread_exit", scene_thread_exit},
		{"exec", scene_exec},       {"plain", scene_plain},
		{"fork", scene_fork},       {"coroutines", scene_coroutines},
		{"waiting", scene_waiting}, {"tail_calls", scene_tail_calls},
		{"cost", scene_cost},       {"idle", scene_idle},
	};

	for (size_t i = 0; argc == 3 && i < sizeof(scenes) / sizeof(*scenes); i++) {
		if (strcmp(scenes[i].name, argv[1]) != 0)
			continue;
		scenes[i].play(strtoul(argv[2], NULL, 10));
		return 0;
	}
	die("no such scene");
}
