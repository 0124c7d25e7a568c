# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""HTTP/1.x: every request is counted once at each end with its method, endpoint and final status, equal to what the
dissector finds, to what the clients saw and to nginx's own count."""

import collections
import random
import re
import time

from harness.conversation import MASK, REQUEST
from harness.processes import Failure, wait_until
from harness.requests import agree, http, verify_http, verify_sizes, verify_values
from harness.runner import also_inside_tls, cases
from harness.servers import command, nginx, node_http, peer, python_http
from harness.toolchain import need

FLOOD = 20_000
HUGE = 100 << 20


def get(**counts):
    """{("GET", "/" + name, "200"): count}."""
    return collections.Counter({("GET", f"/{name}", "200"): count for name, count in counts.items()})


def seen(client):
    """What a client peer says: {(method, target, status): count}."""
    return collections.Counter({tuple(key.split(" ")): n for key, n in client.ask({"do": "counts"}).items()})


def captured(capture, expected, port=None):
    """The exchanges of the dissector are these."""
    if capture:
        agree("the dissector and the script", capture.http(port), expected)


def both(t, server, client, expected, **options):
    """The server's and the client's side have these requests."""
    verify_http(t, server, "server", expected, **options)
    return verify_http(t, client, "client", expected, **options)


def curl(t, server, *arguments, label="client", **options):
    """curl as a service of the test: its output."""
    return command(t, "curl", label, "-sS", "--max-time", 30, *arguments, **options)


def urls(server, *paths):
    scheme = "https" if server.certificates else "http"
    return [f"{scheme}://127.0.0.1:{server.port}{path}" for path in paths]


def hand(t, server, label="client"):
    """A connection that the test works by hand, of an agent: (agent, socket)."""
    agent = t.agent(label, tls=bool(server.certificates))
    return agent, agent.connect_to(server)


def python_client(t, server):
    """peers/http_client.py with this server."""
    scheme = ["https"] if server.certificates else []
    return peer(t, "http_client.py", "client", "127.0.0.1", server.port, *scheme)


def until(near, pattern, count=1):
    """Reads until this has come so many times; returns the bytes."""
    data = b""
    while len(re.findall(pattern, data)) < count:
        more = near.recv(1 << 20)
        if not more:
            raise Failure(f"the server ends the connection: {data[-300:]!r}")
        data += more
    return data


def files(server, **sizes):
    """Files of these sizes, and a small one without a size given."""
    for name, size in sizes.items():
        (server.files / name).write_bytes(random.Random(size).randbytes(size))


def stub_status(server, expected):
    """nginx's own count, its status page included, is that of the expectation, which then has that page, too."""
    asked = server.requests()
    expected["GET", "/basic_status", "200"] += 1
    if asked != sum(expected.values()):
        raise Failure(f"nginx counts {asked} requests, expected {sum(expected.values())}")
    return expected


# ---- clients and servers ---------------------------------------------------------------------------------------


def _by_curl(t, server):
    curl(t, server, *urls(server, *["/small", "/large?a=/b#c", "/absent", "/empty"] * 5))
    return get(small=5, empty=5) + collections.Counter({("GET", "/large?a=/b", "200"): 5, ("GET", "/absent", "404"): 5})


def _by_python(t, server):
    client = python_client(t, server)
    for path in ("/small", "/large", "/absent", "/empty"):
        client.ask({"do": "request", "path": path, "n": 10})
    return seen(client)


def _by_fetch(t, server):
    client = peer(t, "http_client.js", "client", urls(server, "")[0])
    client.ask({"do": "fetch", "paths": ["/small", "/large", "/absent", "/empty"], "n": 10})
    return seen(client)


def _by_agent(t, server):
    client = peer(t, "http_client.js", "client", urls(server, "")[0])
    client.ask({"do": "agent", "paths": ["/small", "/large", "/absent", "/empty"], "n": 10})
    return seen(client)


CLIENTS = {"curl": _by_curl, "http.client": _by_python, "fetch": _by_fetch, "http.Agent": _by_agent}


@also_inside_tls
@cases(CLIENTS)
def test_static_files_of_nginx_over_connections_kept_open_to(t, client, tls=False):
    t.attach()
    server = nginx(t, tls=tls)
    files(server, small=10, large=1_000_000, empty=0)
    capture = t.capture(server.port)
    wire = client(t, server)
    captured(capture, wire)
    expected = collections.Counter()
    for (method, target, status), count in wire.items():
        expected[method, target.split("?")[0], status] += count
    verify_http(t, t.service("client"), "client", expected)
    verify_http(t, server.service, "server", stub_status(server, expected))


@also_inside_tls
def test_as_many_requests_as_nginx_counts_under_load(t, tls=False):
    need("wrk")
    t.attach()
    server = nginx(t, workers=2, tls=tls)
    files(server, page=4000)
    told = command(t, "wrk", "client", "-t2", "-c16", "-d1s", *urls(server, "/page")).decode()
    done = int(re.search(r"(\d+) requests in", told).group(1))
    total = server.requests()
    # wrk ends with requests outstanding, at most one a connection.
    if not done <= total - 1 <= done + 16:
        raise Failure(f"wrk tells of {done} requests, nginx of {total}")
    if not t.module.with_tapstat:
        return

    def count():
        requests = http(t.tapstat.scrape(), server.service, "server")
        return sum(requests.values()) == total and requests["GET", "/page", "200"] + 16 >= total - 1

    wait_until(
        count, f"tapstat has the {total} requests of nginx: {http(t.tapstat.scrape(), server.service, 'server')}", 5
    )
    client = http(t.tapstat.scrape(), t.service("client"), "client")
    if not done <= sum(client.values()) <= total - 1 or client["GET", "/page", "200"] < done:
        raise Failure(f"the client: {dict(client)}, wrk tells of {done}")


@also_inside_tls
def test_python_s_http_server_whose_every_connection_ends_with_its_body(t, tls=False):
    t.attach()
    server = python_http(t, tls=tls)
    files(server, small=10, large=300_000)
    capture = t.capture(server.port)
    curl(t, server, *urls(server, *["/small", "/large", "/absent"] * 5))
    expected = get(small=5, large=5) + collections.Counter({("GET", "/absent", "404"): 5})
    captured(capture, expected)
    both(t, server.service, t.service("client"), expected)


@also_inside_tls
def test_each_method(t, tls=False):
    t.attach()
    server = node_http(t, tls=tls)
    capture = t.capture(server.port)
    expected = collections.Counter()
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"):
        how = ["--head"] if method == "HEAD" else ["-X", method]
        data = ["-d", "body"] if method in ("POST", "PUT", "PATCH") else []
        curl(t, server, *how, *data, *urls(server, "/thing", "/other"))
        expected.update({(method, "/thing", "200"): 1, (method, "/other", "200"): 1})
    told = peer_counts(server)
    agree("node and the script", told, by_method(expected))
    captured(capture, expected)
    both(t, server.service, t.service("client"), expected)


def peer_counts(server):
    """{(method,): count} as peers/http_server.js tells."""
    told = server.process.ask({"do": "counts"})
    return collections.Counter({(key.split(".")[1],): n for key, n in told.items()})


def by_method(counts):
    methods = collections.Counter()
    for (method, _, _), count in counts.items():
        methods[(method,)] += count
    return methods


def test_the_asterisk_an_absolute_target_and_a_tunnel(t):
    """`OPTIONS *` is `*`, an endpoint has no scheme or authority, CONNECT is `other` and its tunnel nothing."""
    t.attach()
    server = node_http(t)
    agent, near = hand(t, server)
    near.sendall(b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")
    until(near, rb"ok$")
    near.sendall(b"GET http://example.org:80/absolute/path?q=/no HTTP/1.1\r\nHost: example.org\r\n\r\n")
    until(near, rb"ok$")
    near.sendall(b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n")
    until(near, rb"\r\n\r\n")
    for _ in range(5):
        near.sendall(b"GET /in/the/tunnel HTTP/1.1\r\nHost: x\r\n\r\n")
        until(near, rb"\r\n\r\n")
    near.close()
    expected = collections.Counter(
        {("OPTIONS", "*", "200"): 1, ("GET", "/absolute/path", "200"): 1, ("CONNECT", "other", "200"): 1}
    )
    agree("node and the script", peer_counts(server), by_method(expected))
    both(t, server.service, agent.service, expected)


# ---- where a message ends --------------------------------------------------------------------------------------


@also_inside_tls
def test_responses_without_a_body_and_those_to_head(t, tls=False):
    t.attach()
    server = node_http(t, tls=tls)
    capture = t.capture(server.port)
    agent, near = hand(t, server)
    expected = collections.Counter()
    for _ in range(5):
        for method, path, status in (
            ("GET", "/status/204", "204"),
            ("GET", "/status/304", "304"),
            ("HEAD", "/status/200", "200"),
            ("HEAD", "/page", "200"),
            ("GET", "/status/404", "404"),
            ("DELETE", "/status/204", "204"),
        ):
            near.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            until(near, rb"\r\n0\r\n\r\n" if (method, status) == ("GET", "404") else rb"\r\n\r\n")
            expected[method, path, status] += 1
    captured(capture, expected)
    both(t, server.service, agent.service, endpoints(expected))


def endpoints(exchanges):
    """With their targets as templates: a segment of digits is {id}."""
    folded = collections.Counter()
    for (method, target, status), count in exchanges.items():
        folded[method, re.sub(r"/\d+(?=/|$)", "/{id}", target.split("?")[0]), status] += count
    return folded


@also_inside_tls
def test_chunked_bodies_with_trailers_that_look_like_responses(t, tls=False):
    t.attach()
    server = node_http(t, tls=tls)
    capture = t.capture(server.port)
    client = python_client(t, server)
    for _ in range(5):
        client.ask({"do": "request", "path": "/chunked/8"})
        client.ask({"do": "request", "path": "/echo", "method": "POST", "chunks": [1, 16, 5000, 70_000]})
    expected = collections.Counter({("GET", "/chunked/8", "200"): 5, ("POST", "/echo", "200"): 5})
    agree("the client and the script", seen(client), expected)
    captured(capture, expected)
    both(t, server.service, t.service("client"), endpoints(expected))


@also_inside_tls
def test_informational_responses_are_not_counted(t, tls=False):
    """100 after `Expect`, 102 and 103 come before the one response that counts."""
    t.attach()
    server = node_http(t, tls=tls)
    capture = t.capture(server.port)
    (t.tmp / "body").write_bytes(bytes(50_000))
    told = curl(
        t,
        server,
        "-v",
        "--stderr",
        "-",
        "-o",
        t.tmp / "answer",
        "-H",
        "Expect: 100-continue",
        "-T",
        t.tmp / "body",
        *urls(server, "/echo"),
    )
    if b"100 Continue" not in told:
        raise Failure("no 100 Continue came")
    told = curl(t, server, "-i", *urls(server, "/hints", "/hints"))
    if told.count(b" 103 Early Hints") != 2 or told.count(b" 102 ") != 2:
        raise Failure(f"no early hints: {told!r}")
    expected = get(hints=2) + collections.Counter({("PUT", "/echo", "200"): 1})
    captured(capture, expected)
    both(t, server.service, t.service("client"), expected)


@also_inside_tls
@cases({"nginx": nginx, "node": node_http})
def test_pipelined_requests(t, start, tls=False):
    t.attach()
    server = start(t, tls=tls)
    if start is nginx:
        files(server, ok=2)
    agent, near = hand(t, server)
    rounds, depth = 10, 30
    for _ in range(rounds):
        head = b"HEAD /ok HTTP/1.1\r\nHost: x\r\n\r\n"
        near.sendall((b"GET /ok HTTP/1.1\r\nHost: x\r\n\r\n" * 3 + head) * depth)
        until(near, rb"HTTP/1.1 200", 4 * depth)
    near.close()
    expected = collections.Counter({("GET", "/ok", "200"): 3 * depth * rounds, ("HEAD", "/ok", "200"): depth * rounds})
    if start is node_http:
        agree("node and the script", peer_counts(server), by_method(expected))
    verify_http(t, agent.service, "client", expected)
    if start is nginx:
        expected = stub_status(server, expected)
    verify_http(t, server.service, "server", expected)


@also_inside_tls
def test_http_1_0_and_bodies_that_end_with_the_connection(t, tls=False):
    t.attach()
    server = node_http(t, tls=tls)
    agent = t.agent("client", tls=tls)
    for request in (
        b"GET /close HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /old HTTP/1.0\r\n\r\n",
        b"GET /close HTTP/1.0\r\n\r\n",
    ) * 4:
        near = agent.connect_to(server)
        near.sendall(request)
        if b"HTTP/1.1 200" not in near.receive_rest():
            raise Failure("no answer")
        near.close()
    expected = get(close=8, old=4)
    agree("node and the script", peer_counts(server), by_method(expected))
    both(t, server.service, agent.service, expected)


@also_inside_tls
def test_bodies_of_100_megabytes_by_sendfile(t, tls=False):
    t.attach()
    server = nginx(t, tls=tls)
    with open(server.files / "huge", "wb") as huge:
        huge.truncate(HUGE)
    curl(t, server, *urls(server, "/huge", "/huge"), "-o", "/dev/null", "-o", "/dev/null")
    expected = get(huge=2)
    scrape = verify_http(t, t.service("client"), "client", expected)
    verify_http(t, server.service, "server", stub_status(server, expected))
    if scrape:
        verify_sizes(t, "http_response_size_bytes", [HUGE, HUGE], service=t.service("client"), role="client")


@also_inside_tls
def test_a_refusal_before_the_body_is_complete_counts_once(t, tls=False):
    t.attach()
    server = node_http(t, tls=tls)
    agent, near = hand(t, server)
    near.sendall(b"POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + bytes(1000))
    until(near, rb"HTTP/1.1 413")
    near.close()
    expected = collections.Counter({("POST", "/refuse", "413"): 1})
    agree("node and the script", peer_counts(server), by_method(expected))
    both(t, server.service, agent.service, expected)
    verify_values(t, {"http_requests_in_flight": 0}, service=server.service, role="server")


# ---- time and state --------------------------------------------------------------------------------------------


@also_inside_tls
def test_an_upgrade_is_one_101_with_its_handshake_s_duration(t, tls=False):
    """Nothing of the tunnel is HTTP, however long it lasts."""
    t.attach()
    server = node_http(t, tls=tls)
    capture = t.capture(server.port)
    agent, near = hand(t, server)
    near.sendall(b"GET /before HTTP/1.1\r\nHost: x\r\n\r\n")
    until(near, rb"ok$")
    began = time.monotonic()
    near.sendall(REQUEST)
    until(near, rb"\r\n\r\n")
    took = time.monotonic() - began
    text = b"GET /tunnel HTTP/1.1\r\n\r\n"
    for _ in range(10):
        near.sendall(bytes((0x81, 0x80 | len(text))) + MASK + bytes(b ^ MASK[i % 4] for i, b in enumerate(text)))
        near.receive(len(text) + 2)
        time.sleep(0.05)
    near.close()
    expected = get(before=1) + collections.Counter({("GET", "/chat", "101"): 1})
    captured(capture, expected)
    for service, role in ((server.service, "server"), (agent.service, "client")):
        scrape = verify_http(t, service, role, expected)
        if scrape:
            labels = {"service": service, "role": role, "endpoint": "/chat"}
            seconds = scrape.total("http_request_duration_seconds_sum", **labels)
            if not 0 < seconds <= took + 0.01:
                raise Failure(f"{service}/{role}: the handshake took {seconds:.4f} s, the test saw {took:.4f} s")
            if scrape.total("ws_connections_total", service=service, role=role, status="opened") != 1:
                raise Failure(f"{service}/{role}: no WebSocket connection was opened")


@also_inside_tls
def test_a_server_killed_in_the_middle_leaves_a_request_without_status(t, tls=False):
    t.attach()
    server = node_http(t, tls=tls)
    agent, near = hand(t, server)
    near.sendall(b"GET /first HTTP/1.1\r\nHost: x\r\n\r\n")
    until(near, rb"ok$")
    near.sendall(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: peer_counts(server)["GET",] == 2, "the server has the second request")
    server.kill()
    try:
        near.recv(100)
    except ConnectionResetError:
        pass
    near.close()
    expected = get(first=1) + collections.Counter({("GET", "/hang", "none"): 1})
    both(t, server.service, agent.service, expected)
    for service, role in ((server.service, "server"), (agent.service, "client")):
        verify_values(t, {"http_requests_in_flight": 0}, service=service, role=role)


@also_inside_tls
def test_durations_are_what_the_client_measured(t, tls=False):
    t.attach()
    server = node_http(t, tls=tls)
    client = python_client(t, server)
    client.ask({"do": "request", "path": "/warm"})
    took = client.ask({"do": "request", "path": "/slow/120", "n": 3})["seconds"]
    took += client.ask({"do": "request", "path": "/slow/300", "n": 2})["seconds"]
    expected = collections.Counter({("GET", "/warm", "200"): 1, ("GET", "/slow/{id}", "200"): 5})
    verify_http(t, server.service, "server", expected)
    scrape = verify_http(t, t.service("client"), "client", expected)
    if not scrape:
        return
    for service, role in ((server.service, "server"), (t.service("client"), "client")):
        labels = {"service": service, "role": role, "method": "GET", "endpoint": "/slow/{id}"}
        seconds = scrape.total("http_request_duration_seconds_sum", **labels)
        if not sum(took) - 0.05 <= seconds <= sum(took) + 0.005:
            raise Failure(f"{service}/{role}: {seconds:.4f} s, the client measured {sum(took):.4f} s")
        within = {
            bound: scrape.total("http_request_duration_seconds_bucket", le=bound, **labels)
            for bound in ("0.1", "0.25", "0.5")
        }
        if within != {"0.1": 0, "0.25": 3, "0.5": 5}:
            raise Failure(f"{service}/{role}: buckets {within}")


@also_inside_tls
def test_requests_in_flight(t, tls=False):
    t.attach()
    server = node_http(t, tls=tls)
    agent = t.agent("client", tls=tls)
    nears = [agent.connect_to(server) for _ in range(5)]
    for near in nears:
        near.sendall(b"GET /slow/1500 HTTP/1.1\r\nHost: x\r\n\r\n")
    for service, role in ((server.service, "server"), (agent.service, "client")):
        verify_values(t, {"http_requests_in_flight": 5}, service=service, role=role)
    for near in nears:
        until(near, rb"slow")
    for service, role in ((server.service, "server"), (agent.service, "client")):
        verify_values(t, {"http_requests_in_flight": 0}, service=service, role=role)
    both(t, server.service, agent.service, collections.Counter({("GET", "/slow/{id}", "200"): 5}))


# ---- ways ------------------------------------------------------------------------------------------------------


@also_inside_tls
def test_a_proxy_counts_at_each_of_its_ends(t, tls=False):
    """Inside TLS at both of them."""
    t.attach()
    upstream = node_http(t, "upstream", tls=tls)
    proxy = nginx(
        t,
        f"location / {{ proxy_pass {urls(upstream, '')[0]}; proxy_http_version 1.1;"
        " proxy_set_header Connection ''; }"
        " location /local { return 418; }",
        label="proxy",
        tls=tls,
    )
    capture = t.capture(proxy.port, upstream.port)
    curl(t, proxy, *urls(proxy, *["/a", "/b", "/status/500"] * 5, "/local"))
    (t.tmp / "body").write_bytes(bytes(200_000))
    curl(t, proxy, "-T", t.tmp / "body", "-o", "/dev/null", *urls(proxy, "/echo"))
    inner = get(a=5, b=5) + collections.Counter({("GET", "/status/500", "500"): 5, ("PUT", "/echo", "200"): 1})
    outer = inner + collections.Counter({("GET", "/local", "418"): 1})
    captured(capture, inner, upstream.port)
    captured(capture, outer, proxy.port)
    inner, outer = endpoints(inner), endpoints(outer)
    verify_http(t, upstream.service, "server", inner)
    verify_http(t, proxy.service, "client", inner)
    verify_http(t, t.service("client"), "client", outer)
    verify_http(t, proxy.service, "server", stub_status(proxy, outer))


@cases({"nginx": nginx, "node": node_http})
def test_over_a_unix_socket(t, start):
    t.attach()
    server = start(t, unix=True)
    if start is nginx:
        files(server, small=10, large=400_000)
    curl(t, server, "--unix-socket", server.path, *["http://host/small", "http://host/large"] * 10)
    expected = get(small=10, large=10)
    verify_http(t, t.service("client"), "client", expected)
    if start is nginx:
        expected = stub_status(server, expected)
    else:
        agree("node and the script", peer_counts(server), by_method(expected))
    verify_http(t, server.service, "server", expected)


@also_inside_tls
def test_a_connection_open_before_is_joined(t, tls=False):
    server = node_http(t, tls=tls)
    client = python_client(t, server)
    client.ask({"do": "request", "path": "/before", "n": 5})
    if not t.module.with_tapstat:
        return
    tapstat = t.own_tapstat()
    client.ask({"do": "request", "path": "/joining", "n": 8})
    time.sleep(0.3)
    baseline = tapstat.scrape()
    if baseline.total("tapstat_connections_joined_total", protocol="http") < 2:
        raise Failure("the connection's ends have not joined")
    client.ask({"do": "request", "path": "/after", "n": 20})
    both(t, server.service, t.service("client"), get(after=20), tapstat=tapstat, baseline=baseline)


# ---- labels ----------------------------------------------------------------------------------------------------


def test_numbers_and_uuids_in_paths_become_templates(t):
    t.attach()
    server = node_http(t)
    uuid = "123e4567-e89b-12d3-a456-42661417400{}"
    paths = [f"/users/{n}" for n in (1, 42, 99_999_999)] + [f"/users/{n}/orders/{n * 7}" for n in range(5)]
    paths += [f"/items/{uuid.format(n)}" for n in range(3)] + ["/v1/users", "/Users/7/", "/users/7?id=8", "/a%20b/x1"]
    curl(t, server, *urls(server, *paths))
    endpoint = {
        "/users/{id}": 4,
        "/users/{id}/orders/{id}": 5,
        "/items/{id}": 3,
        "/v1/users": 1,
        "/Users/{id}/": 1,
        "/a%20b/x1": 1,
    }
    expected = collections.Counter({("GET", path, "200"): count for path, count in endpoint.items()})
    agree("node and the script", peer_counts(server), by_method(expected))
    if t.module.with_tapstat:  # interface.md has no name for the place of a UUID
        place = wait_until(lambda: _place_of_uuid(t.tapstat.scrape(), server.service), "UUIDs have a template")
        expected["GET", place, "200"] = expected.pop(("GET", "/items/{id}", "200"))
    both(t, server.service, t.service("client"), expected)


def _place_of_uuid(scrape, service):
    found = [endpoint for _, endpoint, _ in http(scrape, service, "server") if endpoint.startswith("/items/")]
    return found[0] if len(found) == 1 and found[0] in ("/items/{id}", "/items/{uuid}") else None


def _words(count, seed):
    source = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz"
    return ["".join(source.choices(letters, k=12)) for _ in range(count)]


def _bounded(t, service, role, status, count):
    """At most 100 combinations beside those with `other`, and the exact total."""
    if not t.module.with_tapstat:
        return None

    def total():
        requests = http(t.tapstat.scrape(), service, role)
        return requests if sum(requests.values()) == count else None

    counts = wait_until(
        total, f"{service}/{role} has {count}: {sum(http(t.tapstat.scrape(), service, role).values())}", 8
    )
    named = {key for key in counts if key[1] != "other"}
    # Paths beyond count as `other`, unless a segment with so many values has become a template.
    folded = {key for key in counts if key[1] == "other" or "{" in key[1]}
    if not 1 <= len(named) <= 100 or not folded or status not in {key[2] for key in folded}:
        raise Failure(f"{service}/{role}: {len(named)} named combinations, folded are {sorted(folded)[:5]}")
    if counts["GET", "other", status]:
        if t.tapstat.scrape().total("tapstat_series_folded_total", family="http_requests_total") < 1:
            raise Failure("folding was not counted")
    return counts


def test_more_than_100_endpoints_fold_and_the_total_stays_exact(t):
    t.attach()
    server = node_http(t)
    client = python_client(t, server)
    for word in _words(150, 1):
        client.ask({"do": "request", "path": f"/{word}", "n": 2})
    for service, role in ((server.service, "server"), (t.service("client"), "client")):
        _bounded(t, service, role, "200", 300)


def test_a_flood_of_random_paths_takes_no_more_room(t):
    t.attach()
    server = nginx(t)
    agent, near = hand(t, server)
    words = _words(FLOOD, 2)
    for batch in (words[at : at + 10] for at in range(0, FLOOD, 10)):
        near.sendall(b"".join(f"GET /{word}/{word} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for word in batch))
        until(near, rb"HTTP/1.1 404", 10)
    near.close()
    if server.requests() != FLOOD + 1:
        raise Failure("nginx has not counted the flood")
    _bounded(t, agent.service, "client", "404", FLOOD)
    _bounded(t, server.service, "server", "404", FLOOD + 1)


@also_inside_tls
def test_sizes_of_bodies(t, tls=False):
    """Without heads, of requests and responses; a message without a body is one of 0 bytes."""
    t.attach()
    server = node_http(t, tls=tls)
    client = python_client(t, server)
    sizes = [0, 1, 16, 17, 64, 1000, 5000, 65536, 65537, 2_000_000]
    for size in sizes:
        client.ask({"do": "request", "path": "/echo", "method": "POST", "body": size})
    expected = collections.Counter({("POST", "/echo", "200"): len(sizes)})
    agree("the client and the script", seen(client), expected)
    both(t, server.service, t.service("client"), expected)
    for service, role in ((server.service, "server"), (t.service("client"), "client")):
        for family in ("http_request_size_bytes", "http_response_size_bytes"):
            verify_sizes(t, family, sizes, service=service, role=role)
