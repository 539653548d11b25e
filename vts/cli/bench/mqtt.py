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
from vts.cli.bench.figures import Run
from vts.cli.bench.harness import Place
from vts.cli.bench.options import Options
from vts.cli.bench.report import Report, options_of
from vts.cli.bench.sender import Sent

CONNECT_S: Final = 30.0
IDLE_S: Final = 120.0  # to connect them all
POLL_S: Final = 0.05
PREFIX: Final = "makapix"


def through_broker(options: Options) -> Report:
    """Measure views that come through a Mosquitto of our own."""
    with ExitStack() as stack:
        folder = stack.enter_context(private.folder())
        port = stack.enter_context(broker.mosquitto(folder))
        place = stack.enter_context(harness.place(options, {"VTS_MQTT__URL": f"mqtt://127.0.0.1:{port}"}))
        _wait_subscribed(place)

        def send() -> Sent:
            return _until_heard(place, lambda: _publish(place, "127.0.0.1", port, as_players=False))

        notes = ["p50 and p99 are the broker's PUBACK; events/s is until VTS has made the last of them durable"]
        return _measure("mqtt", place, send, notes)


def direct(options: Options) -> Report:
    """Measure views that players bring straight to VTS: their PUBACK comes after the journal."""
    with ExitStack() as stack:
        place = stack.enter_context(harness.place(options, {"VTS_MQTT__LISTEN": "127.0.0.1:0"}))
        url = urlsplit(place.target.mqtt)
        host, port = url.hostname or "", url.port or 0
        notes = []
        if options.idle:
            they = _task(place, host, port, as_players=True)
            idle = idlers.Task(as_they=they, behind=options.connections, players=options.idle)
            children.line(stack.enter_context(children.started("idlers", idle)), int, IDLE_S)
            notes.append(f"with {options.idle:,} idle players, before the load: {place.target.resident_mb():,.0f} MB")
        return _measure("mqtt-direct", place, lambda: _publish(place, host, port, as_players=True), notes)


def _measure(load: str, place: Place, send: Callable[[], Sent], notes: list[str]) -> Report:
    options, runs = place.options, []
    for number in range(1, options.runs + 1):
        copied = harness.copied_per_s(place.target, options.reference_seconds) if options.references else {}
        figures = harness.measured(place.target, send)
        runs.append(Run(figures=figures, references=copied))
        harness.say(number, options, figures)
    return Report(load=load, options=options_of(options), runs=runs, books=place.books(), notes=notes)


def _publish(place: Place, host: str, port: int, *, as_players: bool) -> Sent:
    task = _task(place, host, port, as_players=as_players)
    sent = children.run("publisher", task, Sent, task.seconds + harness.EXTRA_S)
    place.ledger.note(sent.used, sent.acknowledged, Path(task.ledger))
    return sent


def _task(place: Place, host: str, port: int, *, as_players: bool) -> publisher.Task:
    options = place.options
    return publisher.Task(
        host=host,
        port=port,
        connections=options.connections,
        seconds=options.seconds,
        series=place.series,
        first=place.ledger.next,
        first_post=place.first_post,
        posts=options.posts,
        players=options.players,
        window=options.window,
        as_players=as_players,
        metrics="" if as_players else f"{place.target.url}/metrics",
        prefix=PREFIX,
        ledger=str(place.folder / "ledger"),
    )


def _until_heard(place: Place, publish: Callable[[], Sent]) -> Sent:
    """Publish to a broker, and take as the time of the load that until VTS has accepted everything."""
    before = place.target.metrics().accepted
    sent = publish()
    waited = time.monotonic()
    place.target.wait_until(lambda metrics: metrics.accepted - before >= sent.acknowledged, "heard", POLL_S)
    return msgspec.structs.replace(sent, seconds=sent.seconds + time.monotonic() - waited)


def _wait_subscribed(place: Place) -> None:
    deadline = time.monotonic() + CONNECT_S
    while _parts(place).get("mqtt") != "ok":
        if time.monotonic() > deadline:
            raise click.ClickException("the private VTS did not subscribe at the private broker")
        time.sleep(POLL_S)


def _parts(place: Place) -> Mapping[str, str]:
    found: dict[str, str] = httpx.get(f"{place.target.url}/health/ready").json()["parts"]
    return found
