"""The database goes back: connections end, and what answers next is an older copy that lacks the newest commits.

Told from outside: a ledger of what was acknowledged, answers polled all the while, and what they said of themselves.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import trio

from tests.support.postgres import Server, postgres_server  # noqa: F401
from tests.support.process import Vts, running
from tests.support.waiting import wait_until
from vts.store.session.connection import asyncpg_loop

RECOVERED_WITHIN_S = 30
BEFORE, AFTER = 40, 60  # views that the copy has, and that it lacks
SHARED = {
    "VTS_PRIVACY__VIEWER_SECRET": "viewers of both processes are the same ones",
    "VTS_AUTH__SECRET": "tokens of one process are good for the other one",
    "VTS_CATALOG__MODE": "open",
    "VTS_LIMITS__WEB_PER_MINUTE": "0",
}


@dataclass
class Answers:
    """What was seen of a content while the database changed places: (when, views, whether the answer said it lags)."""

    seen: list[tuple[float, int, bool]] = field(default_factory=list)
    degraded: int = 0
    cut: int = 0  # connections that ended without an answer

    def ask(self, client: httpx.Client) -> None:
        for path in ("/api/post/1/stats", "/api/post/1/count"):
            answer = client.get(path)
            if answer.status_code == 200:
                body = answer.json()
                views = body.get("total_views", body.get("views"))
                self.seen.append((time.monotonic(), views, bool(body.get("lag_seconds"))))
        self.degraded += "database" in client.get("/health/ready").json()["degraded"]

    def low_unsaid(self, whole: int) -> list[tuple[float, int]]:
        return [(at, views) for at, views, said in self.seen if views < whole and not said]

    def first_whole_since(self, at_s: float, whole: int) -> float:
        low = [at for at, views, _ in self.seen if at > at_s and views < whole]
        return min(at for at, views, _ in self.seen if at > max(low, default=at_s) and views >= whole)


@contextmanager
def polled(vts: Vts, token: str) -> Iterator[Answers]:
    """Ask the same questions in a thread, as fast as they are answered."""
    answers, over = Answers(), threading.Event()

    def ask() -> None:
        with vts.client(token) as client:
            while not over.is_set():
                try:
                    answers.ask(client)
                except httpx.TransportError:
                    answers.cut += 1

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join()


def execute(server: Server, *statements: str) -> None:
    async def run() -> None:
        async with asyncpg_loop():
            for statement in statements:
                await server.execute(statement)

    trio.run(run)


def rows(server: Server, name: str, question: str) -> list[tuple[object, ...]]:
    async def run() -> list[tuple[object, ...]]:
        async with asyncpg_loop():
            connection = await server.database(name).connect("login")
            try:
                return [tuple(row) for row in await connection.fetch(question)]
            finally:
                await connection.close()

    return trio.run(run)


def copy(server: Server, name: str) -> None:
    """Make the older copy; nothing is connected to the database now."""
    execute(server, f"CREATE DATABASE {name}_older TEMPLATE {name}")


def go_back(server: Server, name: str) -> None:
    """Promote the older copy: every session ends, and who connects again meets it under the same name."""
    execute(
        server,
        f"ALTER DATABASE {name} ALLOW_CONNECTIONS false",
        f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'",
        f"ALTER DATABASE {name} RENAME TO {name}_lost",
        f"ALTER DATABASE {name}_older RENAME TO {name}",
        f"ALTER DATABASE {name}_lost ALLOW_CONNECTIONS true",
    )


def send_views(client: httpx.Client, count: int, post_id: int = 1) -> None:
    events = [{"post_id": post_id, "event_id": str(uuid.uuid4())} for _ in range(count)]
    assert client.post("/api/view", json=events).json()["accepted"] == count


def views_of(client: httpx.Client, post_id: int = 1) -> int:
    answer = client.get(f"/api/post/{post_id}/count")
    return int(answer.json()["views"]) if answer.status_code == 200 else 0


def described(server: Server, name: str) -> set[tuple[object, ...]]:
    return set(rows(server, name, "SELECT post_id, owner_id, title, deleted FROM content WHERE NOT provisional"))


def test_an_older_copy_gets_back_what_it_lacks_and_no_answer_hides_it(
    postgres_server: Server,  # noqa: F811
    folder: Path,
) -> None:
    execute(postgres_server, "CREATE DATABASE failover TEMPLATE migrated")
    key = str(uuid.uuid4())
    with running(folder, VTS_DATABASE__URL=postgres_server.url("failover"), **SHARED) as vts:
        token = vts.service_token()
        with vts.client(token) as client:
            client.post("/api/content", json=[{"post_id": n, "owner_id": 7, "title": "old"} for n in (1, 2, 3)])
            send_views(client, BEFORE)
            wait_until(lambda: views_of(client) == BEFORE)
        assert vts.terminate() == 0
        copy(postgres_server, "failover")
        vts.start()
        with vts.client(token) as client:
            client.post("/api/content", json=[{"post_id": 4, "owner_id": 8, "title": "new"}])
            client.post("/api/content", json=[{"post_id": 2, "owner_id": 9, "title": "changed"}])
            assert client.delete("/api/content/3").status_code == 200
            client.post("/api/players", json=[{"player_key": key, "owner_id": 8, "credential": "ab" * 32}])
            send_views(client, AFTER)
            send_views(client, 5, post_id=4)
            wait_until(lambda: views_of(client) == BEFORE + AFTER and views_of(client, 4) == 5)
            with polled(vts, token) as answers:
                wait_until(lambda: answers.seen)
                gone_s = time.monotonic()
                go_back(postgres_server, "failover")
                back_s = time.monotonic()
                wait_until(
                    lambda: [at for at, views, _ in answers.seen if at > back_s and views == BEFORE + AFTER],
                    RECOVERED_WITHIN_S,
                )
                wait_until(lambda: client.get("/health/ready").json()["status"] == "ok", RECOVERED_WITHIN_S)
            low = answers.low_unsaid(BEFORE + AFTER)
            whole_s = answers.first_whole_since(back_s, BEFORE + AFTER)
            print(f"away {back_s - gone_s:.2f} s, whole after {whole_s - back_s:.2f} s, {len(answers.seen)} answers,")
            print(f"low {sum(views < BEFORE + AFTER for _, views, _ in answers.seen)}, unsaid {len(low)},", end=" ")
            print(f"degraded {answers.degraded}, cut {answers.cut}")
            print(sorted(described(postgres_server, "failover"), key=str))
            assert not low
            assert answers.degraded
            assert described(postgres_server, "failover") == described(postgres_server, "failover_lost")
            assert views_of(client, 4) == 5
            player = client.post("/player/events/view", json={"post_id": 1}, auth=(key, "ab" * 32))
            assert player.json()["accepted"] == 1
            assert client.post("/api/view", json={"post_id": 3}).json()["dropped"] == {"deleted": 1}


def test_two_processes_replay_what_each_has_acknowledged(
    postgres_server: Server,  # noqa: F811
    folder: Path,
) -> None:
    execute(
        postgres_server,
        "CREATE DATABASE together TEMPLATE migrated",
        "CREATE DATABASE together_older TEMPLATE migrated",
    )
    settings = SHARED | {"VTS_DATABASE__URL": postgres_server.url("together")}
    with running(folder / "a", **settings) as a, running(folder / "b", **settings) as b:
        token = a.service_token()
        with a.client(token) as of_a, b.client(token) as of_b:
            of_a.post("/api/content", json=[{"post_id": n, "owner_id": 7, "title": "by a"} for n in (1, 2, 3)])
            of_b.post("/api/content", json=[{"post_id": 2, "owner_id": 9, "title": "by b"}])
            assert of_b.delete("/api/content/3").status_code == 200
            send_views(of_a, BEFORE)
            send_views(of_b, AFTER)
            wait_until(lambda: views_of(of_a) == views_of(of_b) == BEFORE + AFTER, RECOVERED_WITHIN_S)
            with polled(a, token) as seen_by_a, polled(b, token) as seen_by_b:
                wait_until(lambda: seen_by_a.seen and seen_by_b.seen)
                go_back(postgres_server, "together")
                for client in (of_a, of_b):
                    wait_until(lambda client=client: views_of(client) == BEFORE + AFTER, RECOVERED_WITHIN_S)
                    wait_until(
                        lambda client=client: client.get("/health/ready").json()["status"] == "ok", RECOVERED_WITHIN_S
                    )
            assert not seen_by_a.low_unsaid(BEFORE + AFTER)
            assert not seen_by_b.low_unsaid(BEFORE + AFTER)
            assert described(postgres_server, "together") == described(postgres_server, "together_lost")
            for client in (of_a, of_b):
                assert client.post("/api/view", json={"post_id": 3}).json()["dropped"] == {"deleted": 1}
