# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Where functions of a program begin and return, by binutils: what tapstat's own search is not asked for here."""

import dataclasses
import re
import subprocess

from .processes import Failure
from .toolchain import need


def _lines(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout.splitlines()


@dataclasses.dataclass
class Function:
    """File offsets of a function, its returns and its jumps to other functions."""

    entry: int
    returns: list
    tail_calls: list
    behind_check: int  # the instruction behind the first conditional jump: in Go, the check of the stack


def _segments(program):
    """(offset, address, size) of what is loaded."""
    found = []
    for line in _lines("readelf", "-lW", program):
        words = line.split()
        if words and words[0] == "LOAD":
            found.append(tuple(int(word, 16) for word in (words[1], words[2], words[4])))
    return found


def _instructions(program, begin, end):
    """(address, text) of each."""
    for line in _lines("objdump", "-d", "--no-show-raw-insn", f"--start-address={begin}", f"--stop-address={end}", program):
        match = re.match(r"\s*([0-9a-f]+):\s+(\S.*)", line)
        if match:
            yield int(match.group(1), 16), match.group(2).strip()


def symbol(program, demangled):
    """(address, size) of the one symbol with this name."""
    need("nm", "objdump", "readelf")
    found = set()
    for line in _lines("nm", "-S", "--demangle", program):
        words = line.split(maxsplit=3)
        if len(words) == 4 and words[3] == demangled and words[2].lower() == "t":
            found.add((int(words[0], 16), int(words[1], 16)))
    if len(found) != 1:
        raise Failure(f"{len(found)} symbols {demangled} in {program}")
    return found.pop()


def function(program, demangled):
    address, size = symbol(program, demangled)
    segments = _segments(program)

    def offset(at):
        return next(at - start + file for file, start, length in segments if start <= at < start + length)

    code = list(_instructions(program, address, address + size))
    returns, tail_calls, behind_check = [], [], None
    for place, (at, text) in enumerate(code):
        if text.startswith("ret"):
            returns.append(offset(at))
        jump = re.match(r"(j[a-z]+)\s+([0-9a-f]+)\b", text)
        if jump and jump.group(1) == "jmp" and not address <= int(jump.group(2), 16) < address + size:
            tail_calls.append(offset(at))
        elif jump and jump.group(1) != "jmp" and behind_check is None:
            behind_check = offset(code[place + 1][0])
    return Function(offset(address), returns, tail_calls, behind_check)


def label(program, name):
    """The file offset of a symbol of any kind."""
    for line in _lines("nm", program):
        words = line.split()
        if words[-1] == name:
            at = int(words[0], 16)
            return next(at - start + file for file, start, length in _segments(program) if start <= at < start + length)
    raise Failure(f"no {name} in {program}")
