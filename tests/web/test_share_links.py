"""Share links: who makes them, what their bearers see, and what they never see."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio

from tests.query.story import stored, story
from tests.store.drained import DAY
from tests.support.postgres import database, empty_database, postgres_server  # noqa: F401
from tests.web.ports import SEALS, access, app_of, ended, questions_of
from vts.auth.sessions import Sessions
from vts.auth.tokens import Tokens
from vts.catalog.memory import MemoryCatalog
from vts.live.topics import parse, who_may_see
from vts.model.content import Content, ContentRow
from vts.model.day import DAY_US
from vts.model.principal import Principal
from vts.service.share_links import ShareLinks
from vts.store.facts.artists import add_up_marked
from vts.store.facts.catalog import upsert_contents
from vts.store.facts.sessions import ended as ended_in
from vts.store.facts.share_links import erase_user
from vts.store.session.connection import Database
from vts.store.session.pool import Readers, Writer
from vts.web.attempts import BURST
from vts.web.services import CatalogPort, SigningPort

NOW_US = DAY * DAY_US + 20 * 3_600_000_000
TOKENS = Tokens(secret=b"a secret of the tests, 32 bytes long")
PLAIN = {"Origin": "http://localhost"}


class Site:
    """A site on which user 7 owns contents 1 and 2, and user 8 content 3."""

    def __init__(self, database: Database) -> None:  # noqa: F811
        self.database = database
        self.memory = MemoryCatalog()
        self.own(1, 7), self.own(2, 7), self.own(3, 8)
        self.ended = ended()
        self.writer, self.readers = Writer(lambda: database.connect("writer"), 30), Readers(database)
        self.rules = access(
            clock=lambda: NOW_US, tokens=TOKENS, sessions=Sessions(SEALS, TOKENS, self.ended, lambda: None)
        )
        links = ShareLinks(self.writer, self.readers, self.memory, self.ended)
        self.app = app_of(
            self.rules,
            catalog=CatalogPort(memory=self.memory, writes=None, sync=None),  # type: ignore[arg-type]
            questions=questions_of(self.readers),
            signing=SigningPort(sign_in=None, share_links=links),  # type: ignore[arg-type]
        )

    def own(self, post_id: int, owner_id: int | None, *, deleted: bool = False) -> None:
        content = Content(owner_id, "artwork", private=True, deleted=deleted, provisional=False)
        self.memory.apply([(post_id, content)], ())
        self.memory.revision = 1

    def close(self) -> None:
        self.writer.close()
        self.readers.close()

    async def make(self, who: dict[str, str], **body: Any) -> Any:
        return await self.app.test_client().post("/api/share-links", json=body, headers=who)

    async def shared(self, who: dict[str, str] | None = None, **body: Any) -> tuple[int, str]:
        """The id and the secret of a new link."""
        answer = await (await self.make(who or bearer(7), **body)).get_json()
        assert answer["url"].startswith("http://localhost/share/")
        return answer["id"], answer["url"].rpartition("/")[2]

    async def get(self, path: str, secret: str = "", peer: str = "127.0.0.1") -> Any:
        headers = {"X-VTS-Share": secret} if secret else {}
        return await self.app.test_client().get(path, headers=headers, scope_base={"client": (peer, 1)})


def bearer(user_id: int | None, *roles: str) -> dict[str, str]:
    token = TOKENS.issue(user_id=user_id, roles=frozenset(roles or ("user",)), now_s=NOW_US / 1e6, ttl_s=60)
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:  # noqa: F811
    await stored(database, story())
    writer = await database.connect("writer")
    rows = [ContentRow(post_id=n, owner_id=7 if n < 3 else 8, title=f"Tide {n} <i>") for n in (1, 2, 3)]
    await upsert_contents(writer, rows)
    await add_up_marked(writer)
    await writer.close()
    site = Site(database)
    yield site
    site.close()


async def test_a_link_shows_one_content_and_nothing_else(site: Site) -> None:
    _, secret = await site.shared(post_id=1)
    own = await (await site.app.test_client().get("/api/post/1/stats", headers=bearer(7))).get_json()
    answer = await site.get("/api/share/stats", secret)
    shown_stats = await answer.get_json()
    assert own["total_views"] > 0 and shown_stats | {"owner_id": 7} == own and "owner_id" not in shown_stats
    of_value = await (await site.get("/api/share/stats?days=1&trend_of=device:mobile", secret)).get_json()
    assert [day["date"] for day in of_value["value_trend"]] == [of_value["to"]]
    described = [own[name] for name in ("title", "kind", "owner_id", "visibility")]
    assert described == ["Tide 1 <i>", "artwork", 7, "public"]
    said = await (await site.get("/api/share", secret)).get_json()
    assert (said["kind"], said["post_id"], said["topic"]) == ("content", 1, "post:1")
    browser = site.app.test_client()
    shown = {"X-VTS-Share": secret, "Authorization": f"Bearer {secret}", "Cookie": f"vts_session={secret}"}
    for path in ("/api/post/1/stats", "/api/post/2/stats", "/api/user/7/artist-stats", "/api/share-links"):
        for name, value in shown.items():
            assert (await browser.get(path, headers={name: value})).status_code == 401, (path, name)
    assert (await browser.post("/api/live/ticket", headers=PLAIN | {"X-VTS-Share": secret})).status_code == 401


async def test_a_link_shows_one_artist(site: Site) -> None:
    _, secret = await site.shared(user_id=7, days=1, note="for the gallery")
    own = await (await site.app.test_client().get("/api/user/7/artist-stats?days=2", headers=bearer(7))).get_json()
    shown = await (await site.get("/api/share/stats?days=2", secret)).get_json()
    assert shown == own and shown["user_id"] == 7
    assert (await (await site.get("/api/share", secret)).get_json())["topic"] == "artist:7"


async def test_the_page_works_without_cookies_and_tells_no_other_site_its_address(site: Site) -> None:
    _, secret = await site.shared(post_id=1)
    for method in ("GET", "HEAD"):
        answer = await site.app.test_client().open(f"/share/{secret}?utm_source=mail", method=method)
        said = {name: answer.headers.get(name) for name in ("Referrer-Policy", "Cache-Control", "Set-Cookie")}
        assert said == {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "Set-Cookie": None}
        assert "noindex" in answer.headers["X-Robots-Tag"]
    page = await (await site.get(f"/share/{secret}?days=2")).get_data(as_text=True)
    assert "Tide 1 &lt;i&gt;" in page and "<meter" in page and 'style="' not in page
    assert secret not in page
    assert (await site.get(f"/share/{secret}?days=0")).status_code == 400


async def test_unknown_revoked_expired_and_disowned_links_have_one_answer(site: Site) -> None:
    revoked_id, revoked = await site.shared(post_id=1)
    _, expired = await site.shared(post_id=1)
    _, disowned = await site.shared(post_id=2)
    _, deleted = await site.shared(bearer(1, "moderator"), post_id=3)
    browser = site.app.test_client()
    assert (await browser.delete(f"/api/share-links/{revoked_id}", headers=bearer(7))).status_code == 200
    connection = await site.database.connect("writer")
    await connection.execute("UPDATE share_links SET expires_at = now() WHERE id = $1", revoked_id + 1)
    await connection.close()
    site.own(2, 8)
    site.own(3, 8, deleted=True)
    answers, pages = set(), set()
    for number, secret in enumerate((revoked, expired, disowned, deleted, "x" * 43, "x", "é" * 43)):
        if secret.isascii():  # as a header is
            answer = await site.get("/api/share", secret, f"127.0.1.{number}")
            answers.add((answer.status_code, await answer.get_data()))
        page = await site.get(f"/share/{secret}", peer=f"127.0.2.{number}")
        pages.add((page.status_code, await page.get_data()))
        assert page.headers["Referrer-Policy"] == "no-referrer"
    assert len(answers) == len(pages) == 1
    assert {status for status, _ in answers | pages} == {404}


async def test_guessing_is_limited(site: Site) -> None:
    _, secret = await site.shared(post_id=1)
    for _ in range(BURST + 5):
        assert (await site.get("/api/share", secret)).status_code == 200
    for _ in range(BURST + 5):  # without a secret none is guessed
        assert (await site.get("/api/share")).status_code == 400
    statuses = [(await site.get("/api/share", "x" * 43)).status_code for _ in range(BURST + 1)]
    assert statuses == [404] * BURST + [429]
    assert (await site.get("/api/share", secret, "127.0.0.9")).status_code == 200


async def test_links_that_are_good_are_no_attempts_however_many_are_answered_at_once(site: Site) -> None:
    _, secret = await site.shared(post_id=1)
    statuses: list[int] = []

    async def ask() -> None:
        statuses.append((await site.get("/api/share", secret)).status_code)

    async with trio.open_nursery() as nursery:
        for _ in range(3 * BURST):
            nursery.start_soon(ask)
    assert statuses == [200] * 3 * BURST


async def test_who_may_share_what(site: Site) -> None:
    assert (await site.make({}, post_id=1)).status_code == 401
    for who, body, status in (
        (bearer(8), {"post_id": 1}, 403),
        (bearer(8), {"user_id": 7}, 403),
        (bearer(8), {"post_id": 99}, 404),
        (bearer(1, "moderator"), {"post_id": 99}, 404),
        (bearer(1, "moderator"), {"post_id": 1}, 201),
        (bearer(None, "service"), {"user_id": 7}, 201),
        (bearer(7), {"user_id": "7"}, 201),
    ):
        assert (await site.make(who, **body)).status_code == status, body
    for bad in (
        {},
        {"post_id": 1, "user_id": 7},
        {"post_id": 0},
        {"post_id": 1, "days": 0},
        {"post_id": 1, "x": 1},
        {"post_id": 1, "note": "a\0b"},
    ):
        answer = await site.make(bearer(7), **bad)
        assert (answer.status_code, (await answer.get_json())["error_code"]) == (400, "invalid")
    late = await site.make(bearer(7), post_id=1, days=1000)
    assert "days" in (await late.get_json())["error"]


async def test_links_are_listed_and_revoked_by_their_maker_and_by_readers_of_everything(site: Site) -> None:
    mine, secret = await site.shared(post_id=1, note="press")
    theirs, _ = await site.shared(bearer(8), post_id=3)
    browser = site.app.test_client()

    async def listed(who: dict[str, str], query: str = "") -> Any:
        return await (await browser.get(f"/api/share-links{query}", headers=who)).get_json()

    [link] = (await listed(bearer(7)))["links"]
    assert (link["id"], link["post_id"], link["note"], link["revoked_at"]) == (mine, 1, "press", None)
    assert secret not in str(link)
    everyone = await listed(bearer(1, "moderator"), "?limit=1")
    assert [one["id"] for one in everyone["links"]] == [theirs] and everyone["next_before"] == theirs
    assert (await browser.delete(f"/api/share-links/{mine}", headers=bearer(8))).status_code == 404
    assert (await browser.delete(f"/api/share-links/{mine}", headers=bearer(1, "moderator"))).status_code == 200
    assert (await browser.delete(f"/api/share-links/{mine}", headers=bearer(7))).status_code == 404
    assert (await listed(bearer(7)))["links"][0]["revoked_at"] is not None
    log = await site.readers.fetch("SELECT actor, action, subject FROM audit_log WHERE detail->>'id' = $1", str(mine))
    assert [tuple(row) for row in log] == [
        ("user:7", "share_link.make", "content:1"),
        ("user:1", "share_link.revoke", "content:1"),
    ]


async def test_a_ticket_of_a_link_follows_one_topic_until_it_is_revoked(site: Site) -> None:
    link_id, secret = await site.shared(post_id=1)
    answer = await site.app.test_client().post("/api/share/ticket", headers={"X-VTS-Share": secret})
    ticket = await answer.get_json()
    who = site.rules.tickets.redeem(ticket["ticket"], NOW_US / 1e6)
    assert who is not None and ticket["topic"] == "post:1"
    may_see = who_may_see(site.memory, public_top=False)
    names = ("post:1", "stream:1", "post:2", "artist:7", "artist:1", "site", "top")
    assert [may_see(who, parse(name)) for name in names] == [True, True, False, False, False, False, False]
    assert may_see(Principal(None, frozenset(), only=("artist", 7)), parse("artist:7"))
    assert site.rules.sessions.holds(who, NOW_US / 1e6)
    await site.app.test_client().delete(f"/api/share-links/{link_id}", headers=bearer(7))
    assert not site.rules.sessions.holds(who, NOW_US / 1e6)
    connection = await site.database.connect("reader")
    assert who.session in dict(await ended_in(connection))  # what other processes read
    await connection.close()


async def test_erasing_a_person_revokes_what_was_shared(site: Site) -> None:
    _, by_them = await site.shared(post_id=1)
    _, about_them = await site.shared(bearer(1, "moderator"), user_id=7)
    connection = await site.database.connect("writer")
    assert await erase_user(connection, 7) == 2
    assert await erase_user(connection, 7) == 0
    await connection.close()
    for secret in (by_them, about_them):
        assert (await site.get("/api/share", secret)).status_code == 404
