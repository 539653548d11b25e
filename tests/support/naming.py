"""Names of parametrized tests: what a case holds, where pytest would number it."""

from __future__ import annotations

import re

LENGTH_MAX = 60
UNSTABLE = re.compile(r" at 0x|\d{9}|[0-9a-f]{8}-|frozenset|\\x|eyJ")  # an address, a moment, chance, an order, a token


def case_name(value: object) -> str | None:
    """Return a short text of a dict, a list, a tuple or an exception; None where another worker might see another."""
    if not isinstance(value, (dict, list, tuple, Exception)) or has_set(value):
        return None
    text = repr(value)
    return None if UNSTABLE.search(text) else text[:LENGTH_MAX]


def has_set(value: object) -> bool:
    """Return whether there is a set in it: its order is another one in each process."""
    if isinstance(value, dict):
        return any(has_set(one) for pair in value.items() for one in pair)
    return isinstance(value, (set, frozenset)) or (isinstance(value, (list, tuple)) and any(map(has_set, value)))
