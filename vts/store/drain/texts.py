"""Texts of references: kept in the transaction that keeps what they name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from vts.model.record import ReferenceText
from vts.model.reference import TEXT_MAX_CHARS, ReferenceTaken, is_hashed
from vts.store.session.connection import Connection
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

NO_TEXTS: Final[Mapping[int, str]] = MappingProxyType({})
_NOTE: Final = query("texts_note")
_OF: Final = "SELECT number, text FROM reference_texts WHERE number = ANY($1::bigint[])"


def is_sound(record: ReferenceText) -> bool:
    """Whether PostgreSQL takes it: an erased text is empty, and one that is not sound must not cost events."""
    return is_hashed(record.number) and 1 <= len(record.text) <= TEXT_MAX_CHARS and record.text.isprintable()


async def note_texts(connection: Connection, texts: Mapping[int, str]) -> list[int]:
    """Keep texts by their numbers; what is there stays. Returns the numbers that another text has. Raises BadData."""
    if not texts:
        return []
    numbers = sorted(texts)
    rows = await connection.fetch(_NOTE, numbers, [texts[number] for number in numbers])
    return [row[0] for row in rows]


async def note_own_texts(connection: Connection, texts: Mapping[int, str]) -> None:
    """Keep texts that must be theirs. Raises ReferenceTaken for one whose number another text has, and BadData."""
    taken = await note_texts(connection, texts)
    if taken:
        raise ReferenceTaken(texts[taken[0]])


async def check_own_texts(connection: Connection, texts: Mapping[int, str]) -> None:
    """Raise ReferenceTaken for a text whose number another text has; keep none of them."""
    found = await texts_of(connection, list(texts))
    for number, text in texts.items():
        if found.get(number, text) != text:
            raise ReferenceTaken(text)


async def texts_of(connection: Connection, numbers: Sequence[int]) -> dict[int, str]:
    """Return the texts of those numbers that have one. Raises StoreUnavailable."""
    return dict(await connection.fetch(_OF, numbers)) if numbers else {}
