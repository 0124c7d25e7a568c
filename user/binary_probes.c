/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* attacher ──> [binary_probes] ──> uprobe: see binary_probes.h. */
#include "binary_probes.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attachment.h"
#include "uprobe.h"

/* Those places to which the program of one of them goes, too. */
struct group {
	__u64 *offset, *cookie, *semaphore; /* room for all places each; the first owns them */
	size_t n;
	bool has_semaphores;
};

static bool go_together(const struct probe_place *a, const struct probe_place *b)
{
	return !strcmp(a->program, b->program) && a->at_return == b->at_return;
}

static void group_gather(struct group *group, const struct probe_place place[], size_t n,
			 const struct probe_place *like)
{
	group->n = 0;
	group->has_semaphores = false;
	for (size_t i = 0; i < n; i++) {
		if (!go_together(&place[i], like))
			continue;
		group->offset[group->n] = place[i].offset;
		group->cookie[group->n] = place[i].cookie;
		group->semaphore[group->n++] = place[i].semaphore_offset;
		group->has_semaphores |= place[i].semaphore_offset != 0;
	}
}

/* Whether a place before goes with the same group. */
static bool is_gathered(const struct probe_place place[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (go_together(&place[i], &place[n]))
			return true;
	return false;
}

static int group_attach(const struct attachment *att, const struct group *group, const struct probe_place *like,
			const char *path, struct binary *binary)
{
	struct bpf_program *program = bpf_object__find_program_by_name(att->object, like->program);
	struct uprobe_places places = {.path = path,
				       .offset = group->offset,
				       .cookie = att->cookies ? group->cookie : NULL,
				       .semaphore = group->has_semaphores ? group->semaphore : NULL,
				       .n = group->n,
				       .at_return = like->at_return};
	int *fds = binary->probe + binary->n_probes, n;

	if (!program)
		return -ENOENT;
	n = uprobe_attach(att->uprobe_way, bpf_program__fd(program), &places, fds);
	if (n > 0)
		binary->n_probes += (size_t)n;
	return n < 0 ? n : 0;
}

int binary_attach(const struct attachment *att, struct binary *binary, const char *path,
		  const struct probe_place place[], size_t n)
{
	struct group group = {.offset = calloc(n ? 3 * n : 1, sizeof(*group.offset))};
	int *grown = realloc(binary->probe, (binary->n_probes + n + 1) * sizeof(*grown)), err = 0;
	size_t before = binary->n_probes;

	if (grown)
		binary->probe = grown;
	if (!group.offset || !grown)
		err = -ENOMEM;
	else
		group.cookie = group.offset + n, group.semaphore = group.offset + 2 * n;
	for (size_t i = 0; i < n && !err; i++) {
		if (is_gathered(place, i))
			continue;
		group_gather(&group, place, n, &place[i]);
		err = group_attach(att, &group, &place[i], path, binary);
	}
	free(group.offset);
	if (err) {
		uprobe_detach(binary->probe + before, binary->n_probes - before);
		binary->n_probes = before;
	}
	return err;
}

void binary_detach(struct binary *binary, struct probes_off *off)
{
	size_t n = off->n + binary->n_probes;
	int *grown = n ? realloc(off->fd, n * sizeof(*grown)) : NULL;

	if (grown) {
		memcpy(grown + off->n, binary->probe, binary->n_probes * sizeof(*grown));
		*off = (struct probes_off){.fd = grown, .n = n};
	} else {
		uprobe_detach(binary->probe, binary->n_probes);
	}
	free(binary->probe);
	binary->probe = NULL;
	binary->n_probes = 0;
}

void probes_off_now(struct probes_off *off)
{
	uprobe_detach(off->fd, off->n);
	free(off->fd);
	*off = (struct probes_off){0};
}
