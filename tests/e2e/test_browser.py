# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Chromium as the client of a page that a Node server serves."""

from harness.peers import SERVERS
from harness.processes import Failure
from harness.runner import cases, options
from harness.toolchain import need

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-default-apps",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


@cases({"plain": "ws", "permessage-deflate": "ws with deflate"})
@options(timeout=90)
def test_chromium(t, kind):
    need("chromium")
    t.attach()
    server = SERVERS[kind](t)
    captured = t.capture(server.port)
    browser = t.start(
        [
            "chromium",
            *FLAGS,
            f"--user-data-dir={t.tmp}/profile",
            "--remote-debugging-port=0",
            f"http://127.0.0.1:{server.port}/",
        ],
        "chromium",
        env={"HOME": str(t.tmp)},
    )
    counts = server.process.ask({"do": "page"}, timeout=60)
    connections = captured.connections()
    if len(connections) != 4:
        raise Failure(f"the dissector sees {len(connections)} WebSocket connections, the page opened 4")
    browser.stop()
    compressed = kind == "ws with deflate"
    if compressed:
        counts = {key: value for key, value in counts.items() if not key.startswith("bytes.")}
    t.verify(connections, server.service, "chromium", {"client": counts, "server": server.report()})
