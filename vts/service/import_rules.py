"""Which rows an import may bring, and the reasons for which it is refused. Shared by counters and views."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from vts.model.ports import Catalog
from vts.service.catalog_writes import CatalogWrites
from vts.store.session.connection import Connection
from vts.store.session.pool import Writer

T = TypeVar("T")

DAY_OPEN: Final = (
    "its day still has raw views, which will be counted anew; try again once they are dropped, within an hour after "
    "midnight UTC"
)


class RowRefused(Exception):
    """A row breaks a rule; nothing of the import was applied. `index` counts the rows from 0."""

    def __init__(self, index: int, text: str) -> None:
        super().__init__(text)
        self.index = index


class DayOpen(RowRefused):
    """The day of a row still has raw views, which a roll-up would count again."""

    def __init__(self, index: int) -> None:
        super().__init__(index, DAY_OPEN)


class TooManyRows(Exception):
    """An import has more rows than one transaction may write. `most` is the bound."""

    def __init__(self, most: int) -> None:
        super().__init__(f"more than {most} rows")
        self.most = most


class CatalogNotLoaded(Exception):
    """The catalog is not in memory yet, so known and unknown contents cannot be told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRules:
    """`strict`: only contents of the catalog count. `raw_days`: days that are kept raw, today included.

    `rows_max` and `views_max`: rows of one import of counters and of views.
    """

    catalog: Catalog
    strict: bool
    raw_days: int
    rows_max: int
    views_max: int

    def require_catalog(self) -> None:
        """Raise CatalogNotLoaded before the catalog is in memory."""
        if not self.catalog.ready:
            raise CatalogNotLoaded

    def unknown(self, post_ids: Iterable[int]) -> list[int]:
        """Return the contents that the catalog lacks, or knows by their views only. Raises CatalogNotLoaded."""
        self.require_catalog()
        return [post_id for post_id in set(post_ids) if self._is_unknown(post_id)]

    def _is_unknown(self, post_id: int) -> bool:
        content = self.catalog.content(post_id)
        return content is None or content.provisional


@dataclass(frozen=True, slots=True)
class ImportSession:
    """Where an import writes: as a catalog write when it registers contents, else beside the catalog."""

    writer: Writer
    catalog_writes: CatalogWrites

    async def write(self, work: Callable[[Connection], Awaitable[T]], *, registers: bool) -> T:
        """Do the work of an import. Raises what the work raises."""
        return await (self.catalog_writes.write if registers else self.writer.write)(work)
