"""Rows of an import from its body: JSON as for every bulk write, or CSV, which becomes the same lines of JSON."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

import msgspec

from vts.capture.http.limits import Limits
from vts.model.imported_stats import COUNT_NAMES
from vts.model.imports import Count, DailyRow, Pairs
from vts.model.names import OF_TEXTS, Names
from vts.model.reference import BadReference, NoReferenceKey, is_hashed
from vts.query.export.cells import active
from vts.web.answers import Problem, catalog_not_loaded
from vts.web.rows import decode_rows, gunzipped

CSV_TYPES: Final = ("text/csv", "application/csv")
PLAYLIST: Final = "playlist"
NESTED: Final = ("breakdowns", "event_data", "extra", "top_countries", "device_breakdown")
FLAGS: Final = ("completed",)
SECONDS: Final = (
    *("video_time", "duration_seconds", "position_seconds", "total_watch_seconds", "avg_watch_seconds"),
    *("buffer_seconds", "buffer_ratio", "error_rate"),
)
VISITORS: Final = ("unique_visitors", "unique_visitors_imported")
NUMBERS: Final = (
    *("post_id", "playlist_id", "play_order", "user_id", "views", "views_authenticated"),
    *("total_views", "total_views_authenticated", "unique_viewers", "unique_viewers_authenticated"),
    *("unique_viewers_imported", "unique_viewers_imported_authenticated"),
    *("stream_id", "channel_id", "vod_movie_id", "vod_series_id", "peak_concurrent_viewers", "bandwidth_bytes"),
    *(f"{name}{twin}" for name in (*COUNT_NAMES, *VISITORS) for twin in ("", "_authenticated")),
)
_INTEGER: Final = re.compile(r"-?[0-9]{1,19}")
_NUMBER: Final = re.compile(r"[0-9]{1,19}(\.[0-9]{1,19})?")
_encode: Final = msgspec.json.Encoder().encode

T = TypeVar("T", bound=msgspec.Struct)


def rows_in(
    body: bytes, content_type: str, encoding: str | None, kind: type[T], limits: Limits, names: Names | None = None
) -> list[T]:
    """Return the rows of a body, which may be gzipped; with `names`, ids may be texts.

    Raises Problem that names the row's index and the field.
    """
    plain = gunzipped(body, encoding, limits)
    if content_type.partition(";")[0].strip().lower() in CSV_TYPES:
        plain = b"\n".join(_lines(plain))
    return decode_rows(plain, kind, max(limits.bulk_rows_max, limits.import_views_max), names)


def name_playlists(rows: Sequence[DailyRow], names: Names) -> None:
    """Put numbers in the place of the texts of playlists in breakdowns. Raises Problem 400 and 503.

    Counts of two spellings of one playlist are added up.
    """
    for index, row in enumerate(rows):
        playlists = (row.breakdowns or {}).get(PLAYLIST)
        if row.breakdowns is None or not playlists:
            continue
        made: dict[str, Count | Pairs] = {}
        try:
            for key, views in playlists.items():
                number = _playlist(key, names)
                made[number] = _sum(made[number], views) if number in made else views
        except BadReference as fault:
            raise Problem(400, f"row {index}: breakdowns.{PLAYLIST}: {fault}") from None
        except NoReferenceKey:
            raise catalog_not_loaded() from None
        row.breakdowns[PLAYLIST] = made


def _playlist(key: str, names: Names) -> str:
    """Return the digits of a playlist's number; what names no playlist (`other`) stays. Raises as `Names.content`."""
    if ":" in key:
        return str(names.content(key))
    if not (key.isascii() and key.isdigit()):
        return key
    number = int(key)
    if is_hashed(number):
        raise BadReference(OF_TEXTS)
    return str(number)


def _sum(one: int | list[int], other: int | list[int]) -> list[int]:
    pairs = (n if isinstance(n, list) else [n, 0] for n in (one, other))
    return [sum(counts) for counts in zip(*pairs, strict=True)]


def _lines(body: bytes) -> Iterator[bytes]:
    """Give each row of a CSV with a header line as a JSON object. An empty cell is a field that is not there."""
    try:
        reader = csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True, restkey="")
        for index, row in enumerate(reader):
            if "" in row:
                raise Problem(400, f"row {index}: more cells than the header has")
            yield _encode({name: _cell(name, text) for name, text in row.items() if text})
    except UnicodeDecodeError:
        raise Problem(400, "body: not UTF-8") from None
    except csv.Error:
        raise Problem(400, "body: not well-formed CSV") from None


def _cell(name: str, text: str) -> object:
    if name in NESTED:
        return msgspec.Raw(text.replace("\n", " ").encode())  # a row has to stay a line
    if name in NUMBERS and _INTEGER.fullmatch(text):
        return int(text)
    if name in SECONDS and _NUMBER.fullmatch(text):
        return float(text)
    if name in FLAGS and text in ("true", "false"):
        return text == "true"
    return active(text)
