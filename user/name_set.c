/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* names of functions to probe ──> [name_set] ──> elf_symbols, go_binary: see name_set.h. */
#include "name_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	const char *name;
	size_t length;
	long place;
};

struct name_set {
	size_t n;
	struct entry entry[]; /* sorted */
};

/* By length first: most names differ in it. */
static int compare(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;

	if (left->length != right->length)
		return left->length < right->length ? -1 : 1;
	return memcmp(left->name, right->name, left->length);
}

int name_set_make(struct name_set **out, const char *const names[], size_t n)
{
	struct name_set *set = calloc(1, sizeof(*set) + n * sizeof(set->entry[0]));

	if (!set)
		return -ENOMEM;
	set->n = n;
	for (size_t i = 0; i < n; i++)
		set->entry[i] = (struct entry){names[i], strlen(names[i]), (long)i};
	qsort(set->entry, n, sizeof(set->entry[0]), compare);
	*out = set;
	return 0;
}

long name_set_find(const struct name_set *set, const char *name, size_t length)
{
	const struct entry key = {name, length, 0};
	const struct entry *found = bsearch(&key, set->entry, set->n, sizeof(key), compare);

	return found ? found->place : -1;
}

void name_set_free(struct name_set *set)
{
	free(set);
}
