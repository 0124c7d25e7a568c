# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What happens at a limit: counted, folded, and the totals stay exact."""

from harness.conversation import Conversation
from harness.metrics import sample
from harness.processes import Failure
from harness.runner import options

MAX_SERVICES = 128


def test_connections_past_the_limit_are_dropped_and_counted(t):
    t.require_tapstat()
    server, client = t.agent("server"), t.agent("client")
    listener = server.listen()
    tapstat = t.own_tapstat("--max-connections=4", f"--pid={server.process.pid}")
    before = tapstat.scrape()
    talks = [Conversation.opened(server, client, listener=listener).exchange() for _ in range(10)]
    scrape = tapstat.settled((server.service, "server"))
    opened = scrape.value("ws_connections_total", service=server.service, role="server", status="opened")
    dropped = scrape.value("tapstat_dropped_total", reason="max_connections") - before.value(
        "tapstat_dropped_total", reason="max_connections"
    )
    if opened != 4 or dropped < 6:
        raise Failure(f"{opened:g} connections opened and {dropped:g} dropped, expected 4 and at least 6")
    for talk in talks:
        talk.close()
    Conversation.opened(server, client, listener=listener).exchange().close()
    side = tapstat.settled((server.service, "server")).side(server.service, "server")
    counted = (
        side[sample("ws_connections_total", status="opened")],
        side[sample("ws_connections_total", status="closed")],
        side[sample("ws_messages_received_total", message_type="text")],
    )
    if counted != (5, 5, 5):
        raise Failure(
            f"opened, closed and messages are {counted}, expected (5, 5, 5): a place that is free again is taken"
        )


@options(timeout=120)
def test_services_past_the_limit_are_other_and_the_totals_are_exact(t):
    t.require_tapstat()
    server = t.agent("server")
    listener = server.listen()
    tapstat = t.own_tapstat(f"--port={listener.getsockname()[1]}")  # what others do on this host is not in the totals
    number = MAX_SERVICES + 12
    for i in range(number):
        client = t.agent(f"c{i}")
        Conversation.opened(server, client, listener=listener).exchange(2).close()
        client.stop()
    scrape = tapstat.settled((server.service, "server"), ("other", "client"))
    names = scrape.labels("ws_connections_total", "service")
    if len(names) > MAX_SERVICES + 1 or "other" not in names:
        raise Failure(f"{len(names)} services are kept apart; `other` is among them: {'other' in names}")
    for name, labels, expected in (
        ("ws_connections_total", {"status": "opened"}, number),
        ("ws_connections_total", {"status": "closed"}, number),
        ("ws_messages_sent_total", {"message_type": "text"}, 2 * number),
    ):
        total = scrape.total(name, role="client", **labels)
        if total != expected:
            raise Failure(f"{name} of all clients is {total:g}, expected {expected}")
    if not scrape.total("tapstat_series_folded_total"):
        raise Failure("what was folded is not counted in tapstat_series_folded_total")
