"""What a country file is: whether VTS reads it, when it was built, and what it says of a few addresses."""

from __future__ import annotations

import gzip
import ipaddress
import itertools
import zlib
from pathlib import Path
from typing import Final, NamedTuple

import maxminddb

from vts.enrich.country import code_in, open_file

GZIP: Final = b"\x1f\x8b"
FILE_MAX_BYTES: Final = 512 << 20  # the largest city file is a quarter of it
SAMPLE: Final = 1_000  # networks that are looked at for a country
OLD_AFTER_S: Final = 90 * 86_400  # country files come every month; a few networks in a hundred move in a quarter
TEST_ADDRESSES: Final = ("8.8.8.8", "1.1.1.1", "2001:4860:4860::8888")


class NoCountryFile(ValueError):
    """The file is no country database that VTS reads. The text says why."""


class CountryFile(NamedTuple):
    """`built_s` is the time of the build since 1970, `nodes` the size of the search tree, `lookups` address → code."""

    kind: str
    built_s: int
    nodes: int
    lookups: dict[str, str | None]


def plain(content: bytes) -> bytes:
    """Return a file as it is, or unpacked when it is gzipped, as databases are published. Raises NoCountryFile."""
    if not content.startswith(GZIP):
        return content
    try:
        unpacked = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(content, FILE_MAX_BYTES + 1)
    except (zlib.error, gzip.BadGzipFile):
        raise NoCountryFile("a gzip file that is damaged") from None
    if len(unpacked) > FILE_MAX_BYTES:
        raise NoCountryFile(f"more than {FILE_MAX_BYTES >> 20} MiB when unpacked")
    return unpacked


def examine(path: Path) -> CountryFile:
    """Open a file and look at it. Raises NoCountryFile, and OSError for one that cannot be read."""
    try:
        reader = open_file(path)
    except (ValueError, maxminddb.InvalidDatabaseError):
        raise NoCountryFile("not a MaxMind DB file (.mmdb), or damaged") from None
    with reader:
        about = reader.metadata()
        lookups: dict[str, str | None] = {}
        try:
            codes = (code_in(record) for _, record in itertools.islice(reader, SAMPLE))
            if not any(codes):
                raise NoCountryFile("no country in it: `country_code` or `country.iso_code` of a network is expected")
            for text in TEST_ADDRESSES:
                fits = about.ip_version == 6 or ipaddress.ip_address(text).version == 4
                lookups[text] = code_in(reader.get(text)) if fits else None
        except (ValueError, maxminddb.InvalidDatabaseError) as fault:
            if isinstance(fault, NoCountryFile):
                raise
            raise NoCountryFile("its records are damaged") from None
        return CountryFile(about.database_type, about.build_epoch, about.node_count, lookups)
