"""The VTS that is measured, seen from outside: its API, its metrics, and what its processes have used."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final
from urllib.parse import urlsplit

import click
import httpx

from vts.cli.bench import ids, usage

TIMEOUT_S: Final = 60.0
BULK: Final = 5_000  # rows of one request to the catalog, below 1 MiB
POLL_S: Final = 0.1
DRAIN_WITHIN_S: Final = 600.0
PROGRESS_ROWS: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A running VTS. `pid` and `database` are None for one that is not ours. `mqtt` is its own endpoint."""

    url: str
    token: str
    pid: int | None = None
    database: str | None = None
    mqtt: str = ""

    @property
    def host(self) -> str:
        """Where it listens."""
        return urlsplit(self.url).hostname or "127.0.0.1"

    @property
    def port(self) -> int:
        """Where it listens."""
        return urlsplit(self.url).port or 80

    @property
    def is_ours(self) -> bool:
        """Whether it is a private one, whose limits are off."""
        return self.pid is not None

    def client(self) -> httpx.Client:
        """Return a client with the rights of a service."""
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=TIMEOUT_S)

    def metrics(self) -> Metrics:
        """Read all metrics."""
        with self.client() as client:
            try:
                return Metrics(client.get("/metrics").raise_for_status().text)
            except httpx.HTTPError as fault:
                raise click.ClickException(f"no VTS answers at {self.url}: {fault}") from None

    def cpu_s(self) -> float | None:
        """Processor time so far."""
        return usage.cpu_s(self.pid)

    def resident_mb(self) -> float | None:
        """Resident memory now."""
        return usage.resident_mb(self.pid)

    def wait_until(self, true: Callable[[Metrics], bool], what: str, every_s: float = POLL_S) -> Metrics:
        """Look at the metrics until a condition holds. Raises ClickException when it does not within 10 minutes."""
        deadline = time.monotonic() + DRAIN_WITHIN_S
        while not true(metrics := self.metrics()):
            if time.monotonic() > deadline:
                raise click.ClickException(f"not {what} within {DRAIN_WITHIN_S:g} s")
            time.sleep(every_s)
        return metrics

    def add_contents(self, first: int, count: int) -> None:
        """Register contents, so that none of them is provisional."""
        rows = ({"post_id": post, "kind": "artwork"} for post in range(first, first + count))
        self._load("/api/content", rows, "contents", count)

    def add_players(self, series: int, first: int, count: int) -> None:
        """Register players with their credentials."""
        numbers = range(first, first + count)
        rows = ({"player_key": ids.player_key(series, n), "credential": ids.credential(series, n)} for n in numbers)
        self._load("/api/players", rows, "players", count)

    def remove_contents(self, first: int, count: int) -> None:
        """Take contents out again; their views stay counted."""
        with self.client() as client:
            for post in range(first, first + count):
                client.delete(f"/api/content/{post}")

    def _load(self, path: str, rows: Iterator[dict[str, Any]], what: str, count: int) -> None:
        sent = 0
        with self.client() as client:
            while batch := list(islice(rows, BULK)):
                answer = client.post(path, json=batch)
                if answer.is_error:
                    raise click.ClickException(f"{path} answered {answer.status_code}: {answer.text}")
                sent += len(batch)
                if sent % PROGRESS_ROWS == 0:
                    click.echo(f"{sent} of {count} {what} registered", err=True)


class Metrics:
    """One scrape."""

    def __init__(self, text: str) -> None:
        self._lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]

    def total(self, start: str) -> float:
        """Return the sum over all lines that start so."""
        return sum(float(value) for name, _, value in self._lines if name.startswith(start))

    @property
    def accepted(self) -> int:
        """Views that were acknowledged since the start."""
        return round(sum(float(value) for name, _, value in self._lines if _is_accepted(name)))

    @property
    def depth(self) -> int:
        """Events that are durable and not yet in PostgreSQL."""
        return round(self.total("vts_journal_depth"))

    @property
    def drain_lag_s(self) -> float:
        """Age of the oldest of them."""
        return self.total("vts_drain_lag_seconds")


def _is_accepted(name: str) -> bool:
    return name.startswith("vts_events_total{") and 'outcome="accepted"' in name
