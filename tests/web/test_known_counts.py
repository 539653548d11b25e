"""Answers about public counts that are kept: right as long as they are given, and given to those who asked for them."""

from __future__ import annotations

from collections.abc import Container

import pytest

from vts.capture.http.head import BodyFraming, Head, HeadVerdict, Lane
from vts.capture.http.request import CaptureReply
from vts.service.known_counts import ANSWERS_MAX, BODY_MAX_BYTES, KnownCounts

TARGET = b"/api/counts?ref=1&ref=2"
POSTS = frozenset((1, 2))


class Journal:
    """What the database lacks, as a test says."""

    oldest_age_s = 0.0
    has_unread = False

    def __init__(self) -> None:
        self.undrained: set[int] = set()

    def last_undrained(self, post_ids: Container[int]) -> int:
        return int(any(post_id in post_ids for post_id in self.undrained))

    async def wait_drained(self, seq: int) -> None:
        pass


class Site:
    """Kept counts, and what they look at."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.revision, self.lag_s = 1, 0.0
        self.known = KnownCounts(self.journal, lambda: self.revision, lambda: self.lag_s)
        self.known.listens = True

    def keep(self, since: int | None = None, *, target: bytes = TARGET, body: bytes = b"{}") -> None:
        known = self.known
        reply = CaptureReply(200, body, headers=(("ETag", 'W/"tag"'),))
        known.keep(target, POSTS, known.moment if since is None else since, self.revision, reply, "tag")

    def status(self, target: bytes = TARGET, method: bytes = b"GET", **headers: bytes) -> int | None:
        lines = tuple((name.replace("_", "-").encode(), value) for name, value in headers.items())
        head = Head(method, target, "1.1", lines, False)
        path, _, query = target.partition(b"?")
        framing = BodyFraming(0, False, False, 0)
        reply = self.known.reply(HeadVerdict(head, Lane.HAND_OVER, path, query, framing, True, True, b"", None))
        return None if reply is None else reply.status


def test_an_answer_is_given_again_and_not_sent_to_who_has_it() -> None:
    site = Site()
    assert site.status() is None
    site.keep()
    assert site.status() == 200
    for known in (b'W/"tag"', b'"tag"', b'"old", W/"tag"'):
        assert site.status(if_none_match=known) == 304
    assert site.status(if_none_match=b'"other"') == 200


def test_others_ask_the_application() -> None:
    site = Site()
    site.keep()
    assert site.status(authorization=b"Bearer x") is None  # who may read private counts, or is told that it is no good
    assert site.status(method=b"HEAD") is None
    assert site.status(b"/api/counts?ref=1") is None
    assert site.status(b"/api/top?ref=1&ref=2") is None


def test_the_count_of_one_content_is_kept_likewise() -> None:
    site = Site()
    site.keep(target=b"/api/post/1/count")
    assert site.status(b"/api/post/1/count") == 200
    site.keep(target=b"/api/post/1/stats")
    assert site.status(b"/api/post/1/stats") is None


def test_a_write_of_one_of_the_counts_ends_an_answer() -> None:
    site = Site()
    site.keep()
    site.known.touch([7])
    assert site.status() == 200
    site.known.touch([2])
    assert site.status() is None


@pytest.mark.parametrize("what", ["catalog", "lag", "journal", "unread", "silence", "clear"])
def test_nothing_is_given_that_may_be_old(what: str) -> None:
    site = Site()
    site.keep()
    match what:
        case "catalog":
            site.revision += 1
        case "lag":
            site.lag_s = 0.5
        case "journal":
            site.journal.undrained = {2}
        case "unread":
            site.journal.has_unread = True
        case "silence":
            site.known.listens = False
        case "clear":
            site.known.clear()
    assert site.status() is None


def test_an_answer_that_was_read_before_a_write_is_not_kept() -> None:
    site = Site()
    since = site.known.moment
    site.known.touch([2])
    site.keep(since)
    assert site.status() is None
    since = site.known.moment
    site.known.clear()
    site.keep(since)
    assert site.status() is None
    site.keep()
    assert site.status() == 200


def test_long_answers_and_more_than_a_bound_are_not_kept() -> None:
    site = Site()
    site.keep(body=b" " * (BODY_MAX_BYTES + 1))
    assert site.status() is None
    for number in range(ANSWERS_MAX + 1):
        site.keep(target=b"/api/counts?ref=1&ref=2&x=%d" % number)
    assert site.status(b"/api/counts?ref=1&ref=2&x=0") is None
    assert site.status(b"/api/counts?ref=1&ref=2&x=%d" % ANSWERS_MAX) == 200
