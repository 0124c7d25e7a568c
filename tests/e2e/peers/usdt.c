// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * USDT probes as <sys/sdt.h> makes them, with and without a semaphore. A line of input is a number: so often both are
 * passed, and the semaphore's value before is the answer. The end of input ends it.
 */
#include "peer.h"

#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

__extension__ unsigned short specimen_guarded_semaphore __attribute__((section(".probes"), used));

int main(void)
{
	char line[32];

	while (fgets(line, sizeof(line), stdin)) {
		unsigned short semaphore = *(volatile unsigned short *)&specimen_guarded_semaphore;
		int times = atoi(line);

		for (int i = 0; i < times; i++) {
			int kind = i % 4 - 1;
			unsigned long bytes = (unsigned long)i * 10;

			STAP_PROBE2(specimen, guarded, kind, bytes);
		}
		printf("{\"semaphore\": %d}\n", semaphore);
		fflush(stdout);
	}
	return 0;
}
