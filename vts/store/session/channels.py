"""The register of channels of NOTIFY, and what a notice carries."""

from __future__ import annotations

from typing import Final

LIVE: Final = "vts_live"  # what was committed for which contents, as JSON (`vts.model.committed`)
COUNTS: Final = "vts_counts"  # counts of closed days were changed; no payload
CATALOG: Final = "vts_catalog"  # the revision that a change of contents or players got, as a decimal number
SESSIONS: Final = "vts_sessions"  # a session or a share link was ended; no payload
