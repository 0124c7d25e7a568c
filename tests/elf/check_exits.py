#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Exits of functions that tapstat found in a program with symbols, checked against objdump: check_exits.py LIST PROGRAM

Those of a function are the returns in it and in its parts (NAME.cold), and the direct jumps there that are always
taken and lead elsewhere. What a computed jump is, objdump does not tell: such exits are left out of the comparison.
"""

import bisect
import re
import subprocess
import sys

LINE = re.compile(r"^\s*([0-9a-f]+):\t(\S.*)$")


def lines(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def ranges(program):
    """(begin, end) of each function, and those of its parts, by its address."""
    functions, parts = {}, {}
    for line in lines("nm", "-S", program):
        words = line.split()
        if len(words) != 4 or words[2] not in "tTwW":
            continue
        span = (int(words[0], 16), int(words[0], 16) + int(words[1], 16))
        name, cold, _ = words[3].partition(".cold")
        (parts if cold else functions).setdefault(name, set()).add(span)
    return functions, parts


def main():
    lister, program = sys.argv[1:]
    functions, parts = ranges(program)
    listing = lines("objdump", "-d", "-w", "--no-show-raw-insn", program)
    code = [(int(m[1], 16), m[2].split("#")[0].strip()) for line in listing if (m := LINE.match(line))]
    bad, compared, tail_calls, refused = 0, 0, 0, 0
    for line in lines(lister, "exits", program):
        address, size, exits, name = line.split(" ", 3)
        spans = functions.get(name, set())
        # Static functions of one name in several sources can't be told apart by the names of their parts.
        if len(spans) != 1 or len(parts.get(name, ())) > 1:
            continue
        if exits.startswith("?"):
            refused += 1
            continue
        spans = spans | parts.get(name, set())

        def inside(at):
            return any(begin <= at < end for begin, end in spans)

        wanted, computed = set(), set()
        own = [code[bisect.bisect_left(code, (begin,)):bisect.bisect_left(code, (end,))] for begin, end in spans]
        for at, text in sum(own, []):
            words = text.removeprefix("bnd ").removeprefix("notrack ").split()
            if words[0] == "ret" or text.startswith("repz ret"):
                wanted.add(at)
            elif words[0] == "jmp" and words[1].startswith("*"):
                computed.add(at)
            elif words[0] == "jmp" and not inside(int(words[1], 16)):
                wanted.add(at)
                tail_calls += 1
        found = set() if exits == "-" else {int(at.rstrip("t"), 16) for at in exits.split(",")}
        compared += 1
        if found - computed != wanted:
            print(f"  {name}: {sorted(map(hex, found - computed))}, not {sorted(map(hex, wanted))}")
            bad += 1
    print(f"  {program}: {compared} functions, {tail_calls} jumps to others, {refused} refused, {bad} wrong")
    return 1 if bad or compared < 500 or tail_calls < 50 or refused > compared // 100 else 0


if __name__ == "__main__":
    sys.exit(main())
