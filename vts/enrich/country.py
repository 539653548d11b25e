"""In which country an address is, by a MaxMind DB file of either shape."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Final

import maxminddb

from vts.enrich.client_ip import Address
from vts.enrich.timezones import country_codes

_log: Final = logging.getLogger(__name__)
_CODES: Final = country_codes()


def country_code(text: object) -> str | None:
    """Return an ISO 3166-1 alpha-2 code in capitals; None for anything else, `XX` and `T1` (Tor) included."""
    if not isinstance(text, str) or len(text) != 2:
        return None
    return text if text in _CODES else text.upper() if text.upper() in _CODES else None


class Countries:
    """Looks up addresses. A missing or broken file means unknown countries; that is logged once, not per address."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._reader: maxminddb.Reader | None = None
        self._widest = 16
        self._complained = False
        if path is not None:
            self.reload()

    @property
    def loaded(self) -> bool:
        """Whether there is a file to look into."""
        return self._reader is not None

    def of(self, address: Address) -> str | None:
        """Return the country of an address; None for private, loopback and unlisted ones."""
        if self._reader is None or len(address.packed) > self._widest:
            return None
        try:
            return code_in(self._reader.get(address.exposed()))
        except (ValueError, maxminddb.InvalidDatabaseError):
            self._complain("country file has broken records")
            return None

    def reload(self, path: Path | None = None) -> bool:
        """Read the file again and swap it in; keep the present one when it cannot be read. Blocks on the disk.

        `path` is another file, from now on.
        """
        self._path = path or self._path
        if self._path is None:
            return False
        try:
            reader = open_file(self._path)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as fault:
            self._complain("country file cannot be read", fault)
            return False
        self._widest = 4 if reader.metadata().ip_version == 4 else 16
        self._reader, self._complained = reader, False
        return True

    def _complain(self, what: str, fault: Exception | None = None) -> None:
        if not self._complained:
            self._complained = True
            _log.warning("%s, countries may be unknown: %s (%s)", what, self._path, type(fault).__name__)


def open_file(path: Path) -> maxminddb.Reader:
    """Open a private copy: the quick reader maps its file, and a mapped file that shrinks kills the process.

    Raises OSError, ValueError and InvalidDatabaseError.
    """
    content = path.read_bytes()
    try:
        with tempfile.NamedTemporaryFile(prefix="vts-country-") as copy:
            copy.write(content)
            copy.flush()
            return maxminddb.open_database(copy.name, maxminddb.MODE_MMAP_EXT)
    except (OSError, ValueError):  # no room for the copy, or no C reader: ten times slower, and as good
        with path.open("rb") as file:
            return maxminddb.open_database(file, maxminddb.MODE_FD)


def code_in(record: object) -> str | None:
    """Read both shapes: `{"country_code": "BR"}` and `{"country": {"iso_code": "BR"}}`."""
    if not isinstance(record, dict):
        return None
    nested = record.get("country")
    code = nested.get("iso_code") if isinstance(nested, dict) else nested
    return country_code(record.get("country_code") or code)
