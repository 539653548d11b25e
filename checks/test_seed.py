"""`vts seed` makes a demo site in a range of its own: it harms no catalog, and the same command changes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.support.folders import open_folder
from tests.support.process import Vts, running
from tests.support.waiting import wait_until
from vts.cli.main import main
from vts.cli.seed_site import DemoSite

SMALL = ("--posts", "12", "--players", "1", "--views", "900", "--days", "30")


@pytest.fixture(scope="module")
def vts() -> Iterator[Vts]:
    with open_folder() as folder, running(folder) as process:
        yield process


def seed(vts: Vts, *words: str) -> Result:
    return CliRunner().invoke(main, ["seed", *words], env=vts.environment)


def shown(vts: Vts) -> dict[str, Any]:
    with vts.client(vts.service_token()) as client:
        site = client.get("/api/admin/sitewide-stats", params={"days": 60}).json()
        tables = {name: client.get(f"/api/export/{name}").json() for name in ("content", "players", "imports")}
    trend = [(day["date"], day["views"], day["unique_viewers"], day["page_views"]) for day in site["daily_trend"]]
    names: tuple[str, ...] = ("page_views", "unique_visitors", "total_views", "unique_viewers", "signups")
    names += ("countries", "devices", "referrers", "views_by_type", "top_pages")
    return {name: site[name] for name in names} | tables | {"trend": trend}


def test_a_demo_of_its_own_range_comes_once_and_refuses_another_catalog(vts: Vts) -> None:
    with vts.client(vts.service_token()) as client:
        client.post("/api/content", json={"post_id": 1, "title": "Mine"})
        refused = seed(vts, *SMALL)
        assert refused.exit_code == 1 and "has contents of its own (the first is 1)" in refused.output, refused.output
        assert [row["post_id"] for row in client.get("/api/export/content").json()] == [1]
        first = seed(vts, *SMALL, "--beside")
        assert first.exit_code == 0, first.output
        sent = sum(len(list(site().view_events(day))) for day in days(7))
        wait_until(lambda: "\nvts_journal_depth 0" in client.get("/metrics").text)
        full = shown(vts)
        contents = {row["post_ref"] or row["post_id"]: row for row in full["content"]}
        assert contents.pop(1)["title"] == "Mine"
        assert len(contents) == 12 and all(":seed-" in ref for ref in contents)
        assert all(row["owner_ref"].startswith("seed-artist-") for row in contents.values())
        assert sent > 100 and full["unique_viewers"] > 100 and full["page_views"] > 300
        assert sum(views > 0 for _, views, _, _ in full["trend"]) >= 28
        for name in ("countries", "devices", "referrers", "views_by_type", "top_pages"):
            assert len(full[name]) > 2, name
        for table in ("reactions", "comments"):
            assert client.get(f"/api/export/{table}").json()

    again = seed(vts, *SMALL, "--beside")
    assert again.exit_code == 0 and "imports, which changed nothing" in again.output
    assert "duplicate (they were here before)" in again.output
    with vts.client(vts.service_token()) as client:
        wait_until(lambda: "\nvts_journal_depth 0" in client.get("/metrics").text)
    after = shown(vts)
    assert {name: after[name] for name in full if name not in ("content", "players")} == {
        name: full[name] for name in full if name not in ("content", "players")
    }
    other = seed(vts, "--posts", "13", "--beside")
    assert other.exit_code == 1 and "another demo site is here: --seed 1 --posts 12" in other.output

    removed = seed(vts, "--remove")
    assert removed.exit_code == 0 and "contents deleted: 12" in removed.output, removed.output
    left = shown(vts)
    assert left["imports"] == []
    assert [row["post_id"] for row in left["content"] if not row["deleted"]] == [1]
    assert all(views == 0 for _, views, _, _ in left["trend"][:50])
    second = seed(vts, *SMALL, "--beside")
    assert second.exit_code == 0, second.output
    with vts.client(vts.service_token()) as client:
        wait_until(lambda: "\nvts_journal_depth 0" in client.get("/metrics").text)
    now, moves = shown(vts), ("updated_at", "imported_at", "registered_at")

    def fixed(table: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{name: value for name, value in row.items() if name not in moves} for row in table]

    assert {name: now[name] for name in full if name not in ("content", "players", "imports")} == {
        name: full[name] for name in full if name not in ("content", "players", "imports")
    }
    for name in ("content", "players", "imports"):
        assert fixed(now[name]) == fixed(full[name])


def site() -> DemoSite:
    return DemoSite(seed=1, until=dt.datetime.now(dt.UTC), posts=12, players=1, views=900, days=30)


def days(count: int) -> list[dt.date]:
    return [site().last - dt.timedelta(days=number) for number in range(count)]


def test_the_same_numbers_make_the_same_site() -> None:
    one, same = site(), site()
    day = one.last - dt.timedelta(days=3)
    assert list(one.view_events(day)) == list(same.view_events(day)) != []
    assert list(one.counters(day)) == list(same.counters(day))
    assert list(one.contents()) == list(same.contents())


def test_a_year_has_a_weekly_rhythm_and_a_spike() -> None:
    year = DemoSite(seed=1, until=dt.datetime(2026, 1, 31, tzinfo=dt.UTC), posts=50, players=0, views=20_000, days=365)
    dates = [year.first + dt.timedelta(days=n) for n in range(365)]
    views = {date: len(year.looks_of(date)) for date in dates}
    assert sum(views.values()) == pytest.approx(20_000, rel=0.02)
    by_weekday = [sum(n for day, n in views.items() if day.weekday() == weekday) for weekday in range(7)]
    assert min(by_weekday[5:]) > max(by_weekday[:4])
    spike = max(views, key=lambda day: views[day])
    usual = sorted(views.values())[len(views) // 2]
    assert views[spike] > 4 * usual
    rows = list(year.counters(spike))
    assert max(row.get("views", 0) for row in rows) > views[spike] / 3  # one content goes around
