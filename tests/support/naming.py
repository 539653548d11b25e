"""Names of parametrized tests: what a case holds, where pytest would number it."""

from __future__ import annotations

import re

LENGTH_MAX = 60
# An address, a moment, chance, an order, a token.
UNSTABLE = re.compile(r" at 0x|\d{9}|\d\dT\d\d:|[0-9a-f]{8}-|frozenset|\\x|eyJ")


def case_name(value: object) -> str | None:
    """Return a short text of a dict, a list, a tuple or an exception; None where pytest's own name will do.

    A long text with a moment or chance in it (a token, a packet) would be another one in another worker: it is `long`.
    """
    if isinstance(value, (str, bytes)) and len(value) > LENGTH_MAX and UNSTABLE.search(repr(value)):
        return "long"
    if not isinstance(value, (dict, list, tuple, Exception)) or has_set(value):
        return None
    text = repr(value)
    return None if UNSTABLE.search(text) else text[:LENGTH_MAX]


def has_set(value: object) -> bool:
    """Return whether there is a set in it: its order is another one in each process."""
    if isinstance(value, dict):
        return any(has_set(one) for pair in value.items() for one in pair)
    return isinstance(value, (set, frozenset)) or (isinstance(value, (list, tuple)) and any(map(has_set, value)))
