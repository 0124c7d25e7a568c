# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""No protocol is taken for another: real traffic of each, and imitations of those that tapstat does not know, seen
from their beginning and from the middle, show up under their own name or not at all.

Each test's tapstat watches the test's own services alone, so that whatever it shows is theirs."""

import random
import time

from harness.peers import CLIENTS, SERVERS
from harness.processes import Failure, accepts, free_port, wait_until
from harness.runner import cases, options
from harness.servers import command, memcached, node_http, peer, redis
from test_negative import websocket_names

ENOUGH = 24  # exchanges after which a connection that was open before must have been recognised
CONNECTIONS = 3
EXCHANGES = 30


# ---- real traffic ----------------------------------------------------------------------------------------------


def _http(t):
    server = node_http(t, "http-server")
    client = peer(t, "http_client.py", "http-client", "127.0.0.1", server.port)

    def traffic():
        client.ask({"do": "request", "path": "/get", "n": ENOUGH})
        client.ask({"do": "request", "path": "/echo", "method": "POST", "body": 3000, "n": 5})

    return traffic


def _redis(t):
    server = redis(t, label="redis-server")
    client = peer(t, "redis_client.py", "redis-client", server.port, 2)
    client.ask({"do": "open"})
    commands = [
        ["SET", "k", "v" * 200],
        ["GET", "k"],
        ["LRANGE", "l", "0", "-1"],
        ["HSET", "h", "get k\r\n", "GET / HTTP/1.1"],
    ]
    return lambda: client.ask({"do": "call", "commands": commands, "n": ENOUGH})


def _memcached(library):
    def start(t):
        server = memcached(t, label=f"{library}-server")
        client = peer(t, "memcached_client.py", f"{library}-client", library, server.port)

        def traffic():
            for value in ("x" * 200, "GET / HTTP/1.1\r\n\r\n", "*1\r\n$4\r\nPING\r\n"):
                client.ask({"do": "call", "method": "set", "arguments": ["k", value], "n": ENOUGH})
                client.ask({"do": "call", "method": "get", "arguments": ["k"], "n": ENOUGH})

        return traffic

    return start


def _websocket(t):
    server = SERVERS["ws"](t, "websocket-server")
    client = CLIENTS["ws"](t, server.url, "websocket-client")
    client.ask("open", n=2)

    def traffic():
        client.ask("echo", texts=[20, 300], binaries=[5, 70_000], rounds=ENOUGH)

    return traffic


def _tls(t):
    port = free_port()
    command(
        t,
        "openssl",
        "maker",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        t.tmp / "key.pem",
        "-out",
        t.tmp / "certificate.pem",
        "-days",
        1,
        "-subj",
        "/CN=localhost",
    )
    argv = [t.copy("/usr/bin/openssl", "tls-server"), "s_server", "-quiet", "-www", "-accept", f"127.0.0.1:{port}"]
    t.start([*argv, "-key", t.tmp / "key.pem", "-cert", t.tmp / "certificate.pem"], "tls-server")
    wait_until(lambda: accepts(port), "the TLS server listens")
    return lambda: command(t, "curl", "tls-client", "-sSk", *[f"https://127.0.0.1:{port}/"] * 5)


# How each starts, and what its services may be taken for: from their beginning, and in mid-stream.
REAL = {
    "http": (_http, {"http"}, {"http"}),
    "redis": (_redis, {"redis"}, {"redis"}),
    "pymemcache": (_memcached("pymemcache"), {"memcached"}, {"memcached"}),
    "pylibmc-binary": (_memcached("pylibmc-binary"), {"memcached"}, {"memcached"}),
    "websocket": (_websocket, {"websocket", "http"}, {"websocket"}),
    "tls": (_tls, {"http"}, {"http"}),
}


def shown(scrape):
    """{(service, role): the protocols under which it shows up}."""
    found = {}
    for service, role in websocket_names(scrape):
        found.setdefault((service, role), set()).add("websocket")
    for name in ("storage_operations_total", "http_requests_total", "http_requests_in_flight", "storage_bytes_total"):
        for labels, value in scrape.select(name).items():
            labels = dict(labels)
            if value:
                protocols = found.setdefault((labels["service"], labels["role"]), set())
                protocols.add(labels.get("backend", "http"))
    return found


def only(t, scrape, allowed):
    """Each service, by its label, shows up under what it speaks, in its own role, and nowhere else.

    `allowed`: {"x": protocols} for the services x-server and x-client."""
    wrong = []
    found = shown(scrape)
    for label, protocols in allowed.items():
        for end, other in (("server", "client"), ("client", "server")):
            service = t.service(f"{label}-{end}")
            own = found.pop((service, end), set())
            turned = found.pop((service, other), set())
            if own != protocols:
                wrong.append(f"{service} is {sorted(own) or 'nothing'}, expected {sorted(protocols) or 'nothing'}")
            if turned:
                wrong.append(f"{service} is taken for a {other} of {sorted(turned)}")
    wrong += [f"{service}/{role} shows up" for service, role in found]
    # What is known to be nothing of these is `other`, as TLS is where it is TLS.
    right = set().union(*allowed.values(), {"undecided", "other"}, {"tls"} if {"tls", "records"} & set(allowed) else ())
    for name in ("tapstat_connections", "tapstat_connections_joined_total"):
        for labels, value in scrape.select(name).items():
            if value and dict(labels)["protocol"] not in right:
                wrong.append(f"{name} of {dict(labels)['protocol']} is {value:g}")
    if wrong:
        raise Failure("; ".join(wrong[:8]))


def watching(t, labels, *options):
    """A tapstat that watches these services alone."""
    services = [t.service(f"{label}-{end}") for label in labels for end in ("server", "client")]
    return t.own_tapstat(*[f"--service={service}" for service in services], *options)


@cases({"from the beginning": (False, "auto"), "in mid-stream": (True, "auto"), "not inside TLS": (False, "off")})
@options(timeout=90)
def test_real_services_show_up_as_what_they_speak(t, case):
    joining, tls = case
    t.allow_unparsed("tls")
    tapstat = None
    if t.module.with_tapstat and not joining:
        tapstat = watching(t, REAL, f"--tls={tls}")
    traffics = [start(t) for start, _, _ in REAL.values()]
    for traffic in traffics:
        traffic()
    if not t.module.with_tapstat:
        return
    if joining:
        tapstat = watching(t, REAL, f"--tls={tls}")
    for _ in range(2):
        for traffic in traffics:
            traffic()
    time.sleep(0.5)
    allowed = {label: row[2 if joining else 1] for label, row in REAL.items()}
    if tls == "off":
        allowed["tls"] = set()
    only(t, tapstat.scrape(), allowed)


# ---- imitations: functions of (source of randomness, number of the exchange): (what the client sends, the answer) --


def _word(source):
    return bytes(source.choices(b"abcdefghijklmnopqrstuvwxyz", k=source.randrange(3, 12)))


def _pop3(source, i):
    lines = (b"STAT", b"LIST", b"UIDL", b"NOOP", b"RETR 1", b"TOP 1 0", b"PING", b"DELE 1")
    return lines[i % 8] + b"\r\n", source.choice((b"+OK 2 320\r\n", b"-ERR no such message\r\n", b"+OK\r\n"))


def _smtp(source, i):
    return (
        (b"RCPT TO:<%s@example.org>\r\n" % _word(source), b"250 2.1.5 Ok\r\n")
        if i % 3
        else (b"HELP\r\n", b"214-a\r\n214 b\r\n")
    )


def _imap(source, i):
    return b"a%d GET %s\r\n" % (i, _word(source)), b'* %d EXISTS\r\n* LIST () "/" x\r\na%d OK done\r\n' % (i, i)


def _nats(source, i):
    if i % 3 == 0:
        return b"PING\r\n", b"PONG\r\n"
    data = _word(source)
    return (
        b"PUB %s %d\r\n%s\r\n" % (_word(source), len(data), data),
        b"+OK\r\n" if i % 2 else b"-ERR 'Unknown Subject'\r\n",
    )


def _beanstalkd(source, i):
    data = _word(source)
    if i % 2:
        return b"put 0 0 60 %d\r\n%s\r\n" % (len(data), data), b"INSERTED %d\r\n" % i
    return b"delete %d\r\n" % i, source.choice((b"DELETED\r\n", b"NOT_FOUND\r\n"))


def _stomp(source, i):
    return b"SEND\ndestination:/queue/%s\ncontent-length:2\n\nhi\0" % _word(source), b"RECEIPT\nreceipt-id:%d\n\n\0" % i


def _rtsp(source, i):
    return (
        b"OPTIONS rtsp://example.org/%s RTSP/1.0\r\nCSeq: %d\r\n\r\n" % (_word(source), i),
        b"RTSP/1.0 200 OK\r\nCSeq: %d\r\nPublic: DESCRIBE, SETUP\r\n\r\n" % i,
    )


def _sip(source, i):
    return (
        b"OPTIONS sip:%s@example.org SIP/2.0\r\nCSeq: %d OPTIONS\r\nContent-Length: 0\r\n\r\n" % (_word(source), i),
        b"SIP/2.0 200 OK\r\nCSeq: %d OPTIONS\r\nContent-Length: 0\r\n\r\n" % i,
    )


def _shell(source, i):
    return b"get %s\n" % _word(source), b"$ %s\n*%d* done\n> " % (_word(source), i)


def _tls_records(source, _):
    record = [b"\x17\x03\x03" + n.to_bytes(2, "big") + source.randbytes(n) for n in (source.randrange(20, 300), 90)]
    return record[0], record[1]


def _ssh(source, _):
    packets = [(12 + 8 * n).to_bytes(4, "big") + source.randbytes(12 + 8 * n) for n in (source.randrange(9), 3)]
    return packets[0], packets[1]


def _mqtt(source, i):
    payload = b"\0\4test" + i.to_bytes(2, "big") + source.randbytes(source.randrange(60))
    return b"\x32" + bytes((len(payload),)) + payload, b"\x40\2" + i.to_bytes(2, "big")


def _ldap(source, i):
    body = b"\2\1" + bytes((i & 127,)) + b"\x63\x81\x80" + source.randbytes(128)
    return b"\x30\x81" + bytes((len(body),)) + body, b"\x30\x0c\2\1" + bytes((i & 127,)) + b"\x65\7\x0a\1\0\4\0\4\0"


def _framed_protobuf(source, _):
    pieces = [
        n.to_bytes(4, "big") + b"\x0a" + bytes((n - 2,)) + source.randbytes(n - 2)
        for n in (source.randrange(3, 120), 40)
    ]
    return pieces[0], pieces[1]


def _lines_of_json(source, i):
    return b'{"id":%d,"method":"get","params":["%s"]}\n' % (i, _word(source)), b'{"id":%d,"result":null}\n' % i


def _random(source, _):
    return source.randbytes(source.randrange(1, 800)), source.randbytes(source.randrange(1, 800))


def _zeros(source, _):
    return bytes(source.randrange(1, 64)), bytes(source.randrange(1, 64))


# A name: the greeting of the server, None for protocols whose clients begin, and the exchanges.
NOISE = {
    "pop3": (b"+OK POP3 server ready\r\n", _pop3),
    "smtp": (b"220 example.org ESMTP\r\n", _smtp),
    "imap": (b"* OK IMAP4rev1 ready\r\n", _imap),
    "nats": (b'INFO {"server_id":"x","version":"2.9"}\r\n', _nats),
    "beanstalkd": (None, _beanstalkd),
    "stomp": (None, _stomp),
    "rtsp": (None, _rtsp),
    "sip": (None, _sip),
    "shell": (b"login: ", _shell),
    "records": (None, _tls_records),
    "ssh": (b"SSH-2.0-OpenSSH_9.2\r\n", _ssh),
    "mqtt": (None, _mqtt),
    "ldap": (None, _ldap),
    "protobuf": (None, _framed_protobuf),
    "json": (None, _lines_of_json),
    "random": (None, _random),
    "zeros": (None, _zeros),
}


class Imitation:
    """Connections of two agents that speak one of NOISE."""

    def __init__(self, t, name):
        self.greeting, self._exchange = NOISE[name]
        self._server, self._client = t.agent(f"{name}-server"), t.agent(f"{name}-client")
        self._listener = self._server.listen()
        self._source = random.Random(name)
        self._pairs = []

    def open(self):
        near = self._client.connect(self._listener.getsockname())
        far, _ = self._listener.accept()
        if self.greeting:
            far.sendall(self.greeting)
            near.receive(len(self.greeting))
        self._pairs.append((near, far))

    def traffic(self):
        for near, far in self._pairs:
            for i in range(EXCHANGES):
                request, answer = self._exchange(self._source, i)
                for sender, receiver, data in ((near, far, request), (far, near, answer)):
                    sender.sendall(data)
                    receiver.receive(len(data))


# A selector takes sixteen values: the services of eight imitations.
GROUPS = {
    "mail and queues": ["pop3", "smtp", "imap", "nats", "beanstalkd", "stomp", "mqtt"],
    "likenesses of HTTP, and lines": ["rtsp", "sip", "shell", "json"],
    "binary": ["records", "ssh", "ldap", "protobuf", "random", "zeros"],
}


@cases(GROUPS)
@options(timeout=90)
def test_what_tapstat_does_not_speak_shows_up_as_nothing(t, names):
    """Connections of each imitation that were busy before tapstat came, and others from their first byte on."""
    t.require_tapstat()
    imitations = [Imitation(t, name) for name in names]
    for imitation in imitations:
        for _ in range(CONNECTIONS):
            imitation.open()
        imitation.traffic()
    tapstat = watching(t, names)
    for imitation in imitations:
        for _ in range(CONNECTIONS):
            imitation.open()
        imitation.traffic()
    time.sleep(0.3)
    only(t, tapstat.scrape(), {name: set() for name in names})
