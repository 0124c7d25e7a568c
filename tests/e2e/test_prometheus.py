# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A real Prometheus scrapes tapstat: it takes every sample, and rate() gives the rate at which messages were sent."""

import http.client
import json
import time
import urllib.parse

from harness.conversation import TEXT, Conversation
from harness.processes import Failure, accepts, free_port, wait_until
from harness.runner import options
from harness.tapstat import fetch
from harness.toolchain import need

RATE = 20  # messages a second
WINDOW = 8  # seconds

CONFIGURATION = """
global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}
scrape_configs:
  - job_name: tapstat
    static_configs: [{{targets: ['127.0.0.1:{port}']}}]
"""


def query(port, expression):
    """The one value of an instant query; None if there is none."""
    status, _, body = fetch(port, "/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
    if status != 200:
        raise Failure(f"{expression} answers {status}: {body[:300]!r}")
    result = json.loads(body)["data"]["result"]
    if len(result) > 1:
        raise Failure(f"{expression} has {len(result)} values")
    return float(result[0]["value"][1]) if result else None


@options(timeout=90)
def test_rate_and_totals(t):
    need("prometheus")
    tapstat = t.tapstat
    port = free_port()
    configuration = t.tmp / "prometheus.yml"
    configuration.write_text(CONFIGURATION.format(port=tapstat.port))
    prometheus = t.start(
        [
            "prometheus",
            f"--config.file={configuration}",
            f"--storage.tsdb.path={t.tmp}/data",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ],
        "prometheus",
    )

    def ready():
        if prometheus.exit_status() is not None:
            raise Failure(f"prometheus ended: {prometheus.errors()[-400:]}")
        try:
            return accepts(port) and fetch(port, "/-/ready")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    wait_until(ready, "prometheus is ready", 30)
    wait_until(lambda: query(port, 'up{job="tapstat"}') == 1, "prometheus has scraped tapstat", 30)
    server, client = t.agent("server"), t.agent("client")
    talk = Conversation.opened(server, client)
    began = time.monotonic()
    count = RATE * (WINDOW + 4)
    sent = []
    for i in range(count):
        talk.send("client", TEXT, b"tick")
        sent.append(time.monotonic())
        time.sleep(max(0, began + (i + 1) / RATE - time.monotonic()))
    selector = f'{{service="{server.service}",role="server",message_type="text"}}'
    expected = sum(moment > time.monotonic() - WINDOW for moment in sent) / WINDOW
    rate = query(port, f"rate(ws_messages_received_total{selector}[{WINDOW}s])")
    if rate is None or not expected * 0.95 <= rate <= expected * 1.05:
        raise Failure(f"rate() is {rate} a second, expected {expected}")
    talk.close()
    t.verify([talk.book], server.service, client.service)
    wait_until(
        lambda: query(port, f"ws_messages_received_total{selector}") == count, f"prometheus shows {count} messages", 5
    )
    if query(port, 'up{job="tapstat"}') != 1:
        raise Failure("prometheus says that tapstat is down")
    failed = query(port, 'count_over_time((up{job="tapstat"} == 0)[1m:500ms])')
    if failed:
        raise Failure(f"scrapes failed: {failed}")
    exposed = len([line for line in tapstat.scrape().text.splitlines() if line and not line.startswith("#")])
    kept = query(port, 'scrape_samples_post_metric_relabeling{job="tapstat"}')
    if not kept or kept < exposed * 0.9:
        raise Failure(f"prometheus kept {kept} of {exposed} samples")
    if prometheus.errors().strip():
        raise Failure(f"prometheus complains: {prometheus.errors()[-400:]}")
