"""Signing in and out: links that scanners open, tokens of the host, cookies by scheme, and what is refused."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio

from tests.support.postgres import database, empty_database, postgres_server  # noqa: F401
from tests.support.waiting import until
from tests.web.ports import NOW_S, SEALS, access, app_of, ended, schemes
from vts.auth.sessions import EndedSessions, Sessions
from vts.auth.tokens import Tokens
from vts.model.hosts import OwnHosts
from vts.service.ended_sessions import EndedSessionsActor
from vts.service.sign_in import LINK_TTL_S, SignIn
from vts.store.session.connection import Database
from vts.store.session.faults import StoreUnavailable
from vts.store.session.pool import Writer
from vts.web.attempts import BURST
from vts.web.services import PersonsPort, SigningPort
from vts.web.session_cookies import path_in

PAGE = {"Origin": "http://localhost", "Accept": "text/html"}
PLAIN = {"Origin": "http://localhost"}
PROXIED = {"Host": "views.example.org", "X-Forwarded-Proto": "https", "Origin": "https://views.example.org"}
SECRET = b"a secret of the tests, 32 bytes long"


class Site:
    """One process over a database, as browsers see it."""

    def __init__(self, database: Database, **changes: Any) -> None:  # noqa: F811
        self.database = database
        self.now_s = changes.pop("now_s", NOW_S)
        self.revoked: set[str] = set()
        self.tokens = Tokens(secret=SECRET, revoked=self.revoked.__contains__)
        self.ended: EndedSessions = ended()
        self.writer = Writer(self._connect, 30)
        self.is_away = False
        clock = lambda: int(self.now_s * 1e6)  # noqa: E731
        self.sign_in = SignIn(self.writer, SEALS, self.tokens, self.ended, lambda: None, clock, 3600)
        sessions = Sessions(SEALS, self.tokens, self.ended, lambda: None)
        self.rules = access(clock=clock, tokens=self.tokens, sessions=sessions, **changes)
        audit = PersonsPort(data=None, audit=self)  # type: ignore[arg-type]
        signing = SigningPort(sign_in=self.sign_in, share_links=None)  # type: ignore[arg-type]
        self.app = app_of(self.rules, signing=signing, persons=audit, health=self)  # type: ignore[arg-type]

    async def note(self, *entry: object) -> None:
        pass

    def status(self) -> dict[str, str]:
        return {}

    async def _connect(self) -> Any:
        if self.is_away:
            raise StoreUnavailable("away")
        return await self.database.connect("writer")

    def go_away(self) -> None:
        self.is_away = True
        self.writer.close()

    def browser(self) -> Any:
        return self.app.test_client()

    def token(self, user_id: int | None = 7, role: str = "user", ttl_s: float = 600, jti: str | None = None) -> str:
        return self.tokens.issue(user_id=user_id, roles=frozenset((role,)), now_s=self.now_s, ttl_s=ttl_s, jti=jti)

    def link(self, user: int | None = 7, role: str = "moderator", jti: str | None = None) -> str:
        return self.sign_in.make_link(user, frozenset((role,)), jti)[0]

    async def signed_in(self, **how: Any) -> Any:
        """A browser with a session of user 7."""
        browser = self.browser()
        answer = await browser.post("/login", form={"link": self.link(**how)}, headers=PAGE)
        assert answer.status_code == 303
        return browser


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:  # noqa: F811
    site = Site(database)
    yield site
    site.writer.close()


async def who(browser: Any, **headers: str) -> Any:
    return await (await browser.get("/api/session", headers=headers)).get_json()


async def test_a_link_shows_one_button_and_only_the_button_redeems_it(site: Site) -> None:
    link, browser = site.link(), site.browser()
    for method in ("GET", "HEAD", "GET", "OPTIONS"):  # as scanners of mails and chats do, as often as they like
        answer = await site.browser().open(f"/login?link={link}", method=method)
        assert answer.status_code == 200
        assert "vts_session" not in answer.headers.get("Set-Cookie", "")
    page = await (await browser.get(f"/login?link={link}")).get_data(as_text=True)
    assert len(re.findall("<button", page)) == 1
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
    answer = await browser.post("/login", form=fields, headers=PAGE)
    assert (answer.status_code, answer.headers["Location"], answer.headers["Cache-Control"]) == (303, "/", "no-store")
    cookie = answer.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; ")) and "Secure" not in cookie
    said = await who(browser)
    assert (said["signed_in"], said["user"], said["roles"]) == (True, 7, ["moderator"])


@pytest.mark.parametrize("bad", ["used", "expired", "forged", "of another purpose", "revoked"])
async def test_a_link_is_good_once_for_fifteen_minutes_and_as_long_as_its_token(site: Site, bad: str) -> None:
    link = site.link(jti="a1")
    match bad:
        case "used":
            await site.browser().post("/login", form={"link": link}, headers=PAGE)
        case "expired":
            site.now_s += LINK_TTL_S
        case "forged":
            link = link[:-2] + ("AA" if link[-2:] != "AA" else "BB")
        case "of another purpose":
            link = site.token()
        case _:
            site.revoked.add("a1")
    answer = await site.browser().post("/login", form={"link": link}, headers=PLAIN)
    assert (answer.status_code, answer.headers.get("Set-Cookie")) == (401, None)
    assert (await answer.get_json())["error"].startswith("link: ")
    shown = await site.browser().post("/login", form={"link": link}, headers=PAGE)
    assert shown.status_code == 401 and "vts login-link" in await shown.get_data(as_text=True)


async def test_two_processes_redeem_a_link_once(site: Site) -> None:
    other = Site(site.database)
    link = site.link()
    statuses = [
        (await one.browser().post("/login", form={"link": link}, headers=PAGE)).status_code for one in (other, site)
    ]
    other.writer.close()
    assert statuses == [303, 401]


async def test_a_database_that_is_away_uses_up_no_link(site: Site) -> None:
    link = site.link()
    site.go_away()
    answer = await site.browser().post("/login", form={"link": link}, headers=PAGE)
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    site.is_away = False
    assert (await site.browser().post("/login", form={"link": link}, headers=PAGE)).status_code == 303


async def test_the_hosts_token_begins_a_session_that_ends_with_it(site: Site) -> None:
    browser = site.browser()
    body = {"token": site.token(jti="a1", ttl_s=60)}
    answer = await browser.post("/api/session", json=body, headers=PLAIN)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    assert "Max-Age=60" in answer.headers["Set-Cookie"]
    assert (await who(browser))["signed_in"]
    site.revoked.add("a1")
    assert not (await who(browser))["signed_in"]
    site.revoked.clear()
    site.now_s += 61
    assert not (await who(browser))["signed_in"]


@pytest.mark.parametrize("form", [True, False], ids=["form", "json"])
async def test_what_begins_no_session(site: Site, form: bool) -> None:
    async def post(body: dict[str, str], headers: dict[str, str] = PLAIN) -> int:
        browser = site.browser()
        if form:
            return (await browser.post("/login", form=body, headers=headers)).status_code
        return (await browser.post("/api/session", json=body, headers=headers)).status_code

    assert await post({"token": "a.b.c"}) == 401
    assert await post({"token": site.token(None, "service")}) == 401
    assert await post({}) == 400
    assert await post({"token": site.token(), "link": site.link()}) == 400
    for other in ({"Origin": "https://evil.example"}, {"Origin": "null"}, PLAIN | {"Sec-Fetch-Site": "cross-site"}, {}):
        assert await post({"token": site.token()}, other) == 403
    assert await post({"token": site.token()}, PLAIN | {"Host": "evil.example", "Origin": "http://evil.example"}) == 421


async def test_a_token_in_a_url_is_not_read(site: Site) -> None:
    assert (await site.browser().get(f"/login?token={site.token()}")).status_code == 200
    assert (await site.browser().post(f"/login?token={site.token()}", headers=PLAIN)).status_code == 400


async def test_a_page_of_the_host_application_may_send_the_form(database: Database) -> None:  # noqa: F811
    site = Site(database, allowed_origins=frozenset(["https://art.example"]))
    sent = {"Origin": "https://art.example", "Sec-Fetch-Site": "cross-site", "Accept": "text/html"}
    form = {"token": site.token(), "next": "/?days=7"}
    answer = await site.browser().post("/login", form=form, headers=sent)
    site.writer.close()
    assert (answer.status_code, answer.headers["Location"]) == (303, "/?days=7")


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\tb", "evil", "/ü", "//["]
)
async def test_no_redirect_leaves_this_site(site: Site, path: str) -> None:
    answer = await site.browser().post("/login", form={"link": site.link(), "next": path}, headers=PLAIN)
    assert (answer.status_code, answer.headers.get("Set-Cookie")) == (400, None)
    assert (await answer.get_json())["error"].startswith("next: ")


def test_paths_of_this_site() -> None:
    assert [path_in(path) for path in ("", "/?days=7", "/content/42#top")] == ["/", "/?days=7", "/content/42#top"]


async def test_a_sign_in_has_a_new_id_and_ends_the_one_before(site: Site) -> None:
    """What a page or an attacker has put into the browser never becomes a session."""
    browser = site.browser()
    browser.set_cookie("localhost", "vts_session", "chosen-by-an-attacker")
    assert not (await who(browser))["signed_in"]
    seen = []
    for _ in range(2):
        answer = await browser.post("/login", form={"link": site.link()}, headers=PAGE)
        seen.append(answer.headers["Set-Cookie"].split(";")[0])
    assert seen[0] != seen[1] and "attacker" not in seen[0]
    assert not (await who(site.browser(), Cookie=seen[0]))["signed_in"]
    assert (await who(site.browser(), Cookie=seen[1]))["signed_in"]


async def test_signing_out_ends_the_session_and_not_only_the_cookie(site: Site) -> None:
    browser, copy = await site.signed_in(), site.browser()
    cookie = next(iter(browser.cookie_jar))
    copy.set_cookie("localhost", cookie.name, cookie.value)
    assert (await who(copy))["signed_in"]
    answer = await browser.post("/logout", headers=PAGE)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (303, "no-store")
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    assert not (await who(copy))["signed_in"]


async def test_everywhere_ends_the_sessions_of_one_user(site: Site) -> None:
    first, second, other = await site.signed_in(), await site.signed_in(), await site.signed_in(user=8)
    answer = await first.post("/logout?everywhere=1", headers=PLAIN)
    assert (await answer.get_json()) == {"ended": 2}
    assert [(await who(one))["signed_in"] for one in (first, second, other)] == [False, False, True]
    bearer = {"Authorization": f"Bearer {site.token(8)}"}
    assert await (await site.browser().post("/logout?everywhere=1", headers=bearer)).get_json() == {"ended": 1}
    assert not (await who(other))["signed_in"]


async def test_a_person_sees_and_ends_sessions_one_by_one(site: Site) -> None:
    here, there, other = await site.signed_in(), await site.signed_in(), await site.signed_in(user=8)
    listed = (await (await here.get("/api/me/sessions")).get_json())["sessions"]
    assert [one["current"] for one in listed].count(True) == 1 and len(listed) == 2
    gone = next(one["id"] for one in listed if not one["current"])
    assert (await other.delete(f"/api/me/sessions/{gone}", headers=PLAIN)).status_code == 404
    assert (await here.delete(f"/api/me/sessions/{gone}", headers=PLAIN)).status_code == 200
    assert [(await who(one))["signed_in"] for one in (here, there)] == [True, False]


async def test_what_another_process_has_ended_ends_here(site: Site) -> None:
    browser = await site.signed_in()
    elsewhere = Site(site.database)
    other = elsewhere.browser()
    cookie = next(iter(browser.cookie_jar))
    other.set_cookie("localhost", cookie.name, cookie.value)
    connect = lambda: site.database.connect("writer")  # noqa: E731
    actor = EndedSessionsActor(connect, elsewhere.ended, lambda: int(NOW_S * 1e6))
    async with trio.open_nursery() as nursery:
        await nursery.start(actor.run)
        assert (await who(other))["signed_in"]
        await browser.post("/logout", headers=PAGE)

        async def is_out() -> bool:
            return not (await who(other))["signed_in"]

        await until(is_out)
        nursery.cancel_scope.cancel()
    elsewhere.writer.close()


async def test_sessions_count_while_the_database_is_away_and_can_be_ended(site: Site) -> None:
    browser = await site.signed_in()
    cookie = next(iter(browser.cookie_jar))
    site.go_away()
    assert (await who(browser))["signed_in"]
    assert (await browser.post("/logout", headers=PAGE)).status_code == 303
    assert not (await who(site.browser(), Cookie=f"{cookie.name}={cookie.value}"))["signed_in"]
    assert len(site.ended.unwritten) == 1


async def test_no_session_counts_before_the_ended_ones_are_known(site: Site) -> None:
    browser = await site.signed_in()
    site.ended.is_loaded = False
    assert (await browser.get("/api/session")).status_code == 503
    assert (await browser.get("/")).status_code == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (PLAIN, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403),
        ({}, 403),
    ],
)
async def test_a_page_of_another_site_signs_nobody_out(site: Site, sent: dict[str, str], status: int) -> None:
    browser = await site.signed_in()
    assert (await browser.post("/logout", headers=sent)).status_code == status
    assert (await who(browser))["signed_in"] is (status == 403)


async def test_forms_repeat_a_token_where_a_browser_says_not_where_it_is(site: Site) -> None:
    browser = site.browser()
    link = site.link()
    page = await (await browser.get(f"/login?link={link}")).get_data(as_text=True)
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
    assert (await site.browser().post("/login", form=fields)).status_code == 403  # another browser has no such cookie
    assert (await browser.post("/login", form=fields | {"form": "x"})).status_code == 403
    assert (await browser.post("/login", form=fields)).status_code == 303
    token = (await who(browser))["form_token"]
    assert token in await (await browser.get("/")).get_data(as_text=True)  # for the form of the dashboard
    gone = "0" * 32
    assert (await browser.delete(f"/api/me/sessions/{gone}")).status_code == 401  # the cookie does not count
    assert (await browser.delete(f"/api/me/sessions/{gone}", headers={"X-VTS-Form": token})).status_code == 404
    assert (await browser.post("/logout", form={"form": token})).status_code == 200


async def test_plain_http_off_loopback_is_refused_with_the_reason(database: Database) -> None:  # noqa: F811
    site = Site(database, hosts=OwnHosts(["views.example.org"], loopback_only=False))
    plain = {"Host": "views.example.org", "Origin": "http://views.example.org", "X-Forwarded-Proto": "https"}
    for ask in (
        site.browser().get(f"/login?link={site.link()}", headers=plain),
        site.browser().post("/login", form={"link": site.link()}, headers=plain),
        site.browser().post("/api/session", json={"token": site.token()}, headers=plain),
    ):
        answer = await ask
        body = await answer.get_json()
        assert (answer.status_code, body["error_code"]) == (403, "https_needed")
        assert "trusted_proxies" in body["error"] and "Set-Cookie" not in answer.headers
    cookie = f"vts_session={SEALS.seal('session', site.sign_in.make_link(7, frozenset(('owner',)))[1])}"
    assert not (await who(site.browser(), **plain, Cookie=cookie))["signed_in"]
    shown = await site.browser().get("/login", headers=plain | {"Accept": "text/html"})
    assert shown.status_code == 403 and "HTTPS" in await shown.get_data(as_text=True)


async def test_behind_a_trusted_proxy_the_cookie_is_for_this_host_and_https_alone(
    database: Database,  # noqa: F811
) -> None:
    rules = {"hosts": OwnHosts(["views.example.org"], loopback_only=False), "schemes": schemes(["127.0.0.0/8"])}
    site = Site(database, **rules)
    scope = {"client": ("127.0.0.1", 1)}
    answer = await site.browser().post("/login", form={"link": site.link()}, headers=PROXIED, scope_base=scope)
    site.writer.close()
    name, _, rest = answer.headers["Set-Cookie"].partition("=")
    assert name == "__Host-vts_session"
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(rest.split("; ")) and "Domain" not in rest
    value = rest.partition(";")[0]
    for sent, is_in in ((f"__Host-vts_session={value}", True), (f"vts_session={value}", False)):
        answer = await site.browser().get("/api/session", headers=PROXIED | {"Cookie": sent}, scope_base=scope)
        assert (await answer.get_json())["signed_in"] is is_in


async def test_attempts_that_fail_are_limited_for_an_address_and_those_that_succeed_are_not(site: Site) -> None:
    async def attempt(link: str, peer: str = "127.0.0.1") -> Any:
        scope = {"client": (peer, 1)}
        return await site.browser().post("/login", form={"link": link}, headers=PLAIN, scope_base=scope)

    for _ in range(BURST + 1):
        assert (await attempt(site.link())).status_code == 303
    assert [(await attempt("guess")).status_code for _ in range(BURST)] == [401] * BURST
    answer = await attempt("guess")
    assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (429, True)
    assert (await attempt(site.link())).status_code == 429
    assert (await attempt(site.link(), "127.0.0.2")).status_code == 303
    site.now_s += 60
    assert (await attempt("guess")).status_code == 401


async def test_who_may_make_links_and_for_whom(site: Site) -> None:
    async def make(token: str, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        return await site.browser().post("/api/login-links", json=body, headers=headers)

    for role, status in (("user", 403), ("moderator", 403), ("owner", 201)):
        assert (await make(site.token(7, role))).status_code == status
    service = site.token(None, "service")
    answer = await make(service, user=12, roles=["moderator"])
    url = (await answer.get_json())["url"]
    assert url.startswith("http://localhost/login?link=")
    browser = site.browser()
    await browser.post("/login", form={"link": url.partition("=")[2]}, headers=PAGE)
    said = await who(browser)
    assert (said["user"], said["roles"]) == (12, ["moderator"])
    for bad in ({"roles": ["service"]}, {"roles": ["user"]}, {"user": 0}, {"user": 2**61}, {"who": 7}):
        assert (await make(service, **bad)).status_code == 400


async def test_the_first_page_says_who_is_signed_in(site: Site) -> None:
    browser = site.browser()
    assert "vts login-link" in await (await browser.get("/")).get_data(as_text=True)
    browser = await site.signed_in()
    page = await browser.get("/")
    text = await page.get_data(as_text=True)
    assert "moderator" in text and "login-link" not in text
    assert page.headers["Cache-Control"] == "no-store"
