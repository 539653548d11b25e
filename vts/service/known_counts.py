"""Answers about public counts that are still right, kept for the pages that ask for them again and again.

Ten thousand badges that ask once a minute ask for the same few counts. An answer is kept until a write changes one of
its counts: a commit of this process or of another (NOTIFY), a roll-up that corrects a day, a change of the catalog.
Nothing is answered from here while the process does not listen, while the journal has a view of these contents that the
database lacks, or while the database is known to be behind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from vts.capture.http.head import HeadVerdict
from vts.capture.http.request import CaptureReply
from vts.query.counts import Undrained

MANY: Final = b"/api/counts"
ONE: Final = b"/api/post/"
ONE_TAIL: Final = b"/count"
ANSWERS_MAX: Final = 10_000  # of at most `BODY_MAX_BYTES`: 10 MB
BODY_MAX_BYTES: Final = 1024  # longer ones are compressed for each client that takes it
TOUCHED_MAX: Final = 100_000
_TAG: Final = re.compile(rb'(?:W/)?("[^"]*")')


@dataclass(frozen=True, slots=True)
class _Kept:
    """One answer, and what it is about."""

    posts: frozenset[int]
    revision: int
    tag: bytes
    reply: CaptureReply
    unchanged: CaptureReply


@dataclass(slots=True)
class KnownCounts:
    """`revision` is the catalog's, `lag_s` for how long the database has been known to be behind."""

    journal: Undrained
    revision: Callable[[], int]
    lag_s: Callable[[], float]
    listens: bool = False
    """Whether commits of other processes are heard."""
    moment: int = 0
    """Grows with every write that may change a count."""
    _kept: dict[bytes, _Kept] = field(default_factory=dict)
    _of_post: dict[int, set[bytes]] = field(default_factory=dict)
    _touched: dict[int, int] = field(default_factory=dict)
    _forgot: int = 0  # the moment before which no touch is remembered

    def reply(self, verdict: HeadVerdict) -> CaptureReply | None:
        """Return the answer to a request, None where the web application has to answer."""
        path = verdict.path
        if path != MANY and not (path.endswith(ONE_TAIL) and path.startswith(ONE)):
            return None
        if not self.listens:
            return None
        head = verdict.head
        kept = self._kept.get(head.target)
        if kept is None or head.method != b"GET" or head.values(b"authorization"):
            return None
        if kept.revision != self.revision() or self.lag_s():
            return None
        if self.journal.has_unread or self.journal.last_undrained(kept.posts):
            return None
        known = b",".join(head.values(b"if-none-match"))
        return kept.unchanged if kept.tag in _TAG.findall(known) else kept.reply

    def keep(
        self, target: bytes, posts: frozenset[int], since: int, revision: int, reply: CaptureReply, tag: str
    ) -> None:
        """Keep the answer to a GET of a target. `since` and `revision` are of before the counts were read.

        `tag` is the text of its ETag. Nothing is kept when a count may have changed meanwhile.
        """
        late = since < self._forgot or any(self._touched.get(post_id, 0) > since for post_id in posts)
        if late or not self.listens or len(reply.body) > BODY_MAX_BYTES:
            return
        if len(self._kept) >= ANSWERS_MAX:
            self._drop(next(iter(self._kept)))
        unchanged = CaptureReply(304, headers=reply.headers)
        self._kept[target] = _Kept(posts, revision, f'"{tag}"'.encode(), reply, unchanged)
        for post_id in posts:
            self._of_post.setdefault(post_id, set()).add(target)

    def touch(self, post_ids: Iterable[int]) -> None:
        """Forget every answer about these contents: their counts have changed."""
        self.moment += 1
        for post_id in post_ids:
            self._touched[post_id] = self.moment
            for target in tuple(self._of_post.get(post_id, ())):
                self._drop(target)
        if len(self._touched) > TOUCHED_MAX:
            self._touched.clear()
            self._forgot = self.moment

    def clear(self) -> None:
        """Forget every answer: any count may have changed."""
        self.moment += 1
        self._forgot = self.moment
        self._kept.clear()
        self._of_post.clear()
        self._touched.clear()

    def _drop(self, target: bytes) -> None:
        kept = self._kept.pop(target, None)
        if kept is None:
            return
        for post_id in kept.posts:
            targets = self._of_post.get(post_id)
            if targets is not None:
                targets.discard(target)
                if not targets:
                    del self._of_post[post_id]
