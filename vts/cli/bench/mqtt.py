"""`vts bench mqtt` and `vts bench mqtt-direct`: views of players with QoS 1, beside a plain COPY."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click
import httpx
import msgspec

from vts.cli.bench import broker, children, harness, idlers, private, publisher
from vts.cli.bench.figures import BenchRun
from vts.cli.bench.harness import Testbed
from vts.cli.bench.options import Options
from vts.cli.bench.report import BenchReport, options_of
from vts.cli.bench.sender import Sent

CONNECT_S: Final = 30.0
IDLE_S: Final = 120.0  # to connect them all
POLL_S: Final = 0.05
PREFIX: Final = "makapix"


def through_broker(options: Options) -> BenchReport:
    """Measure views that come through a Mosquitto of our own."""
    with ExitStack() as stack:
        folder = stack.enter_context(private.folder())
        port = stack.enter_context(broker.mosquitto(folder))
        testbed = stack.enter_context(harness.testbed(options, {"VTS_MQTT__URL": f"mqtt://127.0.0.1:{port}"}))
        _wait_subscribed(testbed)

        def send() -> Sent:
            return _until_heard(testbed, lambda: _publish(testbed, "127.0.0.1", port, as_players=False))

        notes = ["p50 and p99 are the broker's PUBACK; events/s is until VTS has made the last of them durable"]
        return _measure("mqtt", testbed, send, notes)


def direct(options: Options) -> BenchReport:
    """Measure views that players bring straight to VTS: their PUBACK comes after the journal."""
    with ExitStack() as stack:
        testbed = stack.enter_context(harness.testbed(options, {"VTS_MQTT__LISTEN": "127.0.0.1:0"}))
        url = urlsplit(testbed.target.mqtt)
        host, port = url.hostname or "", url.port or 0
        notes = []
        if options.idle:
            they = _task(testbed, host, port, as_players=True)
            idle = idlers.Task(as_they=they, behind=options.connections, players=options.idle)
            children.line(stack.enter_context(children.started("idlers", idle)), int, IDLE_S)
            notes.append(f"with {options.idle:,} idle players, before the load: {testbed.target.resident_mb():,.0f} MB")
        return _measure("mqtt-direct", testbed, lambda: _publish(testbed, host, port, as_players=True), notes)


def _measure(load: str, testbed: Testbed, send: Callable[[], Sent], notes: list[str]) -> BenchReport:
    options, runs = testbed.options, []
    for number in range(1, options.runs + 1):
        copied = harness.copied_per_s(testbed.target, options.reference_seconds) if options.references else {}
        figures = harness.measured(testbed.target, send)
        runs.append(BenchRun(figures=figures, references=copied))
        harness.say(number, options, figures)
    return BenchReport(load=load, options=options_of(options), runs=runs, balance=testbed.balance(), notes=notes)


def _publish(testbed: Testbed, host: str, port: int, *, as_players: bool) -> Sent:
    task = _task(testbed, host, port, as_players=as_players)
    sent = children.run("publisher", task, Sent, task.seconds + harness.EXTRA_S)
    testbed.ledger.note(sent.used, sent.acknowledged, Path(task.ledger))
    return sent


def _task(testbed: Testbed, host: str, port: int, *, as_players: bool) -> publisher.Task:
    options = testbed.options
    return publisher.Task(
        host=host,
        port=port,
        connections=options.connections,
        seconds=options.seconds,
        series=testbed.series,
        first=testbed.ledger.next,
        first_post=testbed.first_post,
        posts=options.posts,
        players=options.players,
        window=options.window,
        as_players=as_players,
        metrics="" if as_players else f"{testbed.target.url}/metrics",
        prefix=PREFIX,
        ledger=str(testbed.folder / "ledger"),
    )


def _until_heard(testbed: Testbed, publish: Callable[[], Sent]) -> Sent:
    """Publish to a broker, and take as the time of the load that until VTS has accepted everything."""
    before = testbed.target.metrics().accepted
    sent = publish()
    waited = time.monotonic()
    testbed.target.wait_until(lambda metrics: metrics.accepted - before >= sent.acknowledged, "heard", POLL_S)
    return msgspec.structs.replace(sent, seconds=sent.seconds + time.monotonic() - waited)


def _wait_subscribed(testbed: Testbed) -> None:
    deadline = time.monotonic() + CONNECT_S
    while _parts(testbed).get("mqtt") != "ok":
        if time.monotonic() > deadline:
            raise click.ClickException("the private VTS did not subscribe at the private broker")
        time.sleep(POLL_S)


def _parts(testbed: Testbed) -> Mapping[str, str]:
    found: dict[str, str] = httpx.get(f"{testbed.target.url}/health/ready").json()["parts"]
    return found
