// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * bpf/proto/queue.h, with the caller's part of it as bpf/outstanding.h does it, against a plain list.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guard.h"
#include "proto/queue.h"

enum { SPILLED = 8192, LISTED = 1 << 16 };

/* A queue with the runs that have no place in it, by their number. */
struct outstanding {
	struct queue q;
	__u64 spilled[SPILLED];
};

static void push(struct outstanding *o, __u64 run)
{
	__u64 *last;

	if (queue_push(&o->q, run))
		return;
	last = &o->spilled[(o->q.tail - 1) % SPILLED];
	if (*last && run_alike(*last, run)) {
		++*last;
		return;
	}
	assert_true(o->q.tail - o->q.head < SPILLED);
	o->spilled[o->q.tail % SPILLED] = run;
	o->q.tail++;
}

/* The oldest request as a run of one; 0: none is outstanding. */
static __u64 oldest(struct outstanding *o)
{
	for (int i = 0; i < 2; i++) {
		__u32 head = o->q.head;
		__u64 run;
		bool here;

		if (head == o->q.tail)
			return 0;
		run = *queue_place(&o->q, head);
		here = run_is_here(run);
		if (!here)
			run = o->spilled[head % SPILLED];
		assert_true(run);
		if (run_has_more(&o->q, run))
			return (run & ~(__u64)RUN_COUNT_MAX) | 1;
		if (head + 1 == o->q.tail)
			return 0;
		if (!here)
			o->spilled[head % SPILLED] = 0;
		queue_next(&o->q);
	}
	return 0;
}

static void begin(struct outstanding *o, __u32 number)
{
	memset(o, 0, sizeof(*o));
	o->q.head = o->q.tail = number;
}

static void a_run_keeps_what_it_is_made_of(void **state)
{
	static const __u64 times[] = {0, 1, 0x123456789, RUN_TIME_MASK, RUN_TIME_MASK + 5};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		for (__u32 row = 0; row < MAX_ROWS; row += 35)
			for (__u32 flags = 0; flags < 16; flags++) {
				__u64 run = run_make(times[i], row, flags);

				assert_int_equal(run_count(run), 1);
				assert_int_equal(run_row(run), row);
				assert_int_equal(run_flags(run), flags);
				assert_int_equal(run_time(run), times[i] & RUN_TIME_MASK);
			}
}

static void equal_requests_are_one_run_up_to_its_count(void **state)
{
	static struct outstanding o;

	(void)state;
	begin(&o, 0);
	for (int i = 0; i < RUN_COUNT_MAX; i++)
		push(&o, run_make(7, 1, 0));
	assert_int_equal(o.q.tail, 1);
	push(&o, run_make(7, 1, 0));
	assert_int_equal(o.q.tail, 2);
	push(&o, run_make(8, 1, 0));
	push(&o, run_make(8, 2, 0));
	assert_int_equal(o.q.tail, 4);
	push(&o, run_make(8, 2, 1));
	assert_int_equal(o.q.tail, 5);
	assert_int_equal(run_count(o.spilled[4]), 1);
}

static void a_run_answered_to_its_end_still_takes_equal_requests(void **state)
{
	static struct outstanding o;
	__u64 run = run_make(7, 1, 0);

	(void)state;
	begin(&o, 0);
	push(&o, run);
	assert_int_equal(oldest(&o), run);
	queue_take(&o.q, 1);
	assert_int_equal(oldest(&o), 0);
	push(&o, run);
	assert_int_equal(o.q.tail, 1);
	assert_int_equal(oldest(&o), run);
	queue_take(&o.q, 1);
	assert_int_equal(oldest(&o), 0);
}

static void clearing_forgets_everything(void **state)
{
	static struct outstanding o;

	(void)state;
	begin(&o, 0xfffffffe);
	for (__u32 i = 0; i < 9; i++)
		push(&o, run_make(7, i, 0));
	oldest(&o);
	queue_take(&o.q, 1);
	queue_clear(&o.q);
	assert_int_equal(oldest(&o), 0);
	push(&o, run_make(9, 3, 0));
	assert_int_equal(oldest(&o), run_make(9, 3, 0));
}

static __u32 draw(__u32 *seed, __u32 below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % below;
}

/* Bursts and droughts from every place around the wrap of the numbers. */
static void it_is_a_list_whatever_is_pushed_and_taken(void **state)
{
	static struct outstanding o;
	static __u64 list[LISTED];

	(void)state;
	for (__u32 round = 0; round < 400 / SLOWER; round++) {
		__u32 seed = round + 1, from = 0, to = 0;

		begin(&o, 0 - draw(&seed, 300));
		for (int step = 0; step < 400; step++) {
			__u32 burst = draw(&seed, draw(&seed, 8) ? 4 : 60), rows = 1 + draw(&seed, 3);

			for (; burst && to < LISTED; burst--) {
				list[to] = run_make(step / 2, draw(&seed, rows), draw(&seed, 8) ? 0 : 1);
				push(&o, list[to++]);
			}
			for (burst = draw(&seed, draw(&seed, 8) ? 5 : 60); burst; burst--) {
				__u64 run = oldest(&o);

				assert_int_equal(run, from < to ? list[from] : 0);
				if (!run)
					break;
				queue_take(&o.q, 1);
				from++;
			}
		}
		while (from < to) {
			assert_int_equal(oldest(&o), list[from++]);
			queue_take(&o.q, 1);
		}
		assert_int_equal(oldest(&o), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_keeps_what_it_is_made_of),
		cmocka_unit_test(equal_requests_are_one_run_up_to_its_count),
		cmocka_unit_test(a_run_answered_to_its_end_still_takes_equal_requests),
		cmocka_unit_test(clearing_forgets_everything),
		cmocka_unit_test(it_is_a_list_whatever_is_pushed_and_taken),
	};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
