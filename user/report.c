/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* attach ──> [report] ──> doctor: see report.h. */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>

enum { NAME_COLUMNS = 20 };

static void line(struct buffer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void line(struct buffer *out, const char *format, ...)
{
	char text[2 * ATTACH_WHY_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	buffer_text(out, text);
	buffer_char(out, '\n');
}

/* The way in use, or NULL. */
static const char *chosen(const struct attach_report *report)
{
	for (int way = 0; way < WAY_COUNT; way++)
		if (report->way[way].state == WAY_CHOSEN)
			return way_rows[way].name;
	return NULL;
}

void report_ways(struct buffer *out, const struct attach_report *report, const char *hooks)
{
	const char *cheaper = chosen(report);

	for (int way = 0; way < WAY_COUNT; way++) {
		const struct way_report *told = &report->way[way];
		const char *name = way_rows[way].name;

		switch (told->state) {
		case WAY_CHOSEN:
			line(out, "%-*s chosen%s%s", NAME_COLUMNS, name, *report->limit ? "; " : "", report->limit);
			break;
		case WAY_USABLE:
			line(out, "%-*s works, not needed: %s is cheaper", NAME_COLUMNS, name, cheaper);
			break;
		case WAY_UNUSABLE:
		case WAY_FAILED:
			line(out, "%-*s cannot be used: %s", NAME_COLUMNS, name, told->why);
			break;
		default:
			line(out, "%-*s not tried: --hooks=%s", NAME_COLUMNS, name, hooks);
		}
	}
}

void report_hooks(struct buffer *out, const struct attach_report *report)
{
	for (int i = 0; i < report->n_hooks; i++) {
		const struct hook_report *hook = &report->hook[i];

		if (hook->row->is_way)
			continue;
		if (hook->attached)
			line(out, "hook %-*s works%s%s", NAME_COLUMNS, hook->row->name, hook->row->off ? "; " : "",
			     hook->row->off ? hook->row->off : "");
		else
			line(out, "hook %-*s not attached: %s; %s", NAME_COLUMNS, hook->row->name, hook->why,
			     hook->row->without);
	}
}

void report_verifier(struct buffer *out, const struct attach_report *report)
{
	for (int i = 0; i < report->n_programs; i++) {
		const struct program_report *program = &report->program[i];

		line(out, "verifier %s insns %lu states %lu peak %lu", program->name, program->stats.insns,
		     program->stats.states, program->stats.peak_states);
	}
}
