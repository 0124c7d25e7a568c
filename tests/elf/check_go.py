#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Functions and returns of a Go program, checked against go tool nm and objdump: check_go.py LIST PROGRAM SAME OBJDUMP

SAME is the program with its symbols, whose code is the same.
"""

import re
import subprocess
import sys

RETURN = re.compile(r"^\s*([0-9a-f]+):\t(?:repz |bnd )?ret")
MUST = "crypto/tls.(*Conn).Read", "crypto/tls.(*Conn).Write", "crypto/tls.(*Conn).Close", "runtime.main"


def lines(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def main():
    lister, program, same, objdump = sys.argv[1:]
    known = {}
    for line in lines("go", "tool", "nm", same):
        words = line.split(None, 2)
        if len(words) == 3 and words[1] in "tT":
            # Functions in assembler and the wrappers around them have one name in the runtime's table.
            known.setdefault(words[2].removesuffix(".abi0"), set()).add(int(words[0], 16))
    returns = sorted(int(m[1], 16) for line in lines(objdump, "-d", "-w", "--no-show-raw-insn", same)
                     if (m := RETURN.match(line)))
    found, bad, compared, refused = {}, 0, 0, 0
    for line in lines(lister, "go", program):
        address, size, at, name = line.split(" ", 3)
        begin, end = int(address, 16), int(address, 16) + int(size, 16)
        found[name] = begin
        if name in known and begin not in known[name]:
            print(f"  {name} is at {known[name]}, not {address}")
            bad += 1
        compared += name in known
        if at == "?":
            refused += 1
        elif (ours := [] if at == "-" else [int(a, 16) for a in at.split(",")]) != [
                r for r in returns if begin <= r < end]:
            print(f"  {name}: returns at {ours}")
            bad += 1
    for name in MUST:
        if found.get(name) not in known.get(name, ()):
            print(f"  {name}: {found.get(name)}")
            bad += 1
    print(f"  {program}: {len(found)} functions, {compared} of them compared by name, {refused} without returns, {bad} wrong")
    # In assembler, with data among the code: four at most in this program.
    return 1 if bad or refused > 4 or compared < 1000 else 0


if __name__ == "__main__":
    sys.exit(main())
