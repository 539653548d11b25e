"""What every benchmark of events shares: the testbed, the measuring, and the ledger."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click

from vts.cli.bench import children, ledger, private, references
from vts.cli.bench.figures import RATE, Figures
from vts.cli.bench.ledger import Balance, Ledger
from vts.cli.bench.options import Options
from vts.cli.bench.sender import Sent, Task
from vts.cli.bench.target import Target

EXTRA_S: Final = 60.0  # for a child beyond its load: to start, to connect, to read the last answers
STRANGE_POSTS: Final = 10**15  # contents of a VTS that is not ours are numbered from here: exact in any JSON
STRANGE_SPREAD: Final = 10**12


@dataclass(frozen=True, slots=True, kw_only=True)
class Testbed:
    """Where a benchmark happens, and what it has sent so far."""

    folder: Path
    target: Target
    options: Options
    series: int
    first_post: int
    accepted_before: int
    ledger: Ledger = field(default_factory=Ledger)

    def task(self, **changes: object) -> Task:
        """Return the task that the options describe, with the next numbers."""
        options = self.options
        plain: dict[str, object] = {
            "host": self.target.host,
            "port": self.target.port,
            "connections": options.connections,
            "seconds": options.seconds,
            "series": self.series,
            "first": self.ledger.next,
            "first_post": self.first_post,
            "posts": options.posts,
            "batch": options.batch,
            "viewers": options.viewers if self.target.is_ours else 0,
            "token": "" if self.target.is_ours else self.target.token,
            "ledger": str(self.folder / "ledger"),
        }
        return Task(**(plain | changes))  # type: ignore[arg-type]

    def send(self, task: Task) -> Sent:
        """Send with our own generator, and note it in the ledger."""
        sent = children.run("sender", task, Sent, task.seconds + EXTRA_S)
        self.ledger.note(sent.used, sent.acknowledged, Path(task.ledger))
        return sent

    def balance(self) -> Balance:
        """Compare what was acknowledged with what the database, or the API, has."""
        accepted = self.target.metrics().accepted - self.accepted_before
        if self.target.database is not None:
            return self.ledger.compare(ledger.stored_in(self.target.database, self.series), accepted)
        counted = ledger.counted_by(self.target, self.first_post, self.options.posts)
        return self.ledger.compare_counts(counted, accepted)


@contextmanager
def testbed(options: Options, settings: Mapping[str, str] | None = None) -> Iterator[Testbed]:
    """Make or find the VTS, register what the load needs, and take it out of a VTS that is not ours."""
    series = random.SystemRandom().randrange(1 << 16)
    with ExitStack() as stack:
        folder = stack.enter_context(private.folder())
        if options.url is None:
            target = stack.enter_context(private.vts(folder, settings))
            first_post = 1
        else:
            target = Target(url=options.url.rstrip("/"), token=options.token or "")
            first_post = STRANGE_POSTS + random.SystemRandom().randrange(STRANGE_SPREAD)
        here = Testbed(
            folder=folder,
            target=target,
            options=options,
            series=series,
            first_post=first_post,
            accepted_before=target.metrics().accepted,
        )
        stack.enter_context(_stocked(here))
        yield here


@contextmanager
def _stocked(here: Testbed) -> Iterator[None]:
    options, target = here.options, here.target
    contents = max(options.contents, options.posts)
    try:
        target.add_contents(here.first_post, contents)
        if options.players:
            activate(here, options.players)
        yield
    finally:
        if not target.is_ours:
            target.remove_contents(here.first_post, contents)


def activate(here: Testbed, count: int) -> None:
    """Register players and have each report one view, so that VTS keeps in mind all it keeps of an active player."""
    first = here.ledger.next
    here.target.add_players(here.series, first, count)
    task = here.task(limit=count, seconds=children.LONG_S, as_players=True, batch=1, token="")
    sent = here.send(task)
    if sent.acknowledged < count:
        raise click.ClickException(f"only {sent.acknowledged} of {count} players were accepted: {sent.refused}")
    here.target.wait_until(lambda metrics: metrics.depth == 0, "drained")


def measured(target: Target, load: Callable[[], Sent]) -> Figures:
    """Load once, wait until everything is in PostgreSQL, and return the figures."""
    before, cpu_s = target.metrics(), target.cpu_s()
    sent = load()
    end, ended_at = target.metrics(), time.monotonic()
    resident_mb = target.resident_mb()
    after = target.wait_until(lambda metrics: metrics.depth == 0, "drained")
    drained_after_s = time.monotonic() - ended_at
    events = after.accepted - before.accepted
    drained = (end.accepted - end.depth) - (before.accepted - before.depth)
    return {
        RATE: sent.acknowledged / sent.seconds,
        "drained_per_s": drained / sent.seconds,
        "p50_ms": sent.p50_ms,
        "p99_ms": sent.p99_ms,
        "refused": float(sum(sent.refused.values())),
        "cpu_us_per_event": per_event_us(cpu_s, target.cpu_s(), events),
        "resident_mb": resident_mb,
        "drain_lag_s": end.drain_lag_s,
        "drained_after_s": drained_after_s,
    }


def per_event_us(before_s: float | None, after_s: float | None, events: int) -> float | None:
    """Return the processor time of an event, None where it is unknown."""
    if before_s is None or after_s is None or not events:
        return None
    return (after_s - before_s) / events * 1e6


def copied_per_s(target: Target, seconds: float) -> dict[str, float]:
    """Measure the plain COPY in the target's database; nothing where that is not ours."""
    if target.database is None:
        return {}
    task = references.Copy(url=target.database, seconds=seconds)
    copied = children.run("references", task, references.Copied, seconds + EXTRA_S)
    return {"copy": copied.rows / copied.seconds}


def say(run: int, options: Options, figures: Figures) -> None:
    """Tell on the error stream that a run is over."""
    rate, p99 = figures.get(RATE), figures.get("p99_ms")
    text = ", ".join(
        f"{value:,.1f} {unit}" for value, unit in ((rate, "events/s"), (p99, "ms p99")) if value is not None
    )
    click.echo(f"run {run} of {options.runs}: {text}", err=True)
