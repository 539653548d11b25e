"""Which page a path belongs to: `/p/42` and `/post/42?from=mail` are both `/p/[post]`. Pure.

A rule is `PATTERN => PAGE`; the first that fits decides. A pattern is a path, or ends in `/*` and then fits every path
below it. Paths that no rule fits are pages of their own. Queries and fragments may hold anything and are cut off.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

PAGE_MAX_CHARS: Final = 255

_ORIGIN: Final = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_SLASHES: Final = re.compile(r"/{2,}")
_RULE: Final = re.compile(r"(/\S*) => (/\S*)")


class BadRule(ValueError):
    """A rule cannot be read."""


class Pages:
    """The rules of a site. `strip` is a prefix to leave out, such as `/api`. Raises BadRule."""

    def __init__(self, rules: Sequence[str], strip: str = "") -> None:
        self._strip = strip.rstrip("/")
        self._exact: dict[str, str] = {}
        self._below: list[tuple[str, str]] = []
        for rule in rules:
            match = _RULE.fullmatch(rule.strip())
            if match is None:
                raise BadRule(f"{rule!r}: a rule is PATTERN => PAGE, both beginning with /")
            pattern, page = match.groups()
            if pattern.endswith("/*"):
                self._below.append((pattern[:-1], page))
            else:
                self._exact.setdefault(pattern, page)

    def page_of(self, path: str) -> str | None:
        """Return the page of a path or of a URL, None when it is neither."""
        path = _ORIGIN.sub("", path, count=1) or "/"
        if not path.startswith("/"):
            return None
        path = _SLASHES.sub("/", re.split(r"[?#]", path, maxsplit=1)[0])
        if self._strip and (path == self._strip or path.startswith(self._strip + "/")):
            path = path[len(self._strip) :]
        path = path.rstrip("/") or "/"
        if (page := self._exact.get(path)) is not None:
            return page
        for prefix, page in self._below:
            if path.startswith(prefix):
                return page
        return path[:PAGE_MAX_CHARS]
