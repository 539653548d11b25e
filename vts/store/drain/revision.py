"""What every change of the catalog leaves behind: the next revision, and days of artists to be added up anew."""

from __future__ import annotations

from typing import Final

from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

BUMP: Final = query("catalog_bump")
MARK_ARTISTS: Final = query("catalog_mark_artists")
