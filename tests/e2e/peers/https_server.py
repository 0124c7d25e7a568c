# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""http.server of Python's library inside TLS: blocking sockets, a thread for each connection. Arguments: PORT DIRECTORY."""

import functools
import http.server
import sys

import peer


class Server(http.server.ThreadingHTTPServer):
    def finish_request(self, request, client_address):
        """In the connection's thread: the handshake waits for the client."""
        with context.wrap_socket(request, server_side=True) as secure:
            super().finish_request(secure, client_address)


context = peer.server_context()
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[2])
Server(("127.0.0.1", int(sys.argv[1])), handler).serve_forever()
