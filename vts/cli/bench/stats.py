"""`vts bench stats`: how long answers take over a large data set, each asked anew; nothing here is ever cached."""

from __future__ import annotations

import http.client
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from typing import Final

import click

from vts.cli.bench import dataset, private
from vts.cli.bench.figures import BenchRun, Figures, percentile
from vts.cli.bench.report import BenchReport
from vts.cli.bench.target import Target
from vts.query.top import BYS

WARM: Final = 20  # requests of each kind before those that count: connections, plans
TIMEOUT_S: Final = 30.0
PAGE_POSTS: Final = 50  # contents of a page of a gallery

Path = Callable[[random.Random], str]

QUESTIONS: Final[dict[str, Path]] = {
    "post, 30 days": lambda chance: f"/api/post/{chance.randint(2, dataset.POSTS)}/stats?days=30",
    "post, 365 days": lambda chance: f"/api/post/{chance.randint(2, dataset.POSTS)}/stats?days=365",
    "post with a tenth of all raw views today": lambda chance: f"/api/post/{dataset.POPULAR}/stats?days=30",
    "count": lambda chance: f"/api/post/{chance.randint(1, dataset.POSTS)}/count",
    "counts of 50 posts": lambda chance: f"/api/counts?{_refs(chance)}",
    "top of 30 days": lambda chance: f"/api/top?days=30&by={chance.choice(BYS)}",
    "top of 365 days": lambda chance: f"/api/top?days=365&by={chance.choice(BYS)}",
    "artist of 5,000 posts": lambda chance: f"/api/user/{dataset.ARTIST}/artist-stats?days=30",
    "list of 5,000 posts by views": lambda chance: f"/api/user/{dataset.ARTIST}/posts-stats?days=30&sort=-views",
    "site": lambda chance: "/api/admin/sitewide-stats?days=30",
    "channels": lambda chance: "/api/admin/channels?days=30",
}
"""What is asked, by the name under which it is reported."""


def _refs(chance: random.Random) -> str:
    return "&".join(f"ref={chance.randint(1, dataset.POSTS)}" for _ in range(PAGE_POSTS))


def measure(runs: int, requests: int, raw: int, daily: int, url: str | None, token: str | None) -> BenchReport:
    """Measure every question, over a data set of our own unless `url` names a running VTS. Raises ClickException."""
    with _target(url, token) as target:
        notes = []
        if target.database is not None:
            dataset.fill(target.database, raw, daily, lambda text: click.echo(text, err=True))
            target.wait_until(lambda metrics: metrics.total("vts_contents") >= dataset.POSTS, "loaded")
            notes.append(f"{raw:,} raw and {daily:,} daily rows; a request at a time, on one connection")
        found = [BenchRun(figures=_run(target, requests, number, notes)) for number in range(1, runs + 1)]
        options = {"requests": requests, "raw": raw, "daily": daily}
        return BenchReport(load="stats", options=options, runs=found, notes=notes)


@contextmanager
def _target(url: str | None, token: str | None) -> Iterator[Target]:
    if url is not None:
        yield Target(url=url, token=token or "")
        return
    with private.folder() as folder, private.vts(folder) as target:
        yield target


def _run(target: Target, requests: int, number: int, notes: list[str]) -> Figures:
    figures: Figures = {}
    with closing(http.client.HTTPConnection(target.host, target.port, timeout=TIMEOUT_S)) as connection:
        ask = partial(_ask, target, connection)
        for name, path in QUESTIONS.items():
            chance = random.Random(number)  # noqa: S311 -- the same questions every time
            status = ask(path(chance))
            if status != 200:
                note = f"{name}: answered {status}, left out"
                notes.extend([note] if note not in notes else [])
                continue
            for _ in range(WARM):
                ask(path(chance))
            _note(figures, name, [_timed(ask, [path(chance)]) for _ in range(requests)])
        pages = [[QUESTIONS["count"](chance) for _ in range(PAGE_POSTS)] for _ in range(max(1, requests // PAGE_POSTS))]
        _note(figures, f"{PAGE_POSTS} counts, one after the other", [_timed(ask, page) for page in pages])
    figures["resident memory, MB"] = target.resident_mb()
    return figures


def _note(figures: Figures, name: str, took: list[float]) -> None:
    figures[f"{name}: p50, ms"] = percentile(sorted(took), 0.5)
    figures[f"{name}: p99, ms"] = percentile(sorted(took), 0.99)


def _timed(ask: Callable[[str], int], paths: Sequence[str]) -> float:
    started_s = time.perf_counter()
    for path in paths:
        ask(path)
    return (time.perf_counter() - started_s) * 1000


def _ask(target: Target, connection: http.client.HTTPConnection, path: str) -> int:
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {target.token}"})
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as fault:
        raise click.ClickException(f"{target.url} does not answer: {fault}") from None
    return answer.status
