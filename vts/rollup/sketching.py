"""From the viewers of a day, content by content, to its sketches. Pure, in bites that hold the loop for a millisecond.

Viewers come in the order of artists and contents, so one sketch of a content, one of an artist and that of the site
are open at a time: memory does not grow with the day.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from vts.model import sketch
from vts.model.tally import SITE

BITE: Final = 1_000  # viewers; each goes into up to six sketches, 0.2 µs apiece
NUMBER_BYTES: Final = 8

SketchRow = tuple[str, int, int, int, bytes | None, bytes | None]
"""The columns of `roll_sketches`."""


class Piece(NamedTuple):
    """Some viewers of a content ('post') or of the site's pages ('visits'): the first 8 bytes of their keys, joined."""

    kind: str
    id: int
    owner_id: int | None
    anonymous: bytes | None
    authenticated: bytes | None


class _Growing:
    """One sketch. What comes in small portions is collected, since opening and closing a sketch costs 10 µs."""

    __slots__ = ("_stored", "_waiting", "viewers")

    def __init__(self) -> None:
        self._stored: bytes | None = None
        self._waiting: list[int] = []
        self.viewers = 0

    def add(self, numbers: tuple[int, ...]) -> None:
        self._waiting += numbers
        if len(self._waiting) >= BITE:
            self._flush()

    def finish(self) -> tuple[int, bytes | None]:
        if self._waiting:
            self._flush()
        return self.viewers, self._stored

    def _flush(self) -> None:
        grown, self.viewers = sketch.grown(self._stored, self._waiting)
        self._stored = grown or self._stored
        self._waiting = []


class _Both:
    """The sketch of all viewers and that of authenticated ones."""

    __slots__ = ("all", "authenticated", "id", "kind")

    def __init__(self, kind: str, whose: int) -> None:
        self.kind, self.id = kind, whose
        self.all, self.authenticated = _Growing(), _Growing()

    def row(self) -> SketchRow:
        viewers, stored = self.all.finish()
        viewers_authenticated, stored_authenticated = self.authenticated.finish()
        return self.kind, self.id, viewers, viewers_authenticated, stored, stored_authenticated


class Sketcher:
    """Takes pieces in order; `done` holds the rows of finished sketches, for the caller to take away."""

    def __init__(self) -> None:
        self.done: list[SketchRow] = []
        self._post: _Both | None = None
        self._artist: _Both | None = None
        self._whole: dict[str, _Both] = {}

    def take(self, piece: Piece) -> Iterator[int]:
        """Take a piece, in steps of up to BITE viewers; yields the size of each step."""
        into = self._open(piece)
        for joined, signed in ((piece.anonymous, False), (piece.authenticated, True)):
            for numbers in _bites(joined or b""):
                for both in into:
                    both.all.add(numbers)
                    if signed:
                        both.authenticated.add(numbers)
                yield len(numbers)

    def finish(self) -> None:
        """Close what is open."""
        self._close_post()
        self._close_artist()
        self.done += [both.row() for both in self._whole.values()]
        self._whole = {}

    def _open(self, piece: Piece) -> list[_Both]:
        if piece.kind == "visits":
            return [self._whole.setdefault("visits", _Both("visits", SITE))]
        if self._post is None or self._post.id != piece.id:
            self._close_post()
            self._post = _Both("post", piece.id)
        if self._artist is not None and self._artist.id != piece.owner_id:
            self._close_artist()
        if self._artist is None and piece.owner_id is not None:
            self._artist = _Both("artist", piece.owner_id)
        into = [self._post, self._whole.setdefault("site", _Both("post", SITE))]
        return into if self._artist is None else [*into, self._artist]

    def _close_post(self) -> None:
        if self._post is not None:
            self.done.append(self._post.row())
            self._post = None

    def _close_artist(self) -> None:
        if self._artist is not None:
            self.done.append(self._artist.row())
            self._artist = None


def _bites(joined: bytes) -> Iterator[tuple[int, ...]]:
    step = BITE * NUMBER_BYTES
    for start in range(0, len(joined), step):
        part = joined[start : start + step]
        yield struct.unpack(f">{len(part) // NUMBER_BYTES}q", part)
