# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The near end of peers/agent.py: its sockets look like sockets here."""

import io
import os
import pickle
import select
import time

from .processes import Failure


class Remote:
    """An object in the agent; every method is called there."""

    def __init__(self, agent, number):
        self.agent = agent
        self.number = number

    def __getattr__(self, method):
        return lambda *arguments, **keywords: self.agent.call(self.number, method, arguments, keywords)


class Agent(Remote):
    """The agent's toolbox: listen(), connect(), socket(), pair(). Errors of sockets are raised here as OSError."""

    TIMEOUT = 20.0

    def __init__(self, process, service, certificates=None):
        super().__init__(self, 0)
        self.process = process
        self.service = service
        self.certificates = certificates  # of an agent that talks inside TLS

    def call(self, number, method, arguments=(), keywords=None):
        self.begin(Remote(self, number), method, *arguments, **(keywords or {}))
        return self.finish()

    def begin(self, target, method, *arguments, **keywords):
        """Starts a call without waiting for its end, finish()."""
        stream = io.BytesIO()
        pickler = pickle.Pickler(stream)
        pickler.persistent_id = lambda value: value.number if isinstance(value, Remote) else None
        pickler.dump((target, method, arguments, keywords))
        request = stream.getvalue()
        try:
            self._write(len(request).to_bytes(4, "big") + request)
        except BrokenPipeError:
            raise Failure(f"agent {self.service} ended: {self.process.errors()[-400:]}") from None

    def finish(self, timeout=TIMEOUT):
        """The result of the call that began."""
        deadline = time.monotonic() + timeout
        answer = self._read(int.from_bytes(self._read(4, deadline), "big"), deadline)
        unpickler = pickle.Unpickler(io.BytesIO(answer))
        unpickler.persistent_load = lambda number: Remote(self, number)
        kind, value = unpickler.load()
        if kind == "error":
            raise value
        return value

    def connect_to(self, server):
        """A connection to a server of servers.py, inside TLS if it serves that."""
        near = self.connect(server.path or ("127.0.0.1", server.port))
        return near.secure_client(str(server.certificates.authority)) if server.certificates else near

    def stop(self):
        self.process.stop()

    def _write(self, data):
        view = memoryview(data)
        while view:
            view = view[self.process.stdin.write(view) :]

    def _read(self, count, deadline):
        data = b""
        descriptor = self.process.stdout.fileno()
        while len(data) < count:
            ready, _, _ = select.select([descriptor], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise Failure(f"agent {self.service} does not answer")
            more = os.read(descriptor, count - len(data))
            if not more:
                raise Failure(f"agent {self.service} ended: {self.process.errors()[-400:]}")
            data += more
        return data
