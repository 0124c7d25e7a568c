/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* elf_file ──> [go_version] ──> go_binary: which Go built a program (debug/buildinfo/buildinfo.go). */
#ifndef TAPSTAT_GO_VERSION_H
#define TAPSTAT_GO_VERSION_H

#include "elf_file.h"

/* "go1.19.8". The length; -ENOENT: not a Go program; -ENAMETOOLONG; -ENOEXEC. On failure *version is untouched. */
int go_version_read(struct elf_file *file, char *version, size_t size);

/* The minor number of "go1.19.8" or "devel go1.19-…", 19; -EINVAL: not such a version. */
int go_version_minor(const char *version);

#endif
