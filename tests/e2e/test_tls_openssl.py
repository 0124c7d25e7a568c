# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every way in which a program may call OpenSSL: peers/tls.c says what it sent, the dissector reads the same with the
session keys, and tapstat counts it once. The library may be shared or part of the program."""

import glob
import pathlib

from harness.processes import Skip, free_port
from harness.runner import cases
from harness.tls import Program, counted_once, verify_tls
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


def played(t, scene, build, attached_before=True):
    counted_once(Program(t, "tls", scene, build, attached_before), "openssl", SCENES[scene])


@cases({scene: scene for scene in SCENES})
def test_shared_library(t, scene):
    played(t, scene, SHARED)


@cases({scene: scene for scene in ("plain", "ex", "fork")})
def test_shared_library_of_a_program_that_ran_before(t, scene):
    played(t, scene, SHARED, attached_before=False)


@cases({scene: scene for scene in ("plain", "ex", "peek", "partial")})
def test_library_that_is_part_of_the_program(t, scene):
    played(t, scene, STATIC)


def test_library_that_is_part_of_a_program_that_ran_before(t):
    played(t, "plain", STATIC, attached_before=False)


def test_stripped_program_with_its_own_library_is_counted_as_not_visible(t):
    """Nothing leads to the functions in it."""
    program = Program(t, "tls", "clear", STRIPPED)
    program.play()
    verify_tls(program.tapstat, {("unknown", "no"): 2 * SCENES["clear"]})
    t.verify([], program.service, program.service, tapstat=program.tapstat, baseline=program.before)


# ---- BoringSSL ---------------------------------------------------------------------------------------------------


def boringssl():
    """How peers are built with Debian's, which is Android's."""
    paths = glob.glob("/usr/lib/*/android/libssl.so")
    if not paths or not pathlib.Path("/usr/include/android/openssl/is_boringssl.h").exists():
        raise Skip("android-libboringssl-dev is not installed")
    directory = pathlib.Path(paths[0]).parent
    options = ["-I/usr/include/android", f"-L{directory}", f"-Wl,-rpath,{directory}"]
    return {**SHARED, "variant": "boringssl", "options": options}


@cases({scene: scene for scene in SCENES if scene != "ex"})
def test_boringssl(t, scene):
    """It has no SSL_read_ex() and its like."""
    counted_once(Program(t, "tls", scene, boringssl()), "boringssl", SCENES[scene])


@cases({scene: scene for scene in ("plain", "fork")})
def test_boringssl_of_a_program_that_ran_before(t, scene):
    counted_once(Program(t, "tls", scene, boringssl(), attached_before=False), "boringssl", SCENES[scene])


# ---- TLS inside TLS ----------------------------------------------------------------------------------------------


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
