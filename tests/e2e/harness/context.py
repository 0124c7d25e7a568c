# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a test is given: a directory, processes that end with it, tapstat, and the comparison of all counts."""

import contextlib
import os
import pathlib
import re
import shutil
import time
import zlib

from . import expect
from .agent import Agent
from .capture import Capture
from .certificates import certificates
from .metrics import sample
from .processes import Failure, Process, Skip
from .tapstat import Tapstat
from .toolchain import PEERS, PYTHON, node_modules

# Totals that must not move during a test, unless it says so.
_QUIET = ("tapstat_unparsed_bytes_total", "tapstat_dropped_total")


# tapstat keeps at most 128 services apart, and a test names two or three.
TESTS_OF_ONE_TAPSTAT = 25

# Seconds after the start of a program by which tapstat has found the TLS library in it.
ATTACHING = 0.5


class Module:
    """What the tests of one file share: a tapstat that is attached before their traffic."""

    def __init__(self, directory, with_tapstat):
        self.directory = directory
        self.with_tapstat = with_tapstat
        self._tapstat = None
        self._tests = 0
        self._kept = {}  # what tests share besides, by a name

    def next_test(self):
        """Between two tests: ends a tapstat that has served its share or has ended by itself."""
        self._tests += 1
        if self._tapstat and (self._tests > TESTS_OF_ONE_TAPSTAT or self._tapstat.process.exit_status() is not None):
            self.close()

    def tapstat(self):
        if not self._tapstat:
            self._tests = 1
            started = Tapstat(self.directory)
            try:
                self._tapstat = started.wait_ready()
            except Failure:
                started.stop()
                raise
        return self._tapstat

    def keep(self, name, make):
        """What `make` made at the first call with this name; its stop() is called at the end of the file."""
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    def close(self):
        if self._tapstat:
            self._tapstat.stop()
            self._tapstat = None

    def end(self):
        """Behind the last test."""
        self.close()
        for kept in self._kept.values():
            kept.stop()
        self._kept.clear()


_RUN = os.getpid()


def short_name(name):
    """A test's name as part of file and service names: short enough for AF_UNIX paths, and no other test's or run's."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return f"{slug[:30]}-{zlib.crc32(f'{_RUN} {name}'.encode()):08x}"


class Context:
    """One test's view; its own names for services keep its counts apart from every other test's."""

    def __init__(self, name, module, directory):
        self.name = name
        self.tmp = pathlib.Path(directory)
        self.module = module
        self._stack = contextlib.ExitStack()
        self._slug = short_name(name)
        self._started = 0
        self._baseline = None
        self._noisy = set()
        self._attached = False  # whether a tapstat watches
        self._certificates = None
        self._secure_ports = set()
        self.environment = {}  # of every process that the test starts from now on

    def close(self):
        self._stack.close()

    # ---- processes ---------------------------------------------------------------------------------------

    def service(self, label):
        """The service name of this test's peer."""
        return f"{self._slug}-{label}"

    def start(self, argv, label="process", env=None, **options):
        """A process that ends with the test at the latest."""
        self._started += 1
        log = self.tmp / f"{self._started}-{label}.log"
        process = Process(argv, log, env={**self.environment, **(env or {})}, **options)
        self._stack.callback(process.stop)
        return process

    def secure(self, port=None):
        """The certificates. From here on the test's processes trust their authority and note their session keys, with
        which the dissector reads what goes to this port."""
        if not self._certificates:
            self._certificates = certificates(self.module.directory)
            self.environment.update(self._certificates.trust())
            self.environment.update(SSLKEYLOGFILE=str(self._keys), NODE_OPTIONS=f"--tls-keylog={self._keys}")
        if port:
            self._secure_ports.add(port)
        return self._certificates

    def serve_secure(self, port, tls=True):
        """The environment that has a peer serve TLS at this port; empty unless `tls`."""
        return {"E2E_CERTIFICATE": str(self.secure(port).both)} if tls else {}

    @property
    def _keys(self):
        return self.tmp / "session-keys"

    def settle(self):
        """Gives tapstat the moment that it takes to find the TLS library of a program that has just begun."""
        if self._certificates and self._attached:
            time.sleep(ATTACHING)

    def link(self, script, label):
        """The script under the name that makes it this test's service."""
        path = self.tmp / f"{self.service(label)}{pathlib.Path(script).suffix}"
        if not path.exists():
            path.symlink_to(script)
        return path

    def copy(self, program, label):
        """The executable under the name that makes it this test's service."""
        path = self.tmp / self.service(label)
        if not path.exists():
            shutil.copy2(program, path)
        return path

    def node(self, script, label, *arguments, env=None):
        """A Node peer as its own service."""
        environment = {"E2E_NODE_MODULES": str(node_modules()), **(env or {})}
        return self._peer(["node", self.link(PEERS / script, label), *arguments], label, environment)

    def python(self, script, label, *arguments, env=None):
        """A Python peer as its own service."""
        return self._peer([PYTHON, self.link(PEERS / script, label), *arguments], label, env)

    def program(self, path, label, *arguments, env=None):
        """A compiled peer as its own service."""
        return self._peer([self.copy(path, label), *arguments], label, env)

    def agent(self, label, prefix=(), tls=False):
        """A process whose sockets the test works by hand, as its own service; `tls`: inside TLS."""
        certificates = self.secure() if tls else None
        argv = [*prefix, PYTHON, "-S", "-E", self.link(PEERS / "agent.py", label), *["tls"] * tls]
        return Agent(self._peer(argv, label), self.service(label), certificates)

    def _peer(self, argv, label, env=None):
        process = self.start(argv, label, env=env)
        self.settle()
        return process

    def callback(self, function, *arguments):
        self._stack.callback(function, *arguments)

    # ---- tapstat and its oracles -------------------------------------------------------------------------

    @property
    def tapstat(self):
        """The tapstat of the module, attached before."""
        self.require_tapstat()
        tapstat = self.module.tapstat()
        self._attached = True
        if not self._baseline:
            self._baseline = tapstat.scrape()
        return tapstat

    @property
    def baseline(self):
        """How tapstat stood when the test first asked for it."""
        return self.tapstat and self._baseline

    def require_tapstat(self):
        if not self.module.with_tapstat:
            raise Skip("run without tapstat")

    def own_tapstat(self, *options, **keywords):
        """A further tapstat, from now on."""
        self.require_tapstat()
        tapstat = Tapstat(self.tmp, *options, **keywords)
        self._stack.callback(tapstat.stop)
        self._attached = True
        return tapstat.wait_ready()

    def attach(self):
        """Sees to it that tapstat is attached before the traffic."""
        if self.module.with_tapstat:
            assert self.tapstat

    def allow_unparsed(self, *reasons):
        """Reasons that tapstat_unparsed_bytes_total may give in this test."""
        self._noisy.update(reasons)

    def capture(self, *ports):
        """A capture of these ports, running; None where the suite is told to do without the dissector."""
        if os.environ.get("E2E_WITHOUT_DISSECTOR"):
            return None
        capture = Capture(self.tmp, ports, self._secure_ports, self._keys)
        self._stack.callback(capture.abandon)
        return capture

    def verify(self, connections, server=None, client=None, reports=None, adjust=None, tapstat=None, baseline=None):
        """Compares every count of the services with these connections, and those with what the peers report.

        `reports` maps a role to what its peer counted itself, `adjust` a role to samples by which the service
        differs from the wire for a reason of the test. `tapstat` is asked for what it counted since `baseline`;
        otherwise that of the module for what it counted since the test began."""
        expected = {}
        for role in ("server", "client"):
            expected[role] = expect.side_counts(connections, role)
            for key, value in ((reports or {}).get(role) or {}).items():
                ((name, count),) = expect.peer_samples({key: value}).items()
                if count != expected[role].get(name, 0):
                    raise Failure(f"the {role} counted {name} {count}, the wire {expected[role].get(name, 0)}")
            for name, difference in ((adjust or {}).get(role) or {}).items():
                expected[role][name] += difference
        if not self.module.with_tapstat:
            return None
        scrape = None
        for role, service in (("server", server), ("client", client)):
            if service:
                if tapstat:
                    scrape = tapstat.verify(service, role, expected[role], baseline)
                else:
                    scrape = self.tapstat.verify(service, role, expected[role], self._baseline)
        if baseline:
            self.check_quiet(tapstat, baseline)
        return scrape

    def verify_reports(self, connections, server, client, reports):
        """Where there was no capture: compares what the peers report of themselves, and that so many connections
        opened and closed."""
        sides = {"server": server, "client": client}
        scrape = self.tapstat.settled(*((service, role) for role, service in sides.items()))
        for role, service in sides.items():
            expected = expect.peer_samples(reports[role])
            expected.update({sample("ws_connections_total", status=s): connections for s in ("opened", "closed")})
            side = scrape.side(service, role)
            wrong = expect.differences(expected, {name: side.get(name, 0) for name in expected})
            if wrong:
                raise Failure(f"{service}/{role}: " + "; ".join(wrong))

    def check_quiet(self, tapstat=None, baseline=None):
        """Nothing was left unparsed or dropped that the test does not expect, since the test began or `baseline`."""
        before = baseline or self._baseline
        if not before:
            return
        after = (tapstat or self.tapstat).scrape()
        moved = []
        for name in _QUIET:
            for labels, value in after.select(name).items():
                difference = value - (before.value(name, **dict(labels)) or 0)
                if difference and dict(labels).get("reason") not in self._noisy:
                    moved.append(f"{sample(name, **dict(labels))} rose by {difference:g}")
        if moved:
            strangers = self._active_strangers(before, after)
            told = f" (WebSocket services of others were active, too: {', '.join(strangers)})" if strangers else ""
            raise Failure("; ".join(moved) + told)

    def skipped_runs(self):
        """Runs of the hooks that the kernel left out since the test began, as tapstat counts them."""
        if not self._baseline:
            return 0
        name, labels = "tapstat_dropped_total", {"reason": "recursion"}
        return self.tapstat.scrape().value(name, **labels) - self._baseline.value(name, **labels)

    def _active_strangers(self, before, after):
        """Services that are not this test's and whose frames rose: what they do counts in tapstat's own totals."""
        names = {dict(labels)["service"] for labels in after.select("ws_frames_received_total")}
        return sorted(
            name
            for name in names
            if not name.startswith(self._slug)
            and after.total("ws_frames_received_total", service=name)
            != before.total("ws_frames_received_total", service=name)
        )[:5]
