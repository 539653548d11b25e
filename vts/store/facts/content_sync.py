"""A full sync of the catalog in PostgreSQL: each step is a transaction, and may be sent again by any process.

Parts are merged as they come, and note what they name. The commit removes what no part named and nothing has written
since the opening, ten thousand contents a step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from vts.model.content import ContentRow
from vts.model.content_sync import (
    MISSING_MAX,
    REMOVED_SHARE,
    SAMPLE_MAX,
    Committed,
    Opened,
    PartDone,
    PartsMissing,
    PartUsed,
    SyncClosed,
    TooManyParts,
    TooManyRemoved,
    UnknownSync,
)
from vts.store.drain.texts import NO_TEXTS, note_own_texts
from vts.store.facts.catalog import Write, json_parts, merge_contents, merged_rows, writing
from vts.store.session.connection import Connection
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

REMOVED_AT_ONCE: Final = 10_000  # contents of one step: about a second
_ALIVE: Final = "touched_at > now() - interval '1 day'"  # a nightly sync that broke off is opened anew the next night

_FORGET: Final = f"""
DELETE FROM content_syncs
WHERE CASE WHEN committed_at IS NULL THEN NOT {_ALIVE} ELSE committed_at < now() - interval '7 days' END
"""  # noqa: S608 -- a text of ours
_OPEN: Final = """
INSERT INTO content_syncs (sync_id, revision, dry_run) SELECT $1, revision, $2 FROM catalog_revision
ON CONFLICT (sync_id) DO UPDATE SET touched_at = now() RETURNING dry_run, committed_at IS NOT NULL
"""
_PARTS: Final = "SELECT part FROM content_sync_parts WHERE sync_id = $1 ORDER BY part"
_TOUCH: Final = f"""
UPDATE content_syncs SET touched_at = now() WHERE sync_id = $1 AND (committed_at IS NOT NULL OR {_ALIVE})
RETURNING revision, dry_run, committing, committed_at IS NOT NULL AS committed, created, changed, removed, unkept
"""  # noqa: S608
_DIGEST: Final = "SELECT digest FROM content_sync_parts WHERE sync_id = $1 AND part = $2"
_COMPARE: Final = query("sync_compare")
_NAME: Final = (
    "INSERT INTO content_sync_named SELECT $1, post_id FROM unnest($2::bigint[]) AS n (post_id) ON CONFLICT DO NOTHING"
)
_PART: Final = "INSERT INTO content_sync_parts VALUES ($1, $2, $3)"
_ADD: Final = "UPDATE content_syncs SET created = created + $2, changed = changed + $3 WHERE sync_id = $1"
_REMOVALS: Final = query("sync_removals")
_COMMITTING: Final = "UPDATE content_syncs SET committing = true WHERE sync_id = $1"
_REMOVE: Final = query("sync_remove")
_REMOVED: Final = "UPDATE content_syncs SET removed = removed + $2, unkept = $3 WHERE sync_id = $1"
_DONE: Final = "UPDATE content_syncs SET committed_at = now(), unkept = '{}' WHERE sync_id = $1 RETURNING removed"
_FORGET_NAMED: Final = "DELETE FROM content_sync_named WHERE sync_id = $1"
_FORGET_PARTS: Final = "DELETE FROM content_sync_parts WHERE sync_id = $1"


class Part(NamedTuple):
    """A part of a sync: its number, and the SHA-256 of its body."""

    sync_id: str
    number: int
    digest: bytes


async def open_sync(connection: Connection, sync_id: str, *, dry_run: bool) -> Opened:
    """Open a sync, or find it open. Raises StoreUnavailable."""
    async with connection.transaction():
        await connection.execute(_FORGET)
        row = await connection.fetchrow(_OPEN, sync_id, dry_run)
        assert row is not None, "written just now"
        return Opened([part for (part,) in await connection.fetch(_PARTS, sync_id)], *row)


async def apply_part(
    connection: Connection,
    part: Part,
    rows: Sequence[ContentRow],
    write: Write,
    *,
    now_us: int,
    texts: Mapping[int, str] = NO_TEXTS,
) -> PartDone:
    """Merge the rows of a part, once; `write` gets what they left also when the part is repeated.

    The journal may have refused it the first time. Raises UnknownSync, SyncClosed, PartUsed, ReferenceTaken (nothing is
    applied), StoreUnavailable.
    """
    last = merged_rows(rows)
    async with writing(connection, write) as revision:
        sync = await _touched(connection, part.sync_id)
        digest = await connection.fetchval(_DIGEST, part.sync_id, part.number)
        if digest not in (None, part.digest):
            raise PartUsed
        if digest is None and (sync["committing"] or sync["committed"]):
            raise SyncClosed
        created = changed = 0
        if digest is None:
            created, changed = await _compared(connection, json_parts(last))
            if not sync["dry_run"]:
                await note_own_texts(connection, texts)
                await merge_contents(connection, json_parts(last), revision, now_us)
            await connection.execute(_NAME, part.sync_id, list(last))
            await connection.execute(_PART, part.sync_id, part.number, part.digest)
            await connection.execute(_ADD, part.sync_id, created, changed)
        if not sync["dry_run"]:
            await write.keep_contents(connection, list(last))
    return PartDone(created, changed, digest is not None)


async def begin_commit(
    connection: Connection, sync_id: str, parts: int, *, dry_run: bool, force: bool
) -> tuple[Committed, bool]:
    """Check a commit; return what it will do, and whether there is anything to do: not in a dry run, not twice.

    Raises UnknownSync, PartsMissing, TooManyParts, TooManyRemoved, StoreUnavailable.
    """
    async with connection.transaction():
        sync = await _touched(connection, sync_id)
        so_far, is_dry = (sync["created"], sync["changed"]), dry_run or sync["dry_run"]
        if sync["committed"]:
            return Committed(*so_far, sync["removed"], None, [], sync["dry_run"], repeated=True), False
        if not sync["committing"]:
            _check_parts({part for (part,) in await connection.fetch(_PARTS, sync_id)}, parts)
        row = await connection.fetchrow(_REMOVALS, sync_id, sync["revision"], SAMPLE_MAX)
        assert row is not None, "a count has a row"
        removed, contents, sample = row
        if not (is_dry or force or sync["committing"]) and removed * 100 > contents * REMOVED_SHARE:
            raise TooManyRemoved(removed, contents)
        if not is_dry:
            await connection.execute(_COMMITTING, sync_id)
        return Committed(*so_far, removed, contents, sample, is_dry), not is_dry


async def keep_unkept(connection: Connection, sync_id: str, write: Write) -> None:
    """Give `write` what the last step removed: a commit that broke off may not have had it in the journal."""
    sync = await _touched(connection, sync_id)
    await write.keep_contents(connection, sync["unkept"])


async def remove_some(connection: Connection, write: Write, sync_id: str, after: int) -> list[int]:
    """Remove some contents behind a number; return them, none at the end. Raises UnknownSync, StoreUnavailable."""
    async with writing(connection, write) as revision:
        sync = await _touched(connection, sync_id)
        found = await connection.fetch(_REMOVE, sync_id, sync["revision"], after, REMOVED_AT_ONCE, revision)
        gone: list[int] = [post_id for (post_id,) in found]
        await connection.execute(_REMOVED, sync_id, len(gone), gone)
        await write.keep_contents(connection, gone)
    return gone


async def end_commit(connection: Connection, sync_id: str) -> int:
    """Note that a sync is done; return how many contents it removed in all. Raises StoreUnavailable."""
    async with connection.transaction():
        removed: int = await connection.fetchval(_DONE, sync_id)
        await connection.execute(_FORGET_NAMED, sync_id)
        await connection.execute(_FORGET_PARTS, sync_id)
    return removed


async def forget_syncs(connection: Connection) -> None:
    """Remove syncs for which nothing came for a day, and committed ones after a week. Called about every hour."""
    await connection.execute(_FORGET)


async def _touched(connection: Connection, sync_id: str) -> Any:
    """Return a sync, locked to the end of the transaction. Raises UnknownSync."""
    sync = await connection.fetchrow(_TOUCH, sync_id)
    if sync is None:
        raise UnknownSync
    return sync


async def _compared(connection: Connection, parts: Sequence[str]) -> tuple[int, int]:
    counts = [await connection.fetchrow(_COMPARE, part) for part in parts]
    return sum(row[0] for row in counts if row), sum(row[1] for row in counts if row)


def _check_parts(known: set[int], parts: int) -> None:
    missing = [part for part in range(1, parts + 1) if part not in known]
    if missing:
        raise PartsMissing(missing[:MISSING_MAX])
    if len(known) > parts:
        raise TooManyParts(max(known))
