"""Revoked tokens: a file of their ids, one a line."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

_log: Final = logging.getLogger(__name__)


class RevokedFile:
    """Whether a token's id is in the file, which is looked at for every token and read when it has changed.

    While the file cannot be read, what was read last is in force; that is logged once. Raises OSError for a file that
    cannot be read at the beginning.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = (0, 0, 0)
        self._known: frozenset[str] = frozenset()
        self._complained = False
        self._look()

    def __call__(self, jti: str) -> bool:
        """Whether the token of this id is revoked."""
        try:
            self._look()
            self._complained = False
        except OSError as fault:
            if not self._complained:
                self._complained = True
                _log.error("the list of revoked tokens cannot be read", extra={"error": fault.strerror})
        return jti in self._known

    def _look(self) -> None:
        found = self._path.stat()
        stamp = found.st_ino, found.st_size, found.st_ctime_ns  # every change of the file changes one of them
        if stamp != self._stamp:
            self._known = frozenset(self._path.read_text("utf-8", "replace").split())
            self._stamp = stamp
