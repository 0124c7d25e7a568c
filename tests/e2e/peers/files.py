# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Python's own way with files, which asks for more than it is told. Argument: a directory.

Begins at a line of standard input, goes on for as many rounds as the line says, and tells the bytes of its payload.
"""

import json
import os
import sys


def round_of(directory):
    path = os.path.join(directory, "data")
    with open(path, "wb", buffering=0) as file:
        for _ in range(10):
            file.write(b"x" * 1000)
        os.fsync(file.fileno())
    os.replace(path, path + ".final")
    os.truncate(path + ".final", 500)
    os.unlink(path + ".final")


print("{}", flush=True)
for line in sys.stdin:
    for _ in range(int(line)):
        round_of(sys.argv[1])
    print(json.dumps({"written": 10_000 * int(line)}), flush=True)
