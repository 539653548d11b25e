"""Who owns a content, as the catalog in memory has it."""

from __future__ import annotations

from collections.abc import Callable

from vts.model.ports import Catalog


def owner_in(catalog: Catalog) -> Callable[[int], int | None]:
    """Return a function: content → its owner, None when this process does not know one."""

    def owner_of(post_id: int) -> int | None:
        content = catalog.content(post_id)
        return None if content is None else content.owner_id

    return owner_of
