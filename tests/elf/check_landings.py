#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Landings that tapstat found in a library, checked against objdump: check_landings.py LIST LIBRARY

An instruction begins there, only plain ones that write no argument lie before it, the stack moved as told, and nothing
in the whole library jumps or calls between the entry and it.
"""

import bisect
import re
import subprocess
import sys

LINE = re.compile(r"^\s*([0-9a-f]+):\t(\S.*)$")
TARGET = re.compile(r"^([0-9a-f]+)(?: <|$)")
ARGUMENTS = {f"%{r}" for r in (
    "rdi edi di dil rsi esi si sil rdx edx dx dl dh rcx ecx cx cl ch "
    "r8 r8d r8w r8b r9 r9d r9w r9b").split()}
STACK = {"%rsp", "%esp", "%sp", "%spl"}
READS_ONLY = ("cmp", "test", "push", "nop", "endbr64", "bt ", "ucomis", "comis", "prefetch")
# Registers written that no operand names.
IMPLICIT = re.compile(r"^(rep|mul|imul|div|idiv|cqto|cltd|cpuid|rdtsc|xchg|xadd|cmpxchg|stos|movs[bwlq]? |lods|scas|"
                      r"cmps|syscall|int|sysenter|in |out|pop|leave|enter|xgetbv|loop|ud2|hlt|xbegin)")
PREFIXES = re.compile(r"^(bnd|notrack|lock|data16|cs|ds|addr32|rex\.\w+)\s+")


def disassemble(path):
    """Addresses of all instructions, and their text."""
    out = subprocess.run(["objdump", "-d", "-w", "--no-show-raw-insn", path], capture_output=True, text=True, check=True)
    code = {}
    for line in out.stdout.splitlines():
        if match := LINE.match(line):
            text = match[2].split("#")[0].strip()
            while PREFIXES.match(text):
                text = PREFIXES.sub("", text)
            code[int(match[1], 16)] = text
    return code


def is_jump(text):
    return text.startswith(("j", "loop", "call", "xbegin"))


def target(text):
    """Of a direct jump or call."""
    words = text.split(None, 1)
    match = TARGET.match(words[1]) if len(words) == 2 and is_jump(text) else None
    return int(match[1], 16) if match else None


def is_computed_jump(text):
    """Through a register, or a table."""
    return text.startswith("jmp") and bool(re.search(r"\*%|\*[^ ]*\(.*,", text))


def is_emulated(text):
    name = text.split()[0]
    if name == "push":
        return "%" in text and "(" not in text
    return name == "nop" or (is_jump(text) and target(text) is not None and not name.startswith(("loop", "jrcxz")))


def operands(text):
    words = text.split(None, 1)
    return re.split(r",(?![^(]*\))", words[1]) if len(words) == 2 else []


def walk(code, order, entry, landing):
    """The bytes that the stack moves from the entry to the landing; complaints as an exception."""
    moved = 0
    for at in order[bisect.bisect_left(order, entry):bisect.bisect_left(order, landing)]:
        text = code[at]
        if is_jump(text) or text.startswith(("ret", "(bad)")) or IMPLICIT.match(text):
            raise ValueError(f"passes {text}")
        to = operands(text)
        if text.startswith("push"):
            moved += 8
        elif to and to[-1] in STACK:
            number = re.match(r"(sub|add)\s+\$(0x[0-9a-f]+),%rsp$", text)
            if not number:
                raise ValueError(f"loses the stack pointer by {text}")
            value = int(number[2], 16)
            value -= (value >> 63) << 64
            moved += value if number[1] == "sub" else -value
        elif to and to[-1] in ARGUMENTS and not text.startswith(READS_ONLY):
            raise ValueError(f"comes behind {text}")
    return moved


def main():
    lister, library = sys.argv[1:]
    code = disassemble(library)
    order = sorted(code)
    # Tables lie among the code of libcrypto: what looks like a jump between two bytes of an instruction is none.
    jumped = sorted({t for text in code.values() if (t := target(text)) in code})
    listed = subprocess.run([lister, "landings", library], capture_output=True, text=True, check=True).stdout
    rows = [line.split(" ", 6) for line in listed.splitlines()]
    entries = sorted({int(row[0], 16) for row in rows})
    seen, emulated, moved_away, bad = set(), 0, 0, 0

    def between(places, entry, landing):
        return bisect.bisect_right(places, landing) - bisect.bisect_right(places, entry)

    def check(entry, size, landing, moved, told_emulated):
        if landing not in code:
            raise ValueError("no instruction begins there")
        if told_emulated != is_emulated(code[landing]) and (told_emulated or landing != entry):
            raise ValueError(f"emulated? {code[landing]}")
        if walk(code, order, entry, landing) != moved:
            raise ValueError("the stack moved otherwise")
        if landing == entry:
            return
        if between(jumped, entry, landing):
            raise ValueError("a jump leads between")
        if between(entries, entry, landing):
            raise ValueError("another function begins between")
        inside = order[bisect.bisect_left(order, entry):bisect.bisect_left(order, entry + size)]
        if any(is_computed_jump(code[at]) for at in inside):
            raise ValueError("computed jumps lead anywhere")

    for row in rows:
        entry, size, landing, moved, told, at_return = (
            int(row[0], 16), int(row[1], 16), int(row[2], 16), int(row[3]), row[4] == "1", int(row[5], 16))
        if entry in seen or entry not in code:
            continue
        seen.add(entry)
        emulated += told
        moved_away += landing != entry
        try:
            check(entry, size, landing, moved, told)
            check(entry, size, at_return, 0, is_emulated(code[at_return]))
        except (ValueError, KeyError) as why:
            print(f"  {row[6]} {entry:x} -> {landing:x}: {why}")
            bad += 1
    print(f"  {library}: {len(seen)} functions, {emulated} emulated, {moved_away} of them behind the entry, {bad} wrong")
    return 1 if bad or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
