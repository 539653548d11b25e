"""A journal that goes back to an older copy, or moves: everything acknowledged is stored once."""

from __future__ import annotations

import random
from pathlib import Path

from checks.test_journal_damage import NO_SERVER, create, drop, send, stored_in
from tests.journal.damage import copy_journal, put_back
from tests.support.folders import open_folder
from tests.support.postgres import Server, postgres_server  # noqa: F401
from tests.support.process import running
from tests.support.waiting import wait_until


def test_what_came_after_the_older_copy_is_stored_once(postgres_server: Server) -> None:  # noqa: F811
    chance = random.Random(11)
    create(postgres_server, "restored", "migrated")
    url = postgres_server.url("restored")
    with open_folder() as folder:
        settings = {"VTS_DATABASE__URL": url, "VTS_LIMITS__WEB_PER_MINUTE": "0"}
        journal = folder / "data" / "journal.sqlite"
        acknowledged: set[str] = set()

        def whole() -> bool:
            ids, counted = stored_in(postgres_server, "restored")
            return set(ids) == acknowledged and counted == len(ids)

        with running(folder, **settings) as vts:
            acknowledged |= send(vts, chance, 600)
            wait_until(whole, 60)
        older = copy_journal(journal, folder / "older")
        with running(folder, **settings) as vts:
            acknowledged |= send(vts, chance, 900)
            wait_until(whole, 60)
        put_back(older, journal)  # `running` killed the process
        with running(folder, **(settings | {"VTS_DATABASE__URL": NO_SERVER})) as vts:
            before = len(acknowledged)
            acknowledged |= send(vts, chance, 1_500)  # their numbers pass those that were drained
        with running(folder, **settings) as vts:
            wait_until(whole, 60)
            said = vts.log.read_text()
        print(f"{len(acknowledged) - before} views after the older copy: {len(acknowledged) - before} stored")
        assert "expected at least" in said
    drop(postgres_server, "restored")


def test_a_folder_that_moves_counts_nothing_again(postgres_server: Server, tmp_path: Path) -> None:  # noqa: F811
    chance = random.Random(12)
    create(postgres_server, "moved", "migrated")
    with open_folder() as folder:
        settings = {"VTS_DATABASE__URL": postgres_server.url("moved"), "VTS_LIMITS__WEB_PER_MINUTE": "0"}
        with running(folder / "a", **settings) as vts:
            acknowledged = send(vts, chance, 150)
            wait_until(lambda: stored_in(postgres_server, "moved")[1] == len(acknowledged), 60)
        copy_journal(folder / "a" / "data" / "journal.sqlite", folder / "b" / "data")
        with running(folder / "b", **settings) as vts:
            acknowledged |= send(vts, chance, 10)
            wait_until(lambda: len(stored_in(postgres_server, "moved")[0]) == len(acknowledged), 60)
            assert 'vts_notes_total{kind="stored_before"} 0.0' in vts.client().get("/metrics").text, "drained again"
        assert stored_in(postgres_server, "moved")[1] == len(acknowledged)
    drop(postgres_server, "moved")
