# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Selectors: of two pairs of services with the same traffic, only the selected is counted."""

import os
import pathlib

from harness.agent import Agent
from harness.conversation import Conversation
from harness.processes import Failure, Skip
from harness.runner import also_inside_tls, cases
from harness.toolchain import PEERS, PYTHON


class Pairs:
    """Two servers and two clients. The suite's names for services are at hand before the processes are."""

    def __init__(self, t, tls=False):
        t.require_tapstat()
        self.servers = [t.agent(f"server{i}", tls=tls) for i in (1, 2)]
        self.clients = [t.agent(f"client{i}", tls=tls) for i in (1, 2)]
        self.listeners = [server.listen() for server in self.servers]

    def talk(self):
        """One connection with three messages each way, for each pair."""
        return [
            Conversation.opened(server, client, listener=listener).exchange(3).close()
            for server, client, listener in zip(self.servers, self.clients, self.listeners)
        ]

    def port(self, index):
        return self.listeners[index].getsockname()[1]


def only(t, pairs, options, servers=(), clients=()):
    """Traffic on both pairs under a tapstat with these options: just these servers and clients are counted."""
    tapstat = t.own_tapstat(*options)
    talks = pairs.talk()
    for role, agents, chosen in (("server", pairs.servers, servers), ("client", pairs.clients, clients)):
        for index, agent in enumerate(agents):
            if index in chosen:
                t.verify([talks[index].book], **{role: agent.service}, tapstat=tapstat)
    scrape = tapstat.scrape()
    for role, agents, chosen in (("server", pairs.servers, servers), ("client", pairs.clients, clients)):
        for index, agent in enumerate(agents):
            if index not in chosen and scrape.side(agent.service, role):
                raise Failure(f"{agent.service} is counted although {' '.join(options)} leaves it out")


SELECTORS = {
    "--pid": lambda pairs: ([f"--pid={pairs.servers[0].process.pid}"], {"servers": [0]}),
    "--pid twice": lambda pairs: (
        [f"--pid={pairs.servers[0].process.pid}", f"--pid={pairs.clients[1].process.pid}"],
        {"servers": [0], "clients": [1]},
    ),
    "--port": lambda pairs: ([f"--port={pairs.port(1)}"], {"servers": [1], "clients": [1]}),
    "--port twice": lambda pairs: (
        [f"--port={pairs.port(0)}", f"--port={pairs.port(1)}"],
        {"servers": [0, 1], "clients": [0, 1]},
    ),
    "--service": lambda pairs: ([f"--service={pairs.servers[1].service}"], {"servers": [1]}),
    "--comm": lambda pairs: (["--comm=pyth*"], {"servers": [0, 1], "clients": [0, 1]}),
    "--comm of nobody": lambda pairs: (["--comm=node"], {}),
    "--exe": lambda pairs: (["--exe=/usr/bin/python3*"], {"servers": [0, 1], "clients": [0, 1]}),
    "--exe of nobody": lambda pairs: (["--exe=/usr/bin/nod?"], {}),
    "--pid and --port of one": lambda pairs: (
        [f"--pid={pairs.servers[0].process.pid}", f"--port={pairs.port(0)}"],
        {"servers": [0]},
    ),
    "--pid and --port of different ones": lambda pairs: (
        [f"--pid={pairs.servers[0].process.pid}", f"--port={pairs.port(1)}"],
        {},
    ),
}


@also_inside_tls
@cases(SELECTORS)
def test_selector(t, selector, tls=False):
    pairs = Pairs(t, tls)
    options, chosen = selector(pairs)
    only(t, pairs, options, **chosen)


@cases(
    {"version 2": "/sys/fs/cgroup/unified", "version 1": "/sys/fs/cgroup/pids", "the unified mount": "/sys/fs/cgroup"}
)
def test_cgroup(t, mount):
    root = pathlib.Path(mount)
    if not (root / "cgroup.procs").exists():
        raise Skip(f"no cgroup hierarchy at {mount}")
    group = root / f"tapstat-e2e-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        raise Skip(f"cannot make a cgroup: {error}") from None
    t.callback(group.rmdir)
    pairs = Pairs(t)
    for agent in (pairs.servers[0], pairs.clients[1]):
        (group / "cgroup.procs").write_text(str(agent.process.pid))
        t.callback(agent.stop)
    only(t, pairs, [f"--cgroup={group}"], servers=[0], clients=[1])


def test_port_never_selects_unix_sockets(t):
    pairs = Pairs(t)
    tapstat = t.own_tapstat(f"--port={pairs.port(0)}")
    Conversation.opened(pairs.servers[1], pairs.clients[1], address=str(t.tmp / "socket")).exchange().close()
    pairs.talk()
    t.verify([], server=pairs.servers[1].service, client=pairs.clients[1].service, tapstat=tapstat)


def test_children_of_a_selected_process_are_not_selected_with_it(t):
    t.require_tapstat()
    parent = t.start(["/bin/sh", "-c", f"{PYTHON} {t.link(PEERS / 'agent.py', 'child')}; exit $?"], "shell")
    child = Agent(parent, t.service("child"))
    client = t.agent("client")
    listener = child.listen()
    tapstat = t.own_tapstat(f"--pid={parent.pid}", f"--pid={client.process.pid}")
    talk = Conversation.opened(child, client, listener=listener).exchange().close()
    t.verify([talk.book], client=client.service, tapstat=tapstat)
    if tapstat.scrape().side(child.service, "server"):
        raise Failure("a child of the process of --pid is counted")
