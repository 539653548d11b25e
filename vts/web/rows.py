"""Bulk bodies: a JSON object, an array, or NDJSON, decoded row by row so that a bad one is named by its index."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final, TypeVar

import msgspec
import trio
from quart import Request
from werkzeug.exceptions import RequestEntityTooLarge

from vts.capture.events.body import unpacked
from vts.capture.http.fault import HttpFault
from vts.capture.http.limits import Limits
from vts.model.decode_faults import what_and_where
from vts.model.names import ID_FIELDS, BadId, Names, refuse_hashed
from vts.model.reference import NoReferenceKey, ReferenceTaken
from vts.query.naming import REFS
from vts.web.answers import TAKEN_CODE, Problem, catalog_not_loaded

REF_MARK: Final = b'_ref"'  # in every row of an exported table

T = TypeVar("T", bound=msgspec.Struct)


async def rows_of(asked: Request, kind: type[T], names: Names, limits: Limits) -> list[T]:
    """Return the rows of a bulk write, which may be gzipped. Raises Problem as the functions below."""
    body, encoding = await body_of(asked, limits), asked.headers.get("Content-Encoding")

    def decoded() -> list[T]:
        return decode_rows(gunzipped(body, encoding, limits), kind, limits.bulk_rows_max, names)

    return await trio.to_thread.run_sync(decoded)


def gunzipped(body: bytes, encoding: str | None, limits: Limits) -> bytes:
    """Undo the `Content-Encoding` of a bulk body. Raises Problem 400, 413 or 415."""
    try:
        return unpacked(body, encoding, limits.bulk_plain_max_bytes)
    except HttpFault as fault:
        raise Problem(fault.status, fault.text, fault.code, dict(fault.headers)) from None


async def body_of(asked: Request, limits: Limits) -> bytes:
    """Return the whole body of a bulk write. Raises Problem 413 when it is larger than such a body may be."""
    try:
        data = await asked.get_data(as_text=False)
    except RequestEntityTooLarge:
        raise _too_large(limits) from None
    body = data if isinstance(data, bytes) else data.encode()
    if len(body) > limits.batch_body_max_bytes:
        raise _too_large(limits)
    return body


def _too_large(limits: Limits) -> Problem:
    return Problem(413, f"body: more than {limits.batch_body_max_bytes} bytes")


def decode_rows(body: bytes, kind: type[T], most: int, names: Names | None = None) -> list[T]:
    """Return the rows of a body, `most` at most. With `names`, ids may be texts.

    Raises Problem 400 with the index of the row and the field, 409, 413, and 503 for texts before a catalog is loaded.
    """
    raws = _split(body)
    if len(raws) > most:
        raise Problem(413, f"body: more than {most} rows")
    decoder = msgspec.json.Decoder(kind)
    rows = []
    for index, raw in enumerate(raws):
        try:
            row = decoder.decode(raw) if names is None else _named_row(raw, decoder, names)
        except RecursionError:
            raise Problem(400, f"row {index}: nested too deeply") from None
        except BadId as fault:
            raise Problem(400, f"row {index}: {fault}") from None
        except NoReferenceKey:
            raise catalog_not_loaded() from None
        except ReferenceTaken:
            raise Problem(409, f"row {index}: another text has the number of a text in it", TAKEN_CODE) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            raise Problem(400, f"row {index}: {_words(fault)}") from None
        _refuse_unstorable(row, index)
        rows.append(row)
    if not rows:
        raise Problem(400, "body: a JSON object, an array or NDJSON is expected, and it is empty")
    return rows


def _named_row(raw: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[T], names: Names) -> T:
    """Decode a row whose ids are numbers at once, and any other after its texts have become numbers.

    Where a row before it had a text, this one is looked at for texts first.
    """
    kind: type[T] = decoder.type
    try:
        if REF_MARK in bytes(raw):
            return msgspec.convert(names.numbers_in(_with_kind(_with_refs(msgspec.json.decode(raw)), kind)), kind)
        if names.texts and _has_texts(fields := msgspec.json.decode(raw)):
            return msgspec.convert(names.numbers_in(_with_kind(fields, kind)), kind)
        row = decoder.decode(raw)
    except msgspec.ValidationError:
        if not _has_texts(fields := msgspec.json.decode(raw)):
            raise
        return msgspec.convert(names.numbers_in(_with_kind(fields, kind)), kind)
    refuse_hashed((name, getattr(row, name)) for name in row.__struct_fields__ if name in ID_FIELDS)
    return row


def _has_texts(fields: Any) -> bool:
    return isinstance(fields, dict) and any(isinstance(fields.get(name), str) for name in ID_FIELDS)


def _with_refs(fields: Any) -> dict[str, Any]:
    """Return a row of an exported table with its texts as ids: `post_ref` is the text of `post_id`."""
    if not isinstance(fields, dict):
        raise msgspec.ValidationError("Expected `object`")
    return fields | {name: fields[ref] for name, ref in REFS.items() if fields.get(ref) is not None}


def _with_kind(fields: dict[str, Any], row: type[msgspec.Struct]) -> dict[str, Any]:
    """Return a content's row with the kind that its reference has. Raises BadId for another one."""
    if "kind" not in row.__struct_fields__:
        return fields
    given, text = fields.get("kind"), fields.get("post_id")
    if isinstance(text, str) and ":" in text:
        named = text.partition(":")[0]
        if given not in (None, named):
            raise BadId("kind: is another one than that of post_id")
        return fields | {"kind": named}
    return fields


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
    """Say which field is wrong, and nothing of what was sent."""
    if isinstance(fault, msgspec.ValidationError):
        what, path = what_and_where(fault)
        return f"{what} at `{path}`" if path else what
    return "not valid JSON"


def _refuse_unstorable(row: msgspec.Struct, index: int) -> None:
    """Refuse what cannot be stored: NUL and lone surrogates in a text, a time whose UTC is beyond the calendar."""
    for field, value in msgspec.structs.asdict(row).items():
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str) and ("\0" in text or not _encodable(text)):
                raise Problem(400, f"row {index}: {field} holds a character that cannot be stored")
        if isinstance(value, dt.datetime) and not _is_storable(value):
            raise Problem(400, f"row {index}: {field} is in UTC outside the years 1 to 9999")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_storable(when: dt.datetime) -> bool:
    try:
        when.astimezone(dt.UTC)
    except OverflowError:
        return False
    return True
