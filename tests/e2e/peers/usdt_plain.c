// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A USDT probe of <sys/sdt.h> without a semaphore, at two places. A line of input is a number: so often it is passed.
 */
#include "peer.h"

#include <sys/sdt.h>

int main(void)
{
	char line[32];

	while (fgets(line, sizeof(line), stdin)) {
		int times = atoi(line);

		for (int i = 0; i < times; i++) {
			signed char kind = (signed char)(i % 4 - 1);
			unsigned long bytes = (unsigned long)i * 10;

			if (i % 2)
				STAP_PROBE2(specimen, passed, kind, bytes);
			else
				STAP_PROBE2(specimen, passed, kind, 7);
		}
		printf("{\"passed\": %d}\n", times);
		fflush(stdout);
	}
	return 0;
}
