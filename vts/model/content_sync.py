"""A full sync of the catalog: what is asked of it, what it answers, and what is refused."""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple

import msgspec

REMOVED_SHARE: Final = 10  # percent of the contents: more is a mistake of the host more often than a clean-up
PARTS_MAX: Final = 100_000
SAMPLE_MAX: Final = 100  # removals that an answer names
MISSING_MAX: Final = 10  # parts that a refusal names


class UnknownSync(Exception):
    """There is no sync with this id: it was never opened, or nothing came for a day."""


class SyncClosed(Exception):
    """The sync is committed, or being committed: it takes no further part."""


class PartUsed(Exception):
    """Another body came under the number of this part."""


class PartsMissing(Exception):
    """Parts that were announced have not come. The argument are the first of their numbers."""

    def __init__(self, parts: list[int]) -> None:
        super().__init__(parts)
        self.parts = parts


class TooManyParts(Exception):
    """More parts have come than were announced. The argument is the largest number."""


class TooManyRemoved(Exception):
    """A commit without force would remove more than REMOVED_SHARE percent of the contents."""

    def __init__(self, removed: int, contents: int) -> None:
        super().__init__(f"{removed} of {contents} contents would be removed, more than {REMOVED_SHARE} %")


class SyncOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Opens a sync, or commits it. `parts` of a commit is how many parts were sent, numbered from 1."""

    sync_id: Annotated[str, msgspec.Meta(pattern="^[!-~]{1,200}$")]
    dry_run: bool = False
    commit: bool = False
    parts: Annotated[int, msgspec.Meta(ge=1, le=PARTS_MAX)] | None = None
    force: bool = False


class Opened(NamedTuple):
    """A sync that is open: the parts that it has, so that a client can go on."""

    parts: list[int]
    dry_run: bool
    committed: bool


class PartDone(NamedTuple):
    """What a part did, or would do in a dry run."""

    created: int
    changed: int
    repeated: bool


class Committed(NamedTuple):
    """What a sync did, or would do in a dry run. `contents`: how many before; `sample`: some removed ones."""

    created: int
    changed: int
    removed: int
    contents: int | None
    sample: list[int]
    dry_run: bool
    repeated: bool = False
