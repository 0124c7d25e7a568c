# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Peers that are built or installed before they run, kept in a cache outside the tree."""

import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess

from .processes import Skip

SUITE = pathlib.Path(__file__).resolve().parents[1]
PEERS = SUITE / "peers"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "tapstat" / "e2e"
PYTHON = "/usr/bin/python3"
CRATES = pathlib.Path("/usr/share/cargo/registry")
TOMCAT_JARS = [
    "tomcat10-catalina",
    "tomcat10-coyote",
    "tomcat10-juli",
    "tomcat10-util",
    "tomcat10-util-scan",
    "tomcat10-servlet-api",
    "tomcat10-annotations-api",
    "tomcat10-api",
    "tomcat10-jni",
    "tomcat10-jaspic-api",
    "tomcat10-websocket",
    "tomcat10-websocket-api",
    "tomcat10-websocket-client-api",
    "tomcat10-el-api",
]


def need(*commands):
    """Skips the test unless all of these commands are installed."""
    for command in commands:
        if not shutil.which(command):
            raise Skip(f"{command} is not installed")


def _run(what, argv, **options):
    result = subprocess.run(
        [str(word) for word in argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        **options,
    )
    if result.returncode:
        raise Skip(f"{what}: {' '.join(result.stdout.decode(errors='replace').split())[-300:]}")


def _made(name, sources, make):
    """The path CACHE/name-HASH, made by make(path) unless it is there for just these sources."""
    digest = hashlib.sha256(b"\0".join(pathlib.Path(source).read_bytes() for source in sources)).hexdigest()[:16]
    target = CACHE / f"{name}-{digest}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            for stale in CACHE.glob(f"{name}-" + "?" * 16):
                shutil.rmtree(stale)
            making = CACHE / f"{name}.new"
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir()
            make(making)
            making.rename(target)
    return target


def node_modules():
    """The directory of the npm packages in package-lock.json, installed at the first call."""
    need("node", "npm")
    manifest, lock = SUITE / "package.json", SUITE / "package-lock.json"

    def install(directory):
        shutil.copy(manifest, directory)
        shutil.copy(lock, directory)
        _run("npm ci failed", ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=directory)

    return _made("node", [manifest, lock], install) / "node_modules"


def _node(version):
    directory = node_modules() / f"node{version}" / "bin"
    if not directory.exists():
        raise Skip(f"npm has no Node {version} for this machine")
    return directory


def node16():
    """The directory of Node 16's executable, one of those packages, which holds OpenSSL 1.1."""
    return _node(16)


def node22():
    """The executable of Node 22, likewise, which holds SQLite."""
    return _node(22) / "node"


def c_program(name, libraries=(), variant="", options=()):
    """The path of peers/NAME.c, built by $CC; `variant` tells builds with other libraries and options apart."""
    source = PEERS / f"{name}.c"
    flags = ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", *options]

    def build(directory):
        compiler = os.environ.get("CC", "cc")
        need(compiler)
        _run(
            f"{compiler} {name}.c failed",
            [compiler, *flags, "-o", directory / name, source, "-pthread", *(f"-l{library}" for library in libraries)],
        )

    return _made("-".join(filter(None, ("c", name, variant))), [source, *sorted(PEERS.glob("*.h"))], build) / name


def cxx_program(name, libraries=(), variant=""):
    """The path of peers/NAME.cc, built by $CXX; `variant` as above."""
    source = PEERS / f"{name}.cc"
    flags = ["-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread"]

    def build(directory):
        compiler = os.environ.get("CXX", "c++")
        need(compiler)
        _run(
            f"{compiler} {name}.cc failed",
            [compiler, *flags, "-o", directory / name, source, *(f"-l{library}" for library in libraries)],
        )

    return _made("-".join(filter(None, ("cxx", name, variant))), [source], build) / name


def rust_program(name):
    """The path of peers/NAME.rs."""
    need("rustc")
    source = PEERS / f"{name}.rs"
    command = ["rustc", "--edition=2021", "-O", "-Awarnings", source]
    return (
        _made(f"rust-{name}", [source], lambda made: _run(f"rustc {name}.rs failed", [*command, "-o", made / name]))
        / name
    )


def cargo_program(name, crates, stripped=False):
    """The path of peers/NAME.rs, built for release with these crates of Debian's, {name: version}."""
    need("cargo")
    for crate, version in crates.items():
        if not list(CRATES.glob(f"{crate}-{version}*")):
            raise Skip(f"the crate {crate} {version} is not installed")
    source = PEERS / f"{name}.rs"
    manifest = [
        f'package = {{name = "{name}", version = "0.0.0", edition = "2021"}}',
        f'bin = [{{name = "{name}", path = "{source}"}}]',
        f"profile.release.strip = {str(stripped).lower()}",
        *(f'dependencies.{crate} = "{version}"' for crate, version in crates.items()),
    ]
    options = [
        "--config=source.crates-io.replace-with='debian'",
        f"--config=source.debian.directory='{CRATES}'",
    ]

    def build(directory):
        (directory / "Cargo.toml").write_text("\n".join(manifest))
        target = directory / "target"
        _run(
            f"cargo build {name}.rs failed",
            ["cargo", "build", "--quiet", "--release", "--offline", f"--target-dir={target}", *options],
            cwd=directory,
            env={**os.environ, "CARGO_HOME": str(directory / "home")},
        )
        (target / "release" / name).rename(directory / name)
        shutil.rmtree(target)

    return _made(f"cargo-{name}{'-stripped' * stripped}", [source], build) / name


def go_program(name, stripped=False):
    """The path of peers/NAME.go, built against Debian's libraries."""
    need("go")
    flags = ["-ldflags=-s -w"] if stripped else []
    source = PEERS / f"{name}.go"
    build = {**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "", "CGO_ENABLED": "0"}
    return (
        _made(
            f"go-{name}{'-stripped' * stripped}",
            [source],
            lambda directory: _run(
                f"go build {name}.go failed",
                ["go", "build", *flags, "-o", directory / name, source],
                env={"GOCACHE": str(CACHE / "go-build"), **build},
            ),
        )
        / name
    )


def jar(name, jars=()):
    """The path of a runnable jar of peers/NAME.java, which uses these jars of Debian."""
    need("javac", "jar")
    source = PEERS / f"{name}.java"
    paths = [pathlib.Path("/usr/share/java") / f"{library}.jar" for library in jars]
    for path in paths:
        if not path.exists():
            raise Skip(f"{path.name} is not installed")

    def build(directory):
        _run(
            f"javac {name}.java failed",
            [
                "javac",
                "-Xlint:all,-processing,-path,-classfile",
                "-cp",
                ":".join(map(str, paths)),
                "-d",
                directory,
                source,
            ],
        )
        manifest = directory / "manifest"
        # A line of a manifest holds 72 bytes; the next begins with a space.
        manifest.write_text(f"Main-Class: {name}\n" + "Class-Path:" + "".join(f" {path.as_uri()} \n" for path in paths))
        _run(f"jar of {name} failed", ["jar", "cfm", directory / f"{name}.jar", manifest, "-C", directory, "."])

    return _made(f"java-{name}", [source], build) / f"{name}.jar"
