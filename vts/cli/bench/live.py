"""`vts bench live`: how long after its 202 a view is on every screen that follows it, and what that costs others.

Each run sends views at a steady rate twice: alone, and beside an audience whose contents change several times a second.
"""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from vts.cli.bench import audience, children, harness
from vts.cli.bench.figures import BenchRun, Figures, percentile
from vts.cli.bench.harness import Testbed
from vts.cli.bench.options import Options
from vts.cli.bench.report import BenchReport, options_of
from vts.cli.bench.sender import Sent, Task

CHANGERS: Final = 8  # connections of those whose views are followed
START_S: Final = 60.0
TAIL_S: Final = 2.0  # the audience listens on for the last changes


def measure(options: Options, changes_per_s: float) -> BenchReport:
    """Measure. `options.per_s` is the rate beside it, `changes_per_s` that of each topic. Raises ClickException."""
    with harness.testbed(msgspec.structs.replace(options, posts=options.topics + options.posts)) as testbed:
        runs = []
        for number in range(1, options.runs + 1):
            alone = _ingest(testbed, options)
            figures = _beside(testbed, options, changes_per_s)
            figures["ingest alone: p99, ms"] = alone.p99_ms
            with_audience, without = figures["ingest beside it: p99, ms"], alone.p99_ms
            figures["ingest p99 ÷ alone"] = with_audience / without if with_audience and without else None
            runs.append(BenchRun(figures=figures))
            click.echo(f"run {number} of {options.runs}: p99 {figures['from 202 to screen: p99, ms']:.0f} ms", err=True)
        notes = ["from 202 to screen: over every client and every view of its content, commit and drain included"]
        return BenchReport(load="live", options=options_of(options), runs=runs, balance=testbed.balance(), notes=notes)


def _ingest(testbed: Testbed, options: Options) -> Sent:
    return testbed.send(_ingest_task(testbed, options, testbed.ledger.next))


def _ingest_task(testbed: Testbed, options: Options, first: int) -> Task:
    return testbed.task(
        first=first,
        first_post=testbed.first_post + options.topics,
        posts=options.posts,
        per_s=options.per_s,
        limit=round(options.per_s * options.seconds),
        ledger=str(testbed.folder / "ingest"),
    )


def _beside(testbed: Testbed, options: Options, changes_per_s: float) -> Figures:
    """Send with an audience: the changes that it follows, and the rest beside them."""
    first = testbed.ledger.next
    first += -first % options.topics  # the first change is of the first topic
    changes = testbed.task(
        first=first,
        connections=CHANGERS,
        posts=options.topics,
        per_s=changes_per_s * options.topics,
        limit=round(changes_per_s * options.seconds) * options.topics,
        ledger=str(testbed.folder / "changes"),
        times=str(testbed.folder / "times"),
    )
    listen = audience.Task(
        host=testbed.target.host,
        port=testbed.target.port,
        token=testbed.target.token,
        clients=options.clients,
        topics=options.topics,
        first_post=testbed.first_post,
        seconds=options.seconds + TAIL_S,
        notes=str(testbed.folder / "notes"),
    )
    beside = _ingest_task(testbed, options, first + changes.limit)
    within_s = options.seconds + harness.EXTRA_S
    with children.started("audience", listen) as listeners:
        children.line(listeners, int, START_S)
        with children.started("sender", changes) as changing, children.started("sender", beside) as sending:
            sent = children.answer(sending, Sent, within_s)
            changed = children.answer(changing, Sent, within_s)
        heard = children.answer(listeners, audience.Heard, within_s)
    testbed.ledger.skip(first - testbed.ledger.next)
    testbed.ledger.note(changes.limit, changed.acknowledged, Path(changes.ledger))
    testbed.ledger.note(beside.limit, sent.acknowledged, Path(beside.ledger))
    waits = _waits(options, first, Path(changes.ledger), Path(changes.times), Path(listen.notes))
    testbed.target.wait_until(lambda metrics: metrics.depth == 0, "drained")
    return {
        "from 202 to screen: p50, ms": percentile(waits, 0.5),
        "from 202 to screen: p99, ms": percentile(waits, 0.99),
        "messages/s": heard.messages / options.seconds,
        "clients": float(heard.clients),
        "clients lost": float(heard.lost),
        "views on screens": float(len(waits)),
        "views that no screen showed": _unseen(options, changed, waits),
        "changes/s": changed.acknowledged / changed.seconds,
        "ingest/s": sent.acknowledged / sent.seconds,
        "ingest beside it: p99, ms": sent.p99_ms,
        "resident_mb": testbed.target.resident_mb(),
    }


def _unseen(options: Options, changed: Sent, waits: array[float]) -> float:
    each = options.clients / options.topics
    return max(0.0, changed.acknowledged * each - len(waits))


def _waits(options: Options, first: int, ledger: Path, times: Path, notes: Path) -> array[float]:
    """Return, in ms and in order, how long every view took to every client of its topic."""
    answered: list[list[float]] = [[] for _ in range(options.topics)]
    for number, at in sorted(zip(_read("Q", ledger), _read("d", times), strict=True), key=lambda pair: pair[1]):
        answered[(number - first) % options.topics].append(at)
    waits = array("d")
    before: dict[int, tuple[int, int]] = {}  # client → views at its first message, and how many it has seen since
    for client, views, heard_at in _heard(notes):
        times_of = answered[client % options.topics]
        base, seen = before.setdefault(client, (views, 0))
        upto = min(views - base, len(times_of))
        waits.extend((heard_at - times_of[place]) * 1000 for place in range(seen, upto))
        before[client] = base, max(seen, upto)
    return array("d", sorted(waits))


def _heard(notes: Path) -> list[tuple[int, int, float]]:
    data = notes.read_bytes()
    third = len(data) // 3
    columns = []
    for place, kind in enumerate("QQd"):
        column: array[Any] = array(kind)
        column.frombytes(data[place * third : (place + 1) * third])
        columns.append(column)
    return list(zip(*columns, strict=True))


def _read(kind: str, path: Path) -> array[Any]:
    column: array[Any] = array(kind)
    column.frombytes(path.read_bytes())
    return column
