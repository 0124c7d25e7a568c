# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Idleness takes five minutes, which pass while the other tests run."""

import time

from harness.conversation import PING, PONG, Conversation
from harness.processes import Failure
from harness.runner import options

IDLE_AFTER = 300  # seconds without a data message
SAMPLE_MINUTES = 5


@options(timeout=400, background=True)
def test_connections_are_idle_after_five_minutes_without_a_data_message(t):
    tapstat = t.own_tapstat()
    server, client = t.agent("server"), t.agent("client")
    listener = server.listen()
    silent, pinged, busy = (Conversation.opened(server, client, listener=listener).exchange() for _ in range(3))
    began = time.monotonic()

    def idle():
        scrape = tapstat.scrape()
        return [
            scrape.value("ws_idle_connections", service=agent.service, role=role)
            for agent, role in ((server, "server"), (client, "client"))
        ]

    if idle() != [0, 0]:
        raise Failure(f"ws_idle_connections is {idle()} at the beginning")
    while time.monotonic() < began + IDLE_AFTER + 4:
        if time.monotonic() < began + IDLE_AFTER - 5 and idle() != [0, 0]:
            raise Failure(f"ws_idle_connections is {idle()} after {time.monotonic() - began:.0f} s")
        pinged.send("server", PING, b"").send("client", PONG, b"")
        busy.exchange()
        time.sleep(10)
    if idle() != [2, 2]:
        raise Failure(f"ws_idle_connections is {idle()}, expected the silent and the pinged of three")
    silent.exchange()
    if idle() != [1, 1]:
        raise Failure(f"ws_idle_connections is {idle()} after a message on one of two idle connections")
    minutes = [
        tapstat.scrape().value(
            "ws_connection_messages_per_minute_count", service=server.service, role="server", direction="received"
        )
    ]
    for talk in (silent, pinged, busy):
        talk.close()
    scrape = t.verify([talk.book for talk in (silent, pinged, busy)], server.service, client.service, tapstat=tapstat)
    minutes.append(
        scrape.value(
            "ws_connection_messages_per_minute_count", service=server.service, role="server", direction="received"
        )
    )
    # The silent one had messages in its first minute and its sixth, the pinged one in its first, the busy one in all.
    total = 2 + 1 + SAMPLE_MINUTES + 1
    if minutes[1] != total:
        raise Failure(
            f"ws_connection_messages_per_minute has {minutes} samples before and after the end, expected {total}"
        )
