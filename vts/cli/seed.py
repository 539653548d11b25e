"""`vts seed`: a demo site in a range of its own, sent over HTTP to a running VTS.

Days that are kept raw come as ordinary events, older ones as imports, each once under its id: the same command again
changes nothing. What the demo shows is what any host application would get.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote

import click
import httpx
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vts.cli.client import headers_of, refuse, speaking_to
from vts.cli.seed_looks import MARK, Row
from vts.cli.seed_site import DemoSite, batched

BATCH: Final = 500  # the largest array that the capture API takes
ROWS: Final = 5_000  # of an import: half a megabyte, gzipped
TIMEOUT_S: Final = 120
ID: Final = "seed"  # with which the ids of its imports begin

Answer = dict[str, Any]


class Seeding:
    """One run against one VTS. `raw_days` are the days that it keeps raw."""

    def __init__(self, client: httpx.Client, progress: Progress, raw_days: int) -> None:
        self._client = client
        self._progress = progress
        self._raw_days = raw_days
        self.dropped: Counter[tuple[str, str]] = Counter()
        self.repeated = 0

    def fill(self, site: DemoSite) -> None:
        """Send the demo site. Raises ClickException that says what the server refused."""
        name = name_of(site)
        self._part("contents", "/api/content", batched(site.contents(), BATCH), site.posts)
        self._part("players", "/api/players", batched(site.player_rows(), BATCH), site.players)
        self._part("reactions", "/api/reactions", *_sized(site.reactions()))
        self._part("comments", "/api/comments", *_sized(site.comments()))
        days = [site.first + dt.timedelta(days=number) for number in range(site.days)]
        first_raw = site.last - dt.timedelta(days=self._raw_days)
        old = [day for day in days if day < first_raw]
        self._history(name, site, old)
        self._between(name, site, [day for day in days if day == first_raw])
        recent = [day for day in days if day > first_raw]
        views = [row for day in recent for row in site.view_events(day)]
        self._part("views", "/api/view", *_sized(views))
        events = [row for day in recent for row in site.site_events(day)]
        self._part("page views", "/api/track/event", *_sized(events))
        self._players(site, recent)

    def _history(self, name: str, site: DemoSite, days: Sequence[dt.date]) -> None:
        """Import counters: some days at a time, so that ids and rows are the same in every run."""
        task = self._progress.add_task("history", total=len(days))
        rows: list[Row] = []
        begun = 0
        for number, day in enumerate(days):
            rows += site.counters(day)
            if len(rows) >= ROWS or number == len(days) - 1:
                if rows:
                    self._import("/api/import/daily", f"{name}:daily:{days[begun]}", rows)
                self._progress.advance(task, number + 1 - begun)
                rows, begun = [], number + 1
        of_site = [row for day in days if (row := site.site_counters(day))]
        if of_site:
            self._import("/api/import/site-stats", f"{name}:site", of_site)

    def _between(self, name: str, site: DemoSite, days: Iterable[dt.date]) -> None:
        """Import the events of the day that is still raw, and for which an event is too late."""
        for day in days:
            at = f"{day}T12:00:00Z"
            views = [row | {"created_at": _time_of(row)} for row in site.view_events(day)]
            for part, rows in enumerate(batched(iter(views), ROWS)):
                self._import("/api/import/views", f"{name}:views:{at}:{part}", rows)
            events = [row | {"created_at": _time_of(row)} for row in site.site_events(day)]
            for part, rows in enumerate(batched(iter(events), ROWS)):
                self._import("/api/import/site-events", f"{name}:events:{at}:{part}", rows)

    def _players(self, site: DemoSite, days: Iterable[dt.date]) -> None:
        reports = [report for day in days for report in site.player_views(day)]
        task = self._progress.add_task("on walls", total=len(reports))
        for key, report in reports:
            done = self._post("/player/events/view", json=report, auth=httpx.BasicAuth(key, site.credentials[key]))
            self._note("views of players", done)
            self._progress.advance(task, _kept(done))

    def _part(self, name: str, path: str, batches: Iterable[list[Row]], total: int) -> None:
        """Send rows; the bar counts those that are kept."""
        task = self._progress.add_task(name, total=total)
        for batch in batches:
            done = self._post(path, json=batch)
            self._note(name, done)
            self._progress.advance(task, _kept(done))

    def _import(self, path: str, import_id: str, rows: Sequence[Row]) -> None:
        body = gzip.compress(json.dumps(rows).encode(), compresslevel=3, mtime=0)  # the same bytes in every run
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json", "Idempotency-Key": import_id}
        done = self._post(path, content=body, headers=headers)
        self._note("imported events", done)
        self.repeated += bool(done["repeated"])

    def _note(self, what: str, done: Answer) -> None:
        for reason, count in done.get("dropped", {}).items():
            self.dropped[what, reason] += count

    def _post(self, path: str, **request: Any) -> Answer:
        answer = self._client.post(path, **request)
        while answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            time.sleep(float(answer.headers.get("Retry-After", "1")))
            answer = self._client.post(path, **request)
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            return {"accepted": 0, "dropped": {"rate_limited": 1}}
        refuse(answer, path)
        said: Answer = answer.json()
        return said


def run(url: str, token: str, wanted: DemoSite, *, raw_days: int, beside: bool) -> None:
    """Send the demo site, or what is missing of it. Raises ClickException that says what the server refused."""
    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    client = httpx.Client(base_url=url, headers=headers_of(token), timeout=TIMEOUT_S)
    with speaking_to(url), client:
        if not beside:
            _refuse_others(client)
        site = _as_begun(client, wanted)
        with Progress(*columns) as progress:
            seeding = Seeding(client, progress, raw_days)
            seeding.fill(site)
    for (what, reason), count in sorted(seeding.dropped.items()):
        click.echo(f"not counted: {count:,} {what}, {reason}{WHY.get(reason, '')}")
    if seeding.repeated:
        click.echo(f"already here: {seeding.repeated} imports, which changed nothing")


WHY: Final = {
    "duplicate": " (they were here before)",
    "deleted": " (their contents were deleted)",
    "too_late": " (their days are no longer kept raw)",
    "author": " (by the owner of the content)",
    "rate_limited": " (more than a player may report; limits.player_interval_s)",
}


def remove(url: str, token: str) -> None:
    """Take the demo site out: its imports are undone, its contents and players deleted. Raises ClickException."""
    client = httpx.Client(base_url=url, headers=headers_of(token), timeout=TIMEOUT_S)
    with speaking_to(url), client:
        imports = [row["import_id"] for row in _exported(client, "imports") if row["import_id"].startswith(f"{ID}:")]
        contents = [row["post_ref"] for row in _exported(client, "content") if _is_ours(row) and not row["deleted"]]
        players = [row["player_key"] for row in _exported(client, "players") if _is_artist(row.get("owner_ref"))]
        for name in imports:
            refuse(client.delete("/api/import/" + quote(name, safe="")), "/api/import/")
        _delete(client, "/api/content/delete", [{"post_id": name} for name in contents])
        _delete(client, "/api/players/delete", [{"player_key": key} for key in players])
        click.echo(f"imports undone: {len(imports):,}")
        click.echo(f"contents deleted: {len(contents):,}")
        click.echo(f"players deleted: {len(players):,}")
    click.echo("events of the days that are kept raw stay in the numbers of the whole site")


def _delete(client: httpx.Client, path: str, rows: list[Row]) -> None:
    """Delete what the rows name, some thousand at a time: each request is one write of the catalog."""
    for batch in batched(iter(rows), ROWS):
        refuse(client.post(path, json=batch), path)


def name_of(site: DemoSite) -> str:
    """Return with what the ids of the imports begin: everything that the rows depend on."""
    return f"{ID}:{site.seed}:{site.until:%Y-%m-%dT%H.%MZ}:{site.posts}:{site.players}:{site.views}:{site.days}"


def _as_begun(client: httpx.Client, wanted: DemoSite) -> DemoSite:
    """Return the demo site that an earlier run began, as of its own time. Raises ClickException for another one."""
    names = [row["import_id"] for row in _exported(client, "imports") if row["import_id"].startswith(f"{ID}:")]
    if not names:
        return wanted
    try:
        _, seed, at, posts, players, views, days = names[0].split(":")[:7]
        until = dt.datetime.strptime(at, "%Y-%m-%dT%H.%MZ").replace(tzinfo=dt.UTC)
        begun = DemoSite(int(seed), until, int(posts), int(players), int(views), int(days))
    except ValueError:
        raise click.ClickException(f"the import {names[0]} is not one of this version's demo; undo it first") from None
    if (begun.seed, begun.posts, begun.players, begun.views, begun.days) == (
        *(wanted.seed, wanted.posts, wanted.players, wanted.views, wanted.days),
    ):
        return begun
    raise click.ClickException(
        f"another demo site is here: --seed {begun.seed} --posts {begun.posts} --players {begun.players} "
        f"--views {begun.views} --days {begun.days}; `vts seed --remove` takes it out"
    )


def _refuse_others(client: httpx.Client) -> None:
    """Raise ClickException for a catalog that is not the demo's own."""
    other = next((row for row in _exported(client, "content") if not _is_ours(row) and not row["deleted"]), None)
    if other is not None:
        raise click.ClickException(
            f"this VTS has contents of its own (the first is {other['post_ref'] or other['post_id']}), and nothing was "
            "changed; --beside puts the demo beside them: it counts in the numbers of the whole site, too"
        )


def _kept(done: Answer) -> int:
    """Return how many rows are in VTS now, those that were there before included."""
    before: int = done.get("dropped", {}).get("duplicate", 0)
    return before + int(done.get("accepted") or done.get("upserted") or 0)


def _is_ours(row: Row) -> bool:
    return f":{MARK}" in (row["post_ref"] or "")


def _is_artist(ref: str | None) -> bool:
    return (ref or "").startswith(f"{MARK}artist-")


def _exported(client: httpx.Client, table: str) -> Iterator[Row]:
    with client.stream("GET", f"/api/export/{table}", params={"format": "ndjson"}) as answer:
        if answer.is_error:
            answer.read()
            refuse(answer, f"/api/export/{table}")
        for line in answer.iter_lines():
            if line:
                yield json.loads(line)


def _sized(rows: Iterable[Row]) -> tuple[Iterator[list[Row]], int]:
    listed = list(rows)
    return batched(iter(listed), BATCH), len(listed)


def _time_of(row: Row) -> str:
    """Return the time inside an event's id."""
    milliseconds = int(row["event_id"].replace("-", "")[:12], 16)
    return dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC).isoformat()
