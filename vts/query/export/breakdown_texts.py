"""Playlists in the breakdowns of exported rows: their texts in the place of their numbers, which another VTS lacks."""

from __future__ import annotations

import re
from typing import Final

from vts.model import tally
from vts.query.export.table import Block, Row
from vts.query.naming import named_keys, references_in_keys
from vts.store.drain.texts import texts_of
from vts.store.session.connection import Connection

BREAKDOWNS: Final = "breakdowns"
PLAYLIST: Final = "playlist"

_KEY_OF_TEXT: Final = re.compile(r'"[0-9]{19}"\s*:')  # all numbers of texts have 19 digits


async def with_texts(connection: Connection, rows: Block, place: int) -> Block:
    """Return rows whose breakdowns, the JSON at `place`, name playlists by their texts; the digits stay without one.

    One query for all rows, none when no key can be such a number. Raises StoreUnavailable.
    """
    found = {
        index: tally.decode(row[place])
        for index, row in enumerate(rows)
        if row[place] and _KEY_OF_TEXT.search(row[place])
    }
    numbers = references_in_keys(key for breakdowns in found.values() for key in breakdowns.get(PLAYLIST, ()))
    if not numbers:
        return rows
    texts = await texts_of(connection, sorted(numbers))
    made: list[Row] = list(rows)
    for index, breakdowns in found.items():
        if PLAYLIST in breakdowns:
            breakdowns[PLAYLIST] = named_keys(breakdowns[PLAYLIST], texts, _sum)
            made[index] = (*rows[index][:place], tally.encode(breakdowns), *rows[index][place + 1 :])
    return made


def _sum(one: tally.Pair, other: tally.Pair) -> tally.Pair:
    return [n + more for n, more in zip(one, other, strict=True)]
