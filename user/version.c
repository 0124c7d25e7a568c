/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* [version], beside the path: see version.h. The Makefile gives TAPSTAT_VERSION and TAPSTAT_COMMIT. */
#include "version.h"

#define TEXT(word) #word
#define TEXT_OF(macro) TEXT(macro)

const char tapstat_version[] = TEXT_OF(TAPSTAT_VERSION);
const char tapstat_commit[] = TEXT_OF(TAPSTAT_COMMIT);

#ifdef __clang__
const char tapstat_compiler[] = "clang " __clang_version__;
#else
const char tapstat_compiler[] = "gcc " __VERSION__;
#endif

#if defined(__x86_64__)
const char tapstat_arch[] = "x86_64";
#elif defined(__aarch64__)
const char tapstat_arch[] = "aarch64";
#else
#error "tapstat supports x86-64 and arm64"
#endif
