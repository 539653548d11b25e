"""A token from the words of the command line: roles and lifetimes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

TTL_MAX_S: Final = 10 * 366 * 86_400
_UNITS_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}
_TTL: Final = re.compile(r"(\d{1,9})\s*([smhdw])", re.ASCII)


def parse_ttl(text: str) -> int:
    """Read a lifetime like `90s`, `1h`, `30d` or `2w`, in seconds. Raises ValueError with what is allowed."""
    found = _TTL.fullmatch(text.strip().lower())
    seconds = int(found[1]) * _UNITS_S[found[2]] if found else 0
    if not 0 < seconds <= TTL_MAX_S:
        raise ValueError("a lifetime is a number and one of s, m, h, d, w, at most ten years: 90s, 1h, 30d")
    return seconds


def roles_of(roles: Sequence[str], *, service: bool) -> frozenset[str]:
    """Return the roles of a token: those named, `service` with that flag, and a plain user when neither is given."""
    named = frozenset(roles) | (frozenset(("service",)) if service else frozenset())
    return named or frozenset(("user",))
