# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The exporter from outside: HTTP, signals, wrong usage, missing privileges."""

import gzip
import http.client
import json
import re
import signal
import socket
import subprocess
import time

from harness.conversation import Conversation
from harness.metrics import Scrape
from harness.processes import Failure, Skip, free_port
from harness.runner import cases, options
from harness.tapstat import BINARY, ROOT, Tapstat, fetch
from harness.toolchain import need


def check(condition, message):
    if not condition:
        raise Failure(message)


def tapstat_command(t, *arguments, prefix=(), binary=BINARY, timeout=20.0):
    """(status, output, errors) of a tapstat that ends by itself."""
    t.require_tapstat()
    result = subprocess.run(
        [*prefix, str(binary), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return result.returncode, result.stdout, result.stderr


@cases(
    {
        "text by default": (None, "text/plain; version=0.0.4"),
        "OpenMetrics when asked for": (
            "application/openmetrics-text; version=1.0.0,text/plain;q=0.5",
            "application/openmetrics-text; version=1.0.0",
        ),
        "text when preferred": (
            "text/plain;version=0.0.4;q=1,application/openmetrics-text;q=0.2",
            "text/plain; version=0.0.4",
        ),
    }
)
def test_content_negotiation(t, negotiation):
    accept, expected = negotiation
    status, headers, body = fetch(t.tapstat.port, headers={"Accept": accept} if accept else {})
    check(status == 200, f"status {status}")
    kind = headers.get("Content-Type", "")
    check(kind.startswith(expected), f"Content-Type {kind!r}, expected {expected!r}")
    check(body.endswith(b"# EOF\n") == expected.startswith("application/openmetrics"), "# EOF where it does not belong")


def test_gzip_when_asked_for(t):
    status, headers, body = fetch(t.tapstat.port, headers={"Accept-Encoding": "gzip"})
    check(status == 200 and headers.get("Content-Encoding") == "gzip", f"status {status}, headers {headers}")
    check(Scrape(gzip.decompress(body).decode()).select("tapstat_build_info"), "no tapstat_build_info in the answer")
    _, headers, _ = fetch(t.tapstat.port, headers={"Accept-Encoding": "identity"})
    check("Content-Encoding" not in headers, "compressed although not asked for")


@cases(
    {
        path: (path, status)
        for path, status in (("/", 200), ("/-/healthy", 200), ("/-/ready", 200), ("/absent", 404), ("/metrics/", 404))
    }
)
def test_path(t, path_and_status):
    path, expected = path_and_status
    status, _, body = fetch(t.tapstat.port, path)
    check(status == expected, f"GET {path} answers {status}, expected {expected}")
    if path == "/":
        check(b"/metrics" in body, "the page for people has no link to /metrics")


def test_methods(t):
    status, _, body = fetch(t.tapstat.port, method="HEAD")
    check(status == 200 and not body, f"HEAD answers {status} and {len(body)} bytes")
    status, _, _ = fetch(t.tapstat.port, method="POST")
    check(status == 405, f"POST answers {status}, expected 405")


def test_promtool_finds_nothing_to_criticise(t):
    need("promtool")
    text = t.tapstat.scrape().text
    result = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    check(
        result.returncode == 0 and not result.stderr and not result.stdout,
        f"promtool: {(result.stdout + result.stderr)[-600:]}",
    )


def test_every_family_is_in_the_catalog_and_has_help_and_type(t):
    scrape = t.tapstat.scrape()
    status, output, _ = tapstat_command(t, "catalog", "--format=json")
    check(status == 0, f"tapstat catalog ends with {status}")
    catalog = json.loads(output)
    names = {family["name"] for family in (catalog if isinstance(catalog, list) else catalog["families"])}
    check(set(scrape.types) <= names, f"exposed but not in the catalog: {sorted(set(scrape.types) - names)}")
    helped = set(re.findall(r"^# HELP (\S+) \S", scrape.text, re.MULTILINE))
    check(helped == set(scrape.types), f"HELP and TYPE differ: {sorted(helped ^ set(scrape.types))}")


def test_every_line_is_a_sample_and_none_comes_twice(t):
    server, client = t.agent("server"), t.agent("client")
    t.attach()
    Conversation.opened(server, client).exchange().close()
    check(t.tapstat.settled((server.service, "server")).samples(), "no samples")


def test_hooks_are_attached_and_memory_is_told(t):
    scrape = t.tapstat.scrape()
    hooks = scrape.select("tapstat_hook_attached")
    check(hooks and any(hooks.values()), f"tapstat_hook_attached: {hooks}")
    ceiling = scrape.value("tapstat_memory_ceiling_bytes")
    check(ceiling and ceiling > 0, f"tapstat_memory_ceiling_bytes: {ceiling}")
    full = [
        labels
        for labels, entries in scrape.select("tapstat_map_entries").items()
        if entries > (scrape.value("tapstat_map_max_entries", **dict(labels)) or entries)
    ]
    check(not full, f"more entries than there is room for: {full}")


@cases({"SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT})
def test_ends_cleanly_on(t, number):
    tapstat = t.own_tapstat()
    tapstat.process.signal(number)
    status = tapstat.process.wait(10)
    check(status == 0, f"exit status {status}")


def test_address_that_is_taken(t):
    t.require_tapstat()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, _, errors = tapstat_command(t, "serve", f"--web.listen-address=127.0.0.1:{port}")
    check(status == 1, f"exit status {status}, expected 1")
    check(f"127.0.0.1:{port}" in errors, f"the message does not name the address: {errors[-300:]}")


def test_not_root(t):
    need("setpriv")
    t.require_tapstat()
    binary = t.copy(BINARY, "tapstat")  # the tree may be closed to other users
    status, _, errors = tapstat_command(
        t,
        "serve",
        f"--web.listen-address=127.0.0.1:{free_port()}",
        binary=binary,
        prefix=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
    )
    check(status == 1, f"exit status {status}, expected 1")
    check(re.search(r"root|CAP_|privilege", errors), f"the message does not say what is missing: {errors[-300:]}")


WRONG = {
    "no command": [],
    "unknown command": ["observe"],
    "unknown option": ["serve", "--web.listen"],
    "argument too many": ["serve", "now"],
    "address without a port": ["serve", "--web.listen-address=127.0.0.1"],
    "port out of range": ["serve", "--web.listen-address=127.0.0.1:70000"],
    "path without a slash": ["serve", "--web.telemetry-path=metrics"],
    "hook of no kind": ["serve", "--hooks=magic"],
    "no number of connections": ["serve", "--max-connections=many"],
    "level of no kind": ["serve", "--log.level=loud"],
    "pid of no process": ["serve", "--pid=x"],
    "port that is none": ["serve", "--port=0"],
    "format of no kind": ["catalog", "--format=xml"],
    "configuration that is absent": ["serve", "--config.file=/nonexistent/config.yml"],
    "configuration without a name": ["serve", "--config.file="],
    "nothing to check": ["check"],
    "two files to check": ["check", "/dev/null", "/dev/null"],
    "check with an option": ["check", "--all"],
}


@cases(WRONG)
def test_wrong_usage(t, arguments):
    status, _, errors = tapstat_command(t, *arguments)
    check(status == 2, f"exit status {status}, expected 2; standard error: {errors[-200:]!r}")
    check(errors.strip(), "nothing on standard error")


@cases({name: name for name in ("serve", "doctor", "catalog", "check", "version")})
def test_help(t, command):
    status, output, errors = tapstat_command(t, command, "--help")
    check(status == 0 and not errors, f"exit status {status}, standard error {errors!r}")
    check(re.search(r"example", output, re.IGNORECASE), "no examples in the help")


@cases({"doctor": ["doctor"], "version": ["version"], "catalog": ["catalog"], "help": ["--help"]})
def test_command_that_ends(t, arguments):
    status, output, _ = tapstat_command(t, *arguments)
    check(status == 0 and output.strip(), f"exit status {status}, output {output[:100]!r}")


def test_other_telemetry_path(t):
    tapstat = t.own_tapstat("--web.telemetry-path=/tapstat")
    status, _, body = fetch(tapstat.port, "/tapstat")
    check(status == 200 and b"tapstat_build_info" in body, f"GET /tapstat answers {status}")
    check(fetch(tapstat.port)[0] == 404, "GET /metrics is answered, too")


def test_two_addresses(t):
    other = free_port()
    tapstat = t.own_tapstat(f"--web.listen-address=127.0.0.1:{other}")
    for port in (tapstat.port, other):
        check(fetch(port)[0] == 200, f"no answer on port {port}")


@cases({"logfmt": "logfmt", "json": "json"})
def test_log_format(t, kind):
    t.require_tapstat()
    tapstat = Tapstat(t.tmp, f"--log.format={kind}")
    t.callback(tapstat.stop)
    deadline = time.monotonic() + 30
    while "listening" not in tapstat.process.errors():
        check(time.monotonic() < deadline and tapstat.process.exit_status() is None, tapstat.process.errors()[-300:])
        time.sleep(0.05)
    for line in tapstat.process.errors().splitlines():
        if kind == "json":
            check(json.loads(line).get("msg"), f"no msg in {line!r}")
        else:
            check(re.match(r'(\w+=("(\\.|[^"\\])*"|[^ "]*) ?)+$', line), f"not logfmt: {line!r}")


@options(timeout=90)
def test_slow_and_hostile_clients_do_not_hold_it_up(t):
    tapstat = t.own_tapstat()
    idle = []
    for _ in range(200):
        try:
            idle.append(socket.create_connection(("127.0.0.1", tapstat.port), timeout=2))
            idle[-1].sendall(b"GET /metrics HTTP/1.1\r\nX: ")
        except OSError:
            break
    t.callback(lambda: [client.close() for client in idle])
    began = time.monotonic()

    def answered():
        try:
            return fetch(tapstat.port, timeout=5)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    while not answered():
        check(time.monotonic() - began < 40, "no scrape is answered any more while 200 clients idle")
        time.sleep(0.5)
    for hostile in (
        b"GET /metrics HTTP/1.1\r\n" + b"A: b\r\n" * 100_000 + b"\r\n",
        b"\0" * 100_000,
        b"GET " + b"/" * 200_000 + b" HTTP/1.1\r\n\r\n",
        b"POST /metrics HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", tapstat.port), timeout=5) as client:
            try:
                client.sendall(hostile)
                client.recv(100)
            except OSError:
                pass
    check(answered() and tapstat.process.exit_status() is None, "no answer after hostile requests")


def test_metrics_of_the_documentation_are_those_of_the_binary(t):
    document = ROOT / "docs" / "metrics.md"
    if not document.exists():
        raise Skip("docs/metrics.md is not there yet")
    status, output, _ = tapstat_command(t, "catalog", "--format=markdown")
    check(status == 0 and output.strip() in document.read_text(), "docs/metrics.md is not what tapstat catalog says")
