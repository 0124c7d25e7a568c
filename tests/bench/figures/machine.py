# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the figures share: rows, quartiles, and what else uses this machine."""

import dataclasses
import json
import os
import shutil
import statistics
import subprocess
import time
from typing import Optional


BUSY = 0.1


class Unmeasured(Exception):
    """Why a figure could not be measured."""


@dataclasses.dataclass
class Row:
    name: str
    result: str
    target: str
    passed: Optional[bool]  # None: no target


def quartiles(values):
    """(first quartile, median, third quartile)"""
    values = sorted(values)
    return values[len(values) // 4], statistics.median(values), values[len(values) * 3 // 4]


def shown(values, form="{:+.0f}"):
    """Median and quartiles as text."""
    first, middle, third = (form.format(value) for value in quartiles(values))
    return f"{middle} [{first}..{third}]"


def cpus():
    """(for what is measured, for what drives it)"""
    usable = sorted(os.sched_getaffinity(0))
    return usable[-1], usable[0]


def bpftool(*arguments):
    """The answer of bpftool as Python objects."""
    command = shutil.which("bpftool", path=f"/usr/sbin:{os.environ.get('PATH', '')}")
    if not command:
        raise Unmeasured("bpftool is not installed")
    return json.loads(subprocess.run([command, "--json", *arguments], capture_output=True, check=True).stdout or "[]")


def foreign_hooks():
    """Whether hooks of tapstat are attached; asked only while no own ones are."""
    programs = {program["id"]: program.get("name", "") for program in bpftool("prog", "show")}
    return any(programs.get(link.get("prog_id"), "").startswith("ts_") for link in bpftool("link", "show"))


def busy():
    """The share of the CPUs' time that is in use while nothing is measured."""

    def read():
        with open("/proc/stat", encoding="ascii") as file:
            words = list(map(int, file.readline().split()[1:9]))
        return sum(words), words[3] + words[4]

    total, idle = read()
    time.sleep(0.5)
    total_then, idle_then = read()
    return 1 - (idle_then - idle) / max(1, total_then - total)


def wait_alone(seconds=60):
    """Waits until no other tapstat is attached and the CPUs are free; what is in the way if that didn't come to be."""
    deadline = time.monotonic() + seconds
    while True:
        share = busy()
        if foreign_hooks():
            obstacle = "other tapstat hooks are attached: added costs come out too low"
        elif share > BUSY:
            obstacle = f"other processes use {share:.0%} of the CPUs: figures of time are uncertain"
        else:
            return None
        if time.monotonic() > deadline:
            return obstacle
        time.sleep(1)
