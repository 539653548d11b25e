"""What is wrong with an input that cannot be decoded, without any part of the input itself."""

from __future__ import annotations

import re
from typing import Final

import msgspec

# The texts of msgspec that repeat what was sent: a value, or the name of a field that is not known.
_REPEATING: Final = (
    (re.compile(r"Invalid (?:enum )?value .*", re.DOTALL), "not one of the values that are known"),
    (re.compile(r"Object contains unknown field .*", re.DOTALL), "an unknown field"),
)


def what_and_where(fault: msgspec.ValidationError) -> tuple[str, str]:
    """Return what is wrong (types and bounds, in msgspec's words) and the path of the field, "" for the whole."""
    what, at, path = str(fault).rpartition(" - at `")
    if not at:
        what, path = path, ""
    for pattern, instead in _REPEATING:
        what = pattern.sub(instead, what)
    return what, path.removesuffix("`").removeprefix("$").removeprefix(".")
