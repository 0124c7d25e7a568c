/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Inside exposition: what its two files share, exposition.c (families of services) and exposition_self.c (tapstat's).
 */
#ifndef TAPSTAT_EXPOSITION_ROW_H
#define TAPSTAT_EXPOSITION_ROW_H

#include "catalog.h"
#include "exposition.h"

/* Appends `text` as the inside of a label value: escaped, and made UTF-8 where it is not. */
void exposition_label_value(struct buffer *out, const char *text);

/* Appends the samples of one of tapstat's own families. */
void exposition_self_family(struct buffer *out, const struct family *family, const struct snapshot *snap,
			    const struct self_metrics *self);

/* Label combinations of a family that the snapshot's services have; 0 for tapstat's own. */
__u64 exposition_combinations(const struct family *family, const struct snapshot *snap);

#endif
