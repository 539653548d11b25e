"""Bulk bodies: a JSON object, an array, or NDJSON, decoded row by row so that a bad one is named by its index."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from quart import Request

from vts.web.answers import Problem

T = TypeVar("T", bound=msgspec.Struct)


async def body_of(asked: Request) -> bytes:
    """Return the whole body. Raises 413 by the framework when it is too large."""
    body = await asked.get_data(as_text=False)
    return body if isinstance(body, bytes) else body.encode()


def decode_rows(body: bytes, kind: type[T]) -> list[T]:
    """Return the rows of a body. Raises Problem 400 that names the row's index and the field."""
    raws = _split(body)
    decoder = msgspec.json.Decoder(kind)
    rows = []
    for index, raw in enumerate(raws):
        try:
            row = decoder.decode(raw)
        except RecursionError:
            raise Problem(400, f"row {index}: nested too deeply") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            raise Problem(400, f"row {index}: {_words(fault)}") from None
        _refuse_unstorable(row, index)
        rows.append(row)
    if not rows:
        raise Problem(400, "body: a JSON object, an array or NDJSON is expected, and it is empty")
    return rows


def _split(body: bytes) -> list[bytes | msgspec.Raw]:
    text = body.strip()
    try:
        if text.startswith(b"["):
            return list(msgspec.json.decode(text, type=list[msgspec.Raw]))
        # One object may span lines; NDJSON is several, a line each.
        msgspec.json.decode(text, type=msgspec.Raw)
    except RecursionError:
        raise Problem(400, "body: nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return [line for line in text.splitlines() if line.strip()]
    return [text]


def _words(fault: Exception) -> str:
    """Say which field is wrong; msgspec's messages name types and paths, not values."""
    if isinstance(fault, msgspec.ValidationError):
        return str(fault).replace(" - at `$.", " at `").replace("`$.", "`")
    return "not valid JSON"


def _refuse_unstorable(row: msgspec.Struct, index: int) -> None:
    """Refuse what PostgreSQL cannot hold as text: NUL and lone surrogates."""
    for field, value in msgspec.structs.asdict(row).items():
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str) and ("\0" in text or not _encodable(text)):
                raise Problem(400, f"row {index}: {field} holds a character that cannot be stored")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
