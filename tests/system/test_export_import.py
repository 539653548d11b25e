"""Tables leave a running VTS in every format, and history comes into it exactly once."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import gzip
import io
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import jwt
import openpyxl
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from config.load import DEFAULTS
from tests.support.folders import open_folder
from tests.support.process import Vts, running
from tests.support.waiting import wait_until
from vts.cli.main import main

HOST_KEY = Ed25519PrivateKey.generate()
TODAY = dt.datetime.now(dt.UTC).date()
OLD = TODAY - dt.timedelta(days=60)
AT = dt.datetime.combine(OLD, dt.time(12), dt.UTC)


@pytest.fixture(scope="module")
def vts() -> Iterator[Vts]:
    """One process for all these stories, run by the production example: the host signs tokens, VTS has its key."""
    with open_folder() as folder:
        (folder / "tokens.pem").write_bytes(
            HOST_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
        settings = {
            "VTS_CONFIG": str(DEFAULTS.with_name("production.example.toml")),
            "VTS_AUTH__PUBLIC_KEY_FILE": str(folder / "tokens.pem"),
            "VTS_CATALOG__MODE": "open",
            "VTS_SITE__DOMAIN": "own.example",
        }
        with running(folder, **settings) as process:
            yield process


@pytest.fixture(scope="module")
def token(vts: Vts) -> str:
    """A token of the host application."""
    return vts.service_token()


def view(vts: Vts, token: str, post_id: int, **fields: object) -> None:
    with vts.client(token) as client:
        assert client.post("/api/view", json={"post_id": post_id, **fields}).json()["accepted"] == 1


def total(vts: Vts, token: str, post_id: int, query: str = "") -> int:
    with vts.client(token) as client:
        return int(client.get(f"/api/post/{post_id}/stats{query}").json()["total_views"])


def test_statistics_leave_in_every_format(vts: Vts, token: str) -> None:
    view(vts, token, 501, client_ip="200.221.11.100", user_id=5)
    wait_until(lambda: total(vts, token, 501) == 1)
    path = "/api/post/501/stats"
    with vts.client(token) as client:
        answer = client.get(path, params={"format": "csv", "days": 7})
        assert answer.headers["content-type"].startswith("text/csv")
        assert answer.headers["content-disposition"] == 'attachment; filename="post_501_daily_views.csv"'
        assert answer.headers["cache-control"] == "no-store"
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert len(rows) == 7
        assert (rows[-1]["views"], rows[-1]["views_authenticated"], rows[-1]["unique_viewers"]) == ("1", "1", "1")
        table = pq.read_table(io.BytesIO(client.get(path, params={"format": "parquet"}).content))
        assert table.num_rows == 30
        sheet = openpyxl.load_workbook(io.BytesIO(client.get(path, params={"format": "xlsx"}).content)).active
        assert sheet.max_row == 31
        lines = client.get(path, params={"format": "ndjson", "table": "device"}).text.splitlines()
        assert [json.loads(line) for line in lines] == [{"value": "desktop", "views": 1, "views_authenticated": 1}]
        assert client.get(path, params={"table": "device"}).json()[0]["value"] == "desktop"
        assert client.get(path, params={"format": "json"}).json()["total_views"] == 1


def test_a_bad_format_or_table_says_what_is_allowed(vts: Vts, token: str) -> None:
    with vts.client(token) as client:
        client.post("/api/content", json={"post_id": 502})
        for path in ("/api/post/502/stats", "/api/export/content"):
            answer = client.get(path, params={"format": "pdf"})
            assert answer.status_code == 400
            assert "format: csv, json, ndjson, xlsx, parquet" in answer.json()["error"]
        answer = client.get("/api/post/502/stats", params={"table": "x"})
        assert answer.status_code == 400 and "daily_views" in answer.json()["error"]
        assert client.get("/api/export/journal_offset").status_code == 404
        for bad in ({"from": "yesterday"}, {"from": "2026-01-02", "to": "2026-01-01"}):
            assert client.get("/api/export/view_events", params=bad).status_code == 400


def test_whole_tables_are_for_those_who_read_everything_and_personal_reads_are_noted(vts: Vts, token: str) -> None:
    view(vts, token, 503, user_id=77, referrer="https://example.org/")
    wait_until(lambda: total(vts, token, 503) == 1)
    path = "/api/export/view_events"
    with vts.client() as client:
        assert client.get(path).status_code == 401
        user, moderator = ({"Authorization": f"Bearer {vts.token(8, role)}"} for role in ("user", "moderator"))
        assert client.get(path, headers=user).status_code == 403
        events = [row for row in client.get(path, headers=moderator).json() if row["post_id"] == 503]
        assert [(row["viewer_user_id"], row["referrer_domain"]) for row in events] == [(77, "example.org")]
        assert client.get(path, headers=moderator, params={"to": "2020-01-01"}).json() == []
        players = client.get("/api/export/players", headers=moderator, params={"format": "csv"}).text
        assert "credential" not in players
        owner = {"Authorization": f"Bearer {vts.token(9, 'owner')}"}
        noted = client.get("/api/export/audit_log", headers=owner).json()
        assert ("user:8", "export", "view_events") in {(n["actor"], n["action"], n["subject"]) for n in noted}
        assert "players" not in {n["subject"] for n in noted}
        listed = client.get("/api/export", headers=moderator).json()["tables"]
        assert "audit_log" not in listed and len(listed) >= 14
        for name in listed:
            assert client.get(f"/api/export/{name}", headers=moderator, params={"format": "ndjson"}).status_code == 200
            head = client.head(f"/api/export/{name}", headers=moderator, params={"format": "csv"})
            assert head.status_code == 200 and head.content == b""


def test_counters_of_days_long_gone_come_in_once(vts: Vts, token: str) -> None:
    rows = [
        {"post_id": 601, "day": str(OLD), "views": 10, "unique_viewers": 4, "breakdowns": {"country": {"BR": 7}}},
        {"post_id": 602, "day": str(OLD), "views": 5, "views_authenticated": 5},
    ]
    body = "\n".join(map(json.dumps, rows))
    with vts.client(token) as client:
        first = client.post("/api/import/daily", content=body)
        assert first.status_code == 200, first.text
        assert (first.json()["imported"], first.json()["repeated"]) == (2, False)
        again = client.post("/api/import/daily", content=body).json()
        assert (again["imported"], again["repeated"], again["import_id"]) == (0, True, first.json()["import_id"])
        stats = client.get("/api/post/601/stats", params={"days": 90}).json()
        assert (stats["total_views"], stats["unique_viewers"], stats["unique_viewers_imported"]) == (10, 4, 4)
        assert stats["views_by_country"] == {"BR": 7}
        assert client.get("/api/post/601/count").json()["views"] == 10


def test_an_exported_table_can_be_imported_as_it_is(vts: Vts, token: str) -> None:
    with vts.client(token) as client:
        row = {"post_id": 611, "day": str(OLD), "views": 3, "breakdowns": {"referrer": {"example.org": [2, 0]}}}
        client.post("/api/import/daily", json=[row])
        params = {"format": "csv", "from": str(OLD), "to": str(OLD)}
        lines = client.get("/api/export/post_stats_daily", params=params).text.splitlines()
        body = "\r\n".join([lines[0], *(line for line in lines if line.startswith("611,"))])
        headers = {"Content-Type": "text/csv", "Idempotency-Key": "copy", "Content-Encoding": "gzip"}
        answer = client.post("/api/import/daily", content=gzip.compress(body.encode()), headers=headers)
        assert answer.json() == {"import_id": "copy", "imported": 1, "repeated": False}
        stats = client.get("/api/post/611/stats", params={"days": 90}).json()
        assert (stats["total_views"], stats["views_by_referrer"]) == (6, {"example.org": 4})
        other = client.post("/api/import/daily", json=[row], headers={"Idempotency-Key": "copy"})
        assert (other.status_code, other.json()["error_code"]) == (409, "import_id_used")


def test_the_site_s_days_are_a_table_of_their_own(vts: Vts, token: str) -> None:
    day = str(OLD - dt.timedelta(days=9))
    with vts.client(token) as client:

        def exported(table: str) -> list[dict[str, Any]]:
            return list(client.get(f"/api/export/{table}", params={"from": day, "to": day}).json())

        client.post("/api/import/daily", json=[{"post_id": 613, "day": day, "views": 3, "unique_viewers": 2}])
        assert [row["post_id"] for row in exported("post_stats_daily")] == [613]
        assert [row["total_views"] for row in exported("site_views_daily")] == [3]
        body = "day,total_views,unique_viewers\n" + f"{day},5,4"
        answer = client.post("/api/import/site", content=body, headers={"Content-Type": "text/csv"})
        assert (answer.status_code, answer.json()["imported"]) == (200, 1), answer.text
        (row,) = exported("site_views_daily")
        assert "post_id" not in row
        assert (row["total_views"], row["unique_viewers"] + row["unique_viewers_imported"]) == (5, 4)
        assert vts.cli("export", "site_views_daily", "--from", day, "--to", day).splitlines()[1].startswith(f"{day},5,")
        wrong = client.post("/api/import/site", json=[{"post_id": 613, "day": day, "views": 3}])
        assert wrong.status_code == 400 and wrong.json()["error"].startswith("row 0: ") and "post_id" in wrong.text
        missing = client.post("/api/import/daily", json=[{"day": day, "views": 3}])
        assert missing.status_code == 400 and "post_id" in missing.text
        none = client.post("/api/import/site", json=[{"day": day}])
        assert none.status_code == 400 and "views: at least 1" in none.text
        assert [row["total_views"] for row in exported("site_views_daily")] == [5]


def test_the_command_line_writes_tables(vts: Vts, token: str, tmp_path: Path) -> None:
    with vts.client(token) as client:
        client.post("/api/content", json={"post_id": 612, "title": "=1+1"})
    assert "612,,artwork,,,'=1+1" in vts.cli("export", "content")
    target = tmp_path / "content.parquet"
    vts.cli("export", "content", "-o", str(target))
    assert 612 in pq.read_table(target)["post_id"].to_pylist()
    command = [sys.executable, "-m", "vts", "export", "players_x", "-o", str(tmp_path / "x.csv")]
    refused = subprocess.run(command, env=vts.environment, capture_output=True, text=True)
    assert refused.returncode == 1 and "404: table: one of view_events" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["content.parquet"]
    missing = tmp_path / "nowhere" / "content.csv"
    refused = command_line(vts, "export", "content", "-o", str(missing))
    assert (refused.exit_code, refused.stderr) == (
        1,
        f"Error: --output {missing}: cannot be written: No such file or directory\n",
    )


def command_line(vts: Vts, *words: str, **settings: str) -> Result:
    """Run a command on the server's machine, in this process."""
    unset = dict.fromkeys((name for name in os.environ if name.startswith("VTS_")), None)
    done = CliRunner().invoke(
        main, words, env=unset | {k: v for k, v in vts.environment.items() if k.startswith("VTS_")} | settings
    )
    assert "Traceback" not in done.output and isinstance(done.exception, SystemExit | None), repr(done.exception)
    return done


def test_every_command_works_beside_a_host_that_signs_its_own_tokens(vts: Vts) -> None:
    watched = command_line(vts, "watch", "post:1", "--count", "1")
    assert watched.exit_code == 0 and "post:1  views" in watched.stdout
    erased = command_line(vts, "erase", "--user", "77", "--yes")
    assert erased.exit_code == 0 and "changed" in erased.stdout
    link = command_line(vts, "login-link", "--user", "7", "--role", "owner").stdout.strip()
    with vts.client() as browser:
        form = {"link": link.partition("link=")[2]}
        assert browser.post("/login", data=form, headers={"Origin": vts.http}).status_code == 303
        assert browser.get("/api/session").json()["roles"] == ["owner"]


def test_a_command_shows_the_token_that_it_is_given(vts: Vts) -> None:
    claims = {"sub": "9", "roles": ["service"], "iss": "https://example.org", "aud": "vts", "exp": time.time() + 60}
    host = jwt.encode(claims, HOST_KEY, algorithm="EdDSA")
    elsewhere = {"VTS_DATA__DIR": str(vts.folder / "another machine")}
    remote = ("--url", vts.http)
    for words in (("export", "content"), ("watch", "top", "--count", "1")):
        assert command_line(vts, *words, *remote, VTS_TOKEN=host, **elsewhere).exit_code == 0
        assert command_line(vts, *words, *remote, "--token", host, VTS_TOKEN="x", **elsewhere).exit_code == 0
    for words in (("export", "content"), ("watch", "top"), ("erase", "--user", "7", "--yes"), ("seed", "--views", "1")):
        refused = command_line(vts, *words, *remote, "--token", "a.b.c", **elsewhere)
        assert refused.exit_code == 1
        assert "401" in refused.stderr and "give --token or VTS_TOKEN" in refused.stderr
    assert not (vts.folder / "another machine").exists()


def test_a_topic_that_is_not_the_bearer_s_ends_the_watch(vts: Vts) -> None:
    token = command_line(vts, "token", "--user", "7").stdout.strip()
    refused = command_line(vts, "watch", "artist:8", "player:0199c0de-0000-4000-8000-00000000002a", "--token", token)
    assert refused.exit_code == 2
    assert refused.stderr.count("not yours to see") == 2 and "nothing left to follow" in refused.stderr


def psql(vts: Vts, statement: str) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(vts.urls["database"])
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(ask())


SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'vts export'"


def test_a_client_that_hangs_up_ends_the_cursor_and_a_broken_table_is_no_whole_file(vts: Vts, token: str) -> None:
    rows = "SELECT gen_random_uuid(), n, 0, '', repeat('x', 200) FROM generate_series(1, 90000) AS n"
    psql(vts, f"INSERT INTO dead_letters {rows}")
    path = "/api/export/dead_letters?format=csv"
    with vts.client(token) as client:
        with client.stream("GET", path) as answer:
            pieces = answer.iter_raw()
            next(pieces)
            assert psql(vts, SESSIONS) == 1
        wait_until(lambda: psql(vts, SESSIONS) == 0)
        with client.stream("GET", path) as answer, pytest.raises(httpx.RemoteProtocolError):
            pieces = answer.iter_raw()
            next(pieces)
            psql(vts, SESSIONS.replace("count(*)", "pg_terminate_backend(pid)"))
            for _ in pieces:
                pass
        assert client.get("/health/ready").status_code == 200
        psql(vts, "TRUNCATE dead_letters")


BAD_ROWS = {
    "day: before": {"day": str(TODAY)},
    "day": {"day": "yesterday"},
    "views: at least 1": {"views": 0},
    "unique_viewers: more than views": {"unique_viewers": 11},
    "views_authenticated: more": {"views_authenticated": 11},
    "breakdowns: one of country": {"breakdowns": {"colour": {"red": 1}}},
    "breakdowns.country: adds up": {"breakdowns": {"country": {"BR": 11}}},
    "first_view_at": {"first_view_at": f"{TODAY}T00:00:00Z"},
    "post_id": {"post_id": -1},
    "the same as in row 0": {"post_id": 621},
}


@pytest.mark.parametrize("said", BAD_ROWS)
def test_a_bad_row_is_named_and_nothing_is_applied(vts: Vts, token: str, said: str) -> None:
    good = {"post_id": 621, "day": str(OLD), "views": 10}
    with vts.client(token) as client:
        answer = client.post("/api/import/daily", json=[good, good | {"post_id": 622} | BAD_ROWS[said]])
        assert answer.status_code == 400
        assert answer.json()["error"].startswith("row 1: ") and said in answer.json()["error"], answer.text
        assert client.get("/api/post/621/count").status_code == 404


def test_imports_are_for_services(vts: Vts, token: str) -> None:
    with vts.client() as client:
        moderator = {"Authorization": f"Bearer {vts.token(8, 'moderator')}"}
        for path in ("/api/import/daily", "/api/import/site", "/api/import/views"):
            assert client.post(path, json=[]).status_code == 401
            assert client.post(path, json=[], headers=moderator).status_code == 403


def test_views_come_in_at_their_own_times_and_once(vts: Vts, token: str) -> None:
    yesterday = dt.datetime.combine(TODAY - dt.timedelta(days=1), dt.time(9), dt.UTC)
    old, ids = {"post_id": 631, "created_at": AT.isoformat()}, [str(uuid.uuid4()) for _ in range(3)]
    rows = [
        *({**old, "event_id": ids[n], "client_ip": f"8.8.8.{n}"} for n in range(3)),
        {"post_id": 631, "created_at": yesterday.isoformat(), "user_id": 9},
        {"post_id": 631, "created_at": yesterday.isoformat(), "user_id": 9},
    ]
    with vts.client(token) as client:
        first = client.post("/api/import/views", json=rows)
        assert first.status_code == 202, first.text
        assert (first.json()["accepted"], first.json()["merged"], first.json()["dropped"]) == (2, 3, {})
        wait_until(lambda: total(vts, token, 631, "?days=90") == 5)
        again = client.post("/api/import/views", json=rows).json()
        assert (again["accepted"], again["merged"], again["repeated"], again["dropped"]) == (0, 0, True, {})
        header = {"Content-Type": "text/csv"}
        lines = [
            "post_id,event_id,created_at",
            f"631,{ids[0]},{AT.isoformat()}",
            f"631,{uuid.uuid4()},{AT.isoformat()}",
        ]
        other = client.post("/api/import/views", content="\n".join(lines), headers=header).json()
        assert (other["merged"], other["dropped"]) == (1, {"duplicate": 1})
        stats = client.get("/api/post/631/stats", params={"days": 90}).json()
        by_day = {day["date"]: (day["views"], day["unique_viewers"]) for day in stats["daily_views"] if day["views"]}
        assert by_day == {str(OLD): (4, 4), str(yesterday.date()): (2, 1)}


def test_imports_are_undone_by_their_ids(vts: Vts, token: str) -> None:
    yesterday = dt.datetime.combine(TODAY - dt.timedelta(days=1), dt.time(9), dt.UTC)
    live = {"post_id": 635, "event_id": str(uuid.uuid4()), "client_ip": "8.8.4.4"}
    daily = [{"post_id": 635, "day": str(OLD), "views": 10, "unique_viewers": 4}]
    times = [AT, yesterday, dt.datetime.now(dt.UTC)]
    made = [
        {"post_id": 635, "created_at": at.isoformat(), "event_id": str(uuid.uuid4()), "client_ip": "8.8.8.8"}
        for at in times
    ]

    def shown(client: httpx.Client) -> dict[str, Any]:
        stats = client.get("/api/post/635/stats", params={"days": 90}).json()
        return {name: stats[name] for name in stats if name not in ("computed_at", "lag_seconds")}

    with vts.client(token) as client:
        client.post("/api/content", json={"post_id": 635})
        client.post("/api/view", json=live)
        wait_until(lambda: total(vts, token, 635) == 1)
        nothing = shown(client)
        for _ in range(2):  # what was undone may come again
            a = client.post("/api/import/daily", params={"import_id": "a/b c".replace(" ", "?")}, json=daily)
            b = client.post("/api/import/views", json=[*made, live | {"created_at": times[2].isoformat()}])
            assert (a.status_code, b.status_code) == (200, 202), a.text + b.text
            assert (b.json()["accepted"], b.json()["merged"], b.json()["dropped"]) == (2, 1, {"duplicate": 1})
            assert total(vts, token, 635, "?days=90") == 14
            undone = client.delete("/api/import/a%2Fb%3Fc")
            assert undone.json() == {
                "import_id": "a/b?c", "kind": "daily", "rows": 1, "views": 10, "site_views": 0,
                "page_views": 0, "days": 1
            }  # fmt: skip
            assert total(vts, token, 635, "?days=90") == 4
            undone = client.delete(f"/api/import/{b.json()['import_id']}")
            assert (undone.json()["kind"], undone.json()["rows"], undone.json()["views"]) == ("views", 3, 3)
            assert client.delete(f"/api/import/{b.json()['import_id']}").status_code == 404
            assert shown(client) == nothing
        assert client.get("/api/post/635/count").json()["views"] == 1
        moderator = {"Authorization": f"Bearer {vts.token(8, 'moderator')}"}
        assert client.delete("/api/import/x", headers=moderator).status_code == 403
        noted = client.get("/api/export/audit_log").json()
        assert ("import.undo", "import:a/b?c") in {(n["action"], n["subject"]) for n in noted}


def test_an_imported_view_that_cannot_be_is_named(vts: Vts, token: str) -> None:
    good = {"post_id": 641, "created_at": dt.datetime.now(dt.UTC).isoformat()}
    bad = {
        "created_at": {"post_id": 641},
        "created_at: a time with its offset": good | {"created_at": "2026-01-01T00:00:00"},
        "in the future": good | {"created_at": "2100-01-01T00:00:00Z"},
        "event_id: needed": good | {"created_at": AT.isoformat()},
        "event_id: the time inside": good | {"event_id": "018f0000-0000-7000-8000-000000000000"},
        "client_ip": good | {"client_ip": "here"},
    }
    with vts.client(token) as client:
        for said, row in bad.items():
            answer = client.post("/api/import/views", json=[good, row])
            assert answer.status_code == 400, answer.text
            assert answer.json()["error"].startswith("row 1: ") and said in answer.json()["error"], answer.text
        assert client.get("/api/post/641/count").status_code == 404
        many = client.post("/api/import/views", json=[{"post_id": 1, "created_at": "2026-01-01T00:00:00Z"}] * 5001)
        assert many.status_code == 413
