/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * attacher ──> [tls_leftovers] ──> maps: what a process that ended in the middle leaves of TLS. Threads take their
 * own along, and what carried plaintext is found by the scan; goroutines that waited, and objects that never carried
 * any, are known by no one else.
 */
#ifndef TAPSTAT_TLS_LEFTOVERS_H
#define TAPSTAT_TLS_LEFTOVERS_H

struct bpf_object;

/* Removes those whose process is gone, of which pids are the host's. 0 or a negative errno. */
int tls_leftovers_remove(const struct bpf_object *object);

#endif
