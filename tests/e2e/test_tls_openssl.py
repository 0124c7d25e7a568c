# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every way in which a program may call OpenSSL: peers/tls.c says what it sent, the dissector reads the same with the
session keys, and tapstat counts it once. The library may be shared or part of the program."""

from harness.processes import Failure, free_port
from harness.runner import cases
from harness.tls import verify_tls
from harness.toolchain import c_program

SHARED = {"libraries": ["ssl", "crypto"]}
STATIC = {"libraries": [":libssl.a", ":libcrypto.a"], "variant": "static"}
STRIPPED = {**STATIC, "variant": "stripped", "options": ["-s"]}

# {scene of peers/tls.c: how many connections it opens}
SCENES = {
    "plain": 1,
    "ex": 1,
    "peek": 1,
    "little": 1,
    "retry": 1,
    "moving": 1,
    "partial": 1,
    "clear": 3,
    "free": 1,
    "fork": 1,
    "duplex": 1,
}


class Program:
    """peers/tls.c, about to play a scene, and a tapstat that watches it alone."""

    def __init__(self, t, scene, build, attached_before=True):
        t.require_tapstat()
        self.t = t
        self.service = t.service("tls")
        self.port = free_port()
        certificates = t.secure(self.port)
        path = t.copy(c_program("tls", **build), "tls")
        if attached_before:
            self.tapstat = t.own_tapstat(f"--exe={path}")
        self.process = t.start([path, self.port, certificates.both, scene], "tls")
        if not attached_before:
            self.tapstat = t.own_tapstat(f"--exe={path}")
        t.settle()
        self.before = self.tapstat.scrape()

    def play(self):
        """What it says that either role sent and received, as reports of both."""
        self.process.send_line("")
        report = self.process.answer()
        if self.process.wait():
            raise Failure(f"peers/tls.c: {self.process.errors()[-300:]}")
        return {"server": report, "client": report}


def counted_once(t, scene, connections, build, attached_before=True):
    program = Program(t, scene, build, attached_before)
    captured = t.capture(program.port)
    reports = program.play()
    dissected = captured.connections()
    if len(dissected) != connections:
        raise Failure(f"the dissector sees {len(dissected)} connections, not {connections}")
    service = program.service
    t.verify(dissected, service, service, reports, tapstat=program.tapstat, baseline=program.before)
    verify_tls(program.tapstat, {("openssl", "yes"): 2 * connections})


@cases({scene: (scene, connections) for scene, connections in SCENES.items()})
def test_shared_library(t, scene):
    counted_once(t, *scene, SHARED)


@cases({scene: (scene, SCENES[scene]) for scene in ("plain", "ex", "fork")})
def test_shared_library_of_a_program_that_ran_before(t, scene):
    counted_once(t, *scene, SHARED, attached_before=False)


@cases({scene: (scene, SCENES[scene]) for scene in ("plain", "ex", "peek", "partial")})
def test_library_that_is_part_of_the_program(t, scene):
    counted_once(t, *scene, STATIC)


def test_library_that_is_part_of_a_program_that_ran_before(t):
    counted_once(t, "plain", 1, STATIC, attached_before=False)


def test_stripped_program_with_its_own_library_is_counted_as_not_visible(t):
    """Nothing leads to the functions in it."""
    program = Program(t, "clear", STRIPPED)
    program.play()
    verify_tls(program.tapstat, {("unknown", "no"): 2 * SCENES["clear"]})
    t.verify([], program.service, program.service, tapstat=program.tapstat)


def test_inside_tls_inside_tls_each_frame_is_counted_once(t):
    """The outer connection's plaintext is records of the inner one, whose own are nowhere but in memory."""
    t.attach()
    port = free_port()
    path = t.copy(c_program("tls", **SHARED), "tls")
    certificates = t.secure(port)
    process = t.start([path, port, certificates.both, "nested"], "tls")
    t.settle()
    process.send_line("")
    report = process.answer()
    service = t.service("tls")
    if t.module.with_tapstat:
        t.verify_reports(1, service, service, {"server": report, "client": report})
