# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""nginx as a WebSocket proxy: one service that is the server of one connection and the client of another."""

from harness.metrics import sample
from harness.peers import CLIENTS, SERVERS, Running
from harness.processes import Failure, accepts, free_port, wait_until
from harness.runner import also_inside_tls, cases
from harness.toolchain import need

CONFIGURATION = """
daemon off;
worker_processes 2;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {directory}; proxy_temp_path {directory}; fastcgi_temp_path {directory};
    uwsgi_temp_path {directory}; scgi_temp_path {directory};
    map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
    server {{
        listen 127.0.0.1:{port}{secure};
        location / {{
            proxy_pass http://{upstream};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_read_timeout 600s;
        }}
    }}
}}
"""


def nginx(t, upstream, tls=False):
    """A started proxy; both ends of it are the service nginx. `tls`: where it terminates."""
    need("nginx")
    port = free_port()
    configuration = t.tmp / "nginx.conf"
    secure = ""
    if tls:
        files = t.secure(port)
        secure = f" ssl; ssl_certificate {files.certificate}; ssl_certificate_key {files.key}"
    where = {"directory": t.tmp, "port": port, "upstream": upstream, "secure": secure}
    configuration.write_text("user root;" + CONFIGURATION.format(**where))
    process = t.start(["nginx", "-c", configuration, "-p", t.tmp], "nginx")
    wait_until(lambda: accepts(port), "nginx listens")
    t.settle()
    return Running(process, "nginx", port, counts=False, tls=tls)


SPLICING = """
global
    maxconn 100
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout tunnel 60s
    option splice-request
    option splice-response
frontend outside
    bind 127.0.0.1:{port}
    default_backend inside
backend inside
    server one 127.0.0.1:{upstream}
"""


@also_inside_tls
@cases(
    {
        "ws": ("ws", "ws"),
        "ws with deflate": ("ws with deflate", "ws with deflate"),
        "websockets and aiohttp": ("websockets", "aiohttp"),
    }
)
def test_both_ends_of_the_proxy(t, pair, tls=False):
    """Where TLS ends at the proxy, one of them is inside TLS and the other plain."""
    t.attach()
    server = SERVERS[pair[0]](t)
    proxy = nginx(t, f"127.0.0.1:{server.port}", tls)
    captured = t.capture(proxy.port, server.port)
    client = CLIENTS[pair[1]](t, proxy.url)
    client.ask("open", n=4)
    client.ask("echo", texts=[0, 1, 126, 65536], binaries=[3, 100_000], rounds=4)
    client.ask("close", code=1000)
    outer, inner = captured.connections(proxy.port), captured.connections(server.port)
    if len(outer) != 4 or len(inner) != 4:
        raise Failure(f"the dissector sees {len(outer)} connections to the proxy and {len(inner)} from it, not 4")
    t.verify(outer, server=proxy.service, client=client.service, reports={"client": client.report()})
    t.verify(inner, server=server.service, client=proxy.service, reports={"server": server.report()})


@also_inside_tls
def test_upstream_on_a_unix_socket(t, tls=False):
    t.attach()
    path = t.tmp / "upstream"
    upstream = t.node("ws_server.js", "server", path)
    upstream.answer()
    proxy = nginx(t, f"unix:{path}", tls)
    captured = t.capture(proxy.port)
    client = CLIENTS["ws"](t, proxy.url)
    client.ask("open", n=3)
    client.ask("echo", texts=[0, 1, 126, 65536], binaries=[3, 100_000], rounds=4)
    client.ask("ping", n=3)
    client.ask("close", code=1000)
    outer = captured.connections()
    t.verify(outer, server=proxy.service, client=client.service, reports={"client": client.report()})
    # nginx passes frames on as they are, so that what went over AF_UNIX is what the dissector saw outside.
    t.verify(
        outer, server=t.service("server"), client=proxy.service, reports={"server": upstream.ask({"do": "counts"})}
    )


def test_upstream_that_refuses(t):
    t.attach()
    server = t.agent("server")
    listener = server.listen()
    proxy = nginx(t, f"127.0.0.1:{listener.getsockname()[1]}")
    client = t.agent("client")
    captured = t.capture(proxy.port, listener.getsockname()[1])
    from_client = client.connect(("127.0.0.1", proxy.port))
    from_client.sendall(
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    inner, _ = listener.accept()
    inner.recv(4096)
    inner.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    from_client.recv(4096)
    from_client.close()
    inner.close()
    outer = captured.connections(proxy.port)
    t.verify(outer, server=proxy.service, client=client.service)
    t.verify(captured.connections(listener.getsockname()[1]), server=server.service, client=proxy.service)


def test_proxy_that_splices_keeps_frames_out_of_reach_but_not_its_connections(t):
    """What the kernel moves from socket to socket never is in user memory: counted as such, and no error."""
    need("haproxy")
    t.require_tapstat()
    t.allow_unparsed("splice", "gap", "out_of_step")
    t.attach()
    server = SERVERS["ws"](t)
    port = free_port()
    configuration = t.tmp / "haproxy.cfg"
    configuration.write_text(SPLICING.format(port=port, upstream=server.port))
    t.start(["haproxy", "-db", "-f", configuration], "haproxy")
    wait_until(lambda: accepts(port), "haproxy listens")
    client = CLIENTS["ws"](t, f"ws://127.0.0.1:{port}/")
    captured = t.capture(port)
    client.ask("open", n=3)
    client.ask("echo", texts=[5], binaries=[500_000], rounds=10)
    client.ask("close", code=1000)
    # Both peers are counted to the unit; of the proxy, what the handshake tells.
    t.verify(captured.connections(), client=client.service, reports={"client": client.report()})
    scrape = t.tapstat.settled(("haproxy", "server"), ("haproxy", "client"))
    for role in ("server", "client"):
        side = scrape.side("haproxy", role)
        if side.get(sample("ws_connections_total", status="opened")) != 3 or side.get("ws_active_connections") != 0:
            raise Failure(f"haproxy/{role}: not 3 connections opened and ended")
        if side.get(sample("ws_errors_total", error_type="decode")):
            raise Failure(f"haproxy/{role}: a decode error for bytes that could not be seen")
