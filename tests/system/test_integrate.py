"""The Python snippets of docs/integrate.md, run in turn as one application: register, send, show, reconcile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from types import SimpleNamespace
from uuid import UUID

import httpx
import pytest

from tests.support.guide import kinds, snippet
from tests.support.process import BROWSER, Vts
from tests.support.waiting import wait_until
from vts.model.day import datetime_of

STEPS = ("## Contents", "## Views", "## Show", "## Reconcile", "## Tokens")
FIRST = 8_130_001  # contents of this story
ARTIST = 813
VISITOR = {"client_ip": "203.0.113.81", "user_agent": BROWSER}


@pytest.fixture(scope="module")
def site(shared_vts: Vts) -> Iterator[SimpleNamespace]:
    """The module that an application has when it has taken over every snippet in turn."""
    printed: list[object] = []
    names: dict[str, object] = {"print": lambda *words: printed.extend(words), "printed": printed}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VTS_TOKEN", shared_vts.service_token())
        patch.setenv("VTS_AUTH__SECRET", (shared_vts.folder / "data" / "token.secret").read_text().strip())
        exec(snippet(shared_vts.http, "## The first count", "python", **{"blog:1030": "blog:8130000"}), names)
        for heading in STEPS:
            exec(snippet(shared_vts.http, heading, "python"), names)
        yield SimpleNamespace(**names)


def posts(*, drafts: int = 0) -> list[dict[str, object]]:
    made = [{"id": FIRST + n, "author_id": ARTIST, "title": f"Post {n}", "draft": n < drafts} for n in range(3)]
    return [one | {"created_at": "2026-01-02T03:04:05Z"} for one in made]


def test_every_snippet_of_the_guide_is_run() -> None:
    both = ["python", "js"]
    assert kinds() == {
        "The first count": ["sh", *both],
        **dict.fromkeys([step.removeprefix("## ") for step in STEPS], both),
        "The tracker": ["html", "html"],
        "Cookies and storage": ["html"],
        "Strict pages": ["html"],  # with the policy above it
        "The badge": ["html"],
        "React": ["jsx"],
        "Next.js": ["jsx"],
        "Template engines": ["jinja"],
        "E-mail, README files, pages without scripts": ["html"],
    }


def test_the_first_count_is_one(site: SimpleNamespace) -> None:
    assert [(one["post_id"], one["views"]) for one in site.printed[:1]] == [("blog:8130000", 1)]


def test_an_application_registers_sends_shows_and_reconciles(site: SimpleNamespace) -> None:
    ids = [post["id"] for post in posts()]
    site.saved(*posts(drafts=1))
    assert site.sync_all(posts(), "guide", dry_run=True)["changed"] == 1, "only the draft would change"
    views = [site.view(one, **VISITOR) for one in (*ids, ids[1])] + [site.view(ids[1], **VISITOR, user_id=ARTIST)]
    assert site.send(views) == 0
    assert site.send(views) == 0, "the same body again"
    assert site.counts([*ids, 8_139_999]) == {ids[0]: 1, ids[1]: 2, ids[2]: 1, 8_139_999: None}
    page = site.artist_page(ARTIST)
    assert (page["total_views"], page["total_posts"], [post["total_views"] for post in page["posts"]]) == (
        4,
        3,
        [2, 1, 1],
    )
    today = dt.datetime.now(dt.UTC).date().isoformat()
    logged = {one["event_id"] for one in views}
    wait_until(lambda: site.reconcile(today, logged)[0] == {views[-1]["event_id"]})  # the author's own look
    site.removed(ids[0])
    site.removed(ids[0])
    assert site.counts(ids[:1]) == {ids[0]: None}


def test_an_id_carries_the_time_of_its_view(site: SimpleNamespace) -> None:
    one, other = UUID(site.new_event_id()), UUID(site.new_event_id())
    assert (one.version, one.variant, one == other) == (7, "specified in RFC 4122", False)
    assert (one.int >> 80) <= (other.int >> 80)
    assert datetime_of((one.int >> 80) * 1000).year >= 2026


def test_the_hosts_tokens_are_the_users_and_the_services(site: SimpleNamespace, shared_vts: Vts) -> None:
    with shared_vts.client() as client:

        def asked(token: str) -> int:
            shown = {"Authorization": f"Bearer {token}"}
            return client.get(f"/api/user/{ARTIST}/artist-stats", headers=shown).status_code

        assert [asked(site.token_of(user)) for user in (ARTIST, 814)] == [200, 403]
        assert asked(site.token_of("site", ["service"])) == 200


def test_views_are_kept_while_there_is_no_answer(site: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    with httpx.Client(base_url="http://127.0.0.1:9", timeout=1) as away:
        monkeypatch.setitem(site.send.__globals__, "vts", away)
        assert site.send([site.view(FIRST, **VISITOR)]) == 5.0


def test_a_view_that_cannot_be_read_is_named_and_holds_up_no_others(site: SimpleNamespace) -> None:
    bad, sound = site.view("not an id!", **VISITOR), site.view(FIRST + 9, **VISITOR)
    for views in ([bad, sound], [bad]):
        assert site.send(views) == 0
        assert site.printed[-3:-1] == ["not counted:", "blog:not an id!"]
    assert site.counts([FIRST + 9]) == {FIRST + 9: 1}
