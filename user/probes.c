// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* config ──> [probes] ──> attaching: see probes.h. */
#include "probes.h"

#include <asm/ptrace.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "config.h"
#include "probe_terms.h"

struct probes {
	const struct config *config;
	int places_fd; /* the object's; -1: not filled yet */
	unsigned int n_places;
	struct function_place place[MAX_FUNCTION_PLACES]; /* as in the map */
};

/* ---- Calling conventions -------------------------------------------------------------------------------------- */

#define NONE NO_REGISTER

#if defined(__x86_64__)
#define REGISTER(name) offsetof(struct pt_regs, name)
/* System V ABI, AMD64 supplement, section 3.2.3; Go's internal ABI (src/cmd/compile/abi-internal.md). */
static const __u16 c_arguments[PROBE_ARGUMENTS] = {REGISTER(rdi), REGISTER(rsi), REGISTER(rdx),
						   REGISTER(rcx), REGISTER(r8),  REGISTER(r9)};
static const __u16 c_results[PROBE_RESULTS] = {REGISTER(rax), REGISTER(rdx), NONE, NONE, NONE, NONE};
static const __u16 go_registers[PROBE_ARGUMENTS] = {REGISTER(rax), REGISTER(rbx), REGISTER(rcx),
						    REGISTER(rdi), REGISTER(rsi), REGISTER(r8)};
/* The kernel runs a return probe when the return address has left the stack. */
enum { RETURN_ADDRESS_BYTES = 8 };
#elif defined(__aarch64__)
#define REGISTER(number) (offsetof(struct user_pt_regs, regs) + (number) * sizeof(__u64))
/* Procedure Call Standard for the Arm 64-bit Architecture, section 6.8; Go's internal ABI. */
static const __u16 c_arguments[PROBE_ARGUMENTS] = {REGISTER(0), REGISTER(1), REGISTER(2),
						   REGISTER(3), REGISTER(4), REGISTER(5)};
static const __u16 c_results[PROBE_RESULTS] = {REGISTER(0), REGISTER(1), NONE, NONE, NONE, NONE};
static const __u16 go_registers[PROBE_ARGUMENTS] = {REGISTER(0), REGISTER(1), REGISTER(2),
						    REGISTER(3), REGISTER(4), REGISTER(5)};
enum { RETURN_ADDRESS_BYTES = 0 };
#else
#error "which registers hold arguments and results?"
#endif

_Static_assert((int)PROBE_RESULTS == (int)PROBE_ARGUMENTS, "Go's results are in the registers of its arguments");

int probe_operand(const struct probe_term *term, bool is_go, struct operand *out)
{
	const __u16 *registers = is_go ? go_registers : term->is_result ? c_results : c_arguments;
	__u16 at = registers[term->number - 1];

	if (at == NONE)
		return -ERANGE;
	*out = (struct operand){.kind = OPERAND_REGISTER,
				.bytes = (__u8)(term->bytes ? term->bytes : 8),
				.is_signed = term->bytes ? term->is_signed : term->is_result,
				.base = at,
				.index = NO_REGISTER};
	return 0;
}

/* ---- Probes --------------------------------------------------------------------------------------------------- */

static bool measures(const struct config_probe *probe, enum probe_measure measure)
{
	return config_probe_metric(probe, measure) != NULL;
}

static bool is_of_result(const char *text)
{
	struct probe_term term;

	return !probe_term_parse(text, &term) && term.is_result;
}

static bool has_return(const struct config_probe *probe)
{
	return measures(probe, MEASURE_ERRORS) || measures(probe, MEASURE_IN_FLIGHT) ||
	       measures(probe, MEASURE_DURATION) || is_of_result(probe->bytes.of);
}

/* Bounds are shown as they are configured, and compared in ns or bytes. */
static void bounds_to_kernel(const struct config_buckets *from, const struct bounds *defaults, __u64 unit,
			     __u64 out[PROBE_BOUNDS])
{
	size_t n = from->n ? from->n : defaults->n;

	for (size_t i = 0; i < PROBE_BOUNDS; i++)
		out[i] = i >= n ? NO_BOUND : from->n ? from->bound[i] / unit : defaults->upper[i];
}

void probe_to_kernel(const struct config_probe *from, struct function_probe *out)
{
	struct probe_condition condition = {.limit = 0};

	memset(out, 0, sizeof(*out));
	for (int measure = 0; measure < MEASURE_COUNT; measure++)
		out->measures |= measures(from, measure) ? 1U << measure : 0;
	out->has_return = has_return(from);
	out->n_values = from->argument.n;
	for (unsigned int i = 0; i < from->argument.n; i++)
		probe_number_parse(from->argument.value[i].number, &out->value[i]);
	if (measures(from, MEASURE_ERRORS))
		probe_condition_parse(from->errors.when, &condition);
	out->comparison = condition.comparison;
	out->limit = condition.limit;
	memcpy(out->service, from->service, sizeof(out->service));
	bounds_to_kernel(&from->duration.buckets, &catalog_duration_bounds, 1, out->duration_bound);
	bounds_to_kernel(&from->bytes.buckets, &catalog_size_bounds, 1000000000, out->size_bound);
}

int probes_new(struct probes **out, const struct config *config)
{
	struct probes *probes = calloc(1, sizeof(*probes));

	if (!probes)
		return -ENOMEM;
	probes->config = config;
	probes->places_fd = -1;
	*out = probes;
	return 0;
}

void probes_free(struct probes *probes)
{
	free(probes);
}

int probes_fill(struct probes *probes, const struct bpf_object *object)
{
	int fd = bpf_object__find_map_fd_by_name(object, "function_probes");
	int places_fd = bpf_object__find_map_fd_by_name(object, "function_places");

	if (fd < 0 || places_fd < 0)
		return -ENOENT;
	for (__u32 i = 0; i < probes->config->probes.n; i++) {
		struct function_probe probe;

		probe_to_kernel(&probes->config->probes.probe[i], &probe);
		if (bpf_map_update_elem(fd, &i, &probe, BPF_ANY))
			return -errno;
	}
	probes->places_fd = places_fd;
	return 0;
}

const struct config_probe *probes_config(const struct probes *probes, unsigned int probe)
{
	return &probes->config->probes.probe[probe];
}

bool probes_need_return(const struct probes *probes, unsigned int probe)
{
	return has_return(&probes->config->probes.probe[probe]);
}

/* ---- Sites ---------------------------------------------------------------------------------------------------- */

static bool is_return(const struct probe_site *site)
{
	return site->side == PROBE_RETURN_ADDRESS || site->side == PROBE_RETURN_INSTRUCTION ||
	       site->side == PROBE_TAIL_CALL;
}

/* Where this site has a number; those of a USDT probe know their own width. */
static int operand_at(const struct probe_site *site, const struct probe_term *term, struct operand *out)
{
	if (site->side != PROBE_POINT)
		return probe_operand(term, site->is_go, out);
	if (term->number > site->n_arguments || site->argument[term->number - 1].kind == OPERAND_NONE)
		return -ERANGE;
	*out = site->argument[term->number - 1];
	return 0;
}

/* What the programs read there: at an entry arguments, at a return results. */
static int operands_at(const struct config_probe *probe, const struct probe_site *site, struct function_place *out)
{
	struct probe_condition condition;
	struct probe_term term;
	int err = 0;

	if (site->side == PROBE_TAIL_CALL)
		return 0;
	if (is_return(site)) {
		if (measures(probe, MEASURE_ERRORS) && !probe_condition_parse(probe->errors.when, &condition))
			err = operand_at(site, &condition.term, &out->value);
	} else if (*probe->argument.label && !probe_term_parse(probe->argument.of, &term)) {
		err = operand_at(site, &term, &out->value);
	}
	if (!err && *probe->bytes.of && !probe_term_parse(probe->bytes.of, &term) &&
	    term.is_result == is_return(site))
		err = operand_at(site, &term, &out->bytes);
	return err;
}

static __s32 depth_at(const struct probe_site *site)
{
	switch (site->side) {
	case PROBE_ENTRY:
		return site->stack_moved;
	case PROBE_RETURN_ADDRESS:
		return -RETURN_ADDRESS_BYTES;
	default:
		return 0;
	}
}

int probes_site(struct probes *probes, const struct probe_site *site, struct probe_place *out)
{
	struct function_place place = {.probe = site->probe, .is_go = site->is_go, .depth = depth_at(site)};
	int err = operands_at(&probes->config->probes.probe[site->probe], site, &place);
	unsigned int cookie = 0;

	if (err)
		return err;
	while (cookie < probes->n_places && memcmp(&probes->place[cookie], &place, sizeof(place)) != 0)
		cookie++;
	if (cookie == MAX_FUNCTION_PLACES)
		return -ENOSPC;
	if (cookie == probes->n_places) {
		if (bpf_map_update_elem(probes->places_fd, &cookie, &place, BPF_ANY))
			return -errno;
		probes->place[probes->n_places++] = place;
	}
	*out = (struct probe_place){.program = is_return(site) ? "ts_function_return" : "ts_function_entry",
				    .offset = site->offset,
				    .cookie = cookie,
				    .at_return = site->side == PROBE_RETURN_ADDRESS,
				    .semaphore_offset = site->semaphore_offset};
	return 0;
}
