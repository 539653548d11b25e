"""The pieces that a description of the API is put together from: schemas, parameters, bodies, responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from vts.model.content import KINDS
from vts.model.reference import EXACT_MAX, HASHED_MAX, HASHED_MIN, NUMBER_MAX, TEXT_MAX_CHARS
from vts.model.view import POST_ID_MAX

Json = dict[str, Any]
Paths = dict[str, dict[str, Json]]
"""Path → method → operation."""

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
PLAIN: Final = "text/plain"
HTML: Final = "text/html"

BEARER: Final = "token"
SESSION: Final = "session"
PLAYER: Final = "player"
PLAYER_BEARER: Final = "player_bearer"
PLAYER_KEY: Final = "player_key"
TICKET: Final = "ticket"
SIGNED: Final[list[Json]] = [{BEARER: []}, {SESSION: []}]
ANYONE: Final[list[Json]] = [{}]
OPTIONAL: Final[list[Json]] = [{}, {BEARER: []}]

UNKNOWN: Final = "x-unknown-parameters"
IGNORED: Final = "ignored"

ALWAYS: Final = (408, 413, 417, 431, 500, 501, 503, 505)
"""What any request may be answered: most of it by the door, before anybody looks at its meaning."""


# ---- schemas


def ref(name: str) -> Json:
    """Point to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def obj(properties: Mapping[str, Json], optional: Sequence[str] = (), **more: Any) -> Json:
    """Describe an object that has these fields and no others, all of them but the `optional` ones always."""
    required = [name for name in properties if name not in optional]
    return {
        "type": "object",
        "properties": dict(properties),
        "required": required,
        "additionalProperties": False,
    } | more


def twins(properties: Mapping[str, Json]) -> dict[str, Json]:
    """Describe each field and its `_authenticated` twin."""
    both: dict[str, Json] = {}
    for name, schema in properties.items():
        both[name] = schema
        both[f"{name}_authenticated"] = {key: value for key, value in schema.items() if key != "description"}
    return both


def array(items: Json, **more: Any) -> Json:
    """Describe a list."""
    return {"type": "array", "items": items} | more


def counts(description: str = "", names: Sequence[str] = ()) -> Json:
    """Describe a breakdown: value → count. `names` are the values there are, where that is known."""
    keys: Json = {"propertyNames": {"enum": list(names)}} if names else {}
    return (
        {"type": "object", "additionalProperties": COUNT} | keys | ({"description": description} if description else {})
    )


def words(*values: Any, **more: Any) -> Json:
    """Describe one of a closed list."""
    return {"enum": list(values)} | more


def lenient(*values: Any, about: str) -> Json:
    """Describe an enumeration whose unknown values are taken as none at all."""
    known = "anyOf"
    return {known: [{"enum": [*values, None]}, {}], "description": f"{about} An unknown value is taken as none."}


def or_null(schema: Json) -> Json:
    """Describe a value that may be missing."""
    return {"anyOf": [schema, {"type": "null"}]}


COUNT: Final[Json] = {"type": "integer", "minimum": 0}
SECONDS: Final[Json] = {"type": "number", "minimum": 0}
DATE: Final[Json] = {"type": "string", "format": "date"}
TIME: Final[Json] = {"type": "string", "format": "date-time"}
TEXT: Final[Json] = {"type": "string"}
FLAG: Final[Json] = {"type": "boolean"}
ID: Final[Json] = {"type": "integer", "minimum": 1, "maximum": POST_ID_MAX}

# Numbers between these two stand for texts: they are made of texts alone.
_NUMBERS: Final[list[Json]] = [
    {"type": "integer", "minimum": 1, "maximum": HASHED_MIN - 1},
    {"type": "integer", "minimum": HASHED_MAX + 1, "maximum": NUMBER_MAX},
]
_CONTENT_TEXT: Final[Json] = {
    "type": "string",
    "maxLength": TEXT_MAX_CHARS,
    "pattern": rf"^([1-9][0-9]{{0,17}}|({'|'.join(KINDS)}):[A-Za-z0-9._~\-]+)$",
}
_WITHOUT_KIND: Final = r"[A-Za-z0-9._~\-]*[A-Za-z._~\-][A-Za-z0-9._~\-]*"
_TEXT: Final[Json] = {"type": "string", "minLength": 1, "maxLength": TEXT_MAX_CHARS}
CONTENT: Final[Json] = {"anyOf": [*_NUMBERS, _CONTENT_TEXT]}
"""A content as clients name it: a number, also as digits, or a text `kind:id`."""
CONTENT_OF_KIND: Final[Json] = {
    "anyOf": [*_NUMBERS, _CONTENT_TEXT | {"pattern": rf"{_CONTENT_TEXT['pattern'][:-2]}|{_WITHOUT_KIND})$"}]
}
"""A content of a field that says the kind: as `CONTENT`, or the id alone."""
USER: Final[Json] = {"anyOf": [*_NUMBERS, _TEXT | {"description": "Printable characters, not digits alone."}]}
"""A user or a comment as clients name it: a number, also as digits, or a text."""
NAMED: Final[Json] = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": EXACT_MAX}, _TEXT]}
"""A content or user in an answer: the text that it was named by, else its number, beyond 2^53 - 1 as digits."""

FRESH: Final[dict[str, Json]] = {
    "computed_at": TIME | {"description": "When the answer was made."},
    "lag_seconds": SECONDS | {"description": "Age of the oldest acknowledged event that is not in it yet."},
}
RANGE: Final[dict[str, Json]] = {"from": DATE, "to": DATE}


# ---- parameters


def path_id(name: str, description: str, schema: Json = CONTENT) -> Json:
    """Describe an id in the path."""
    return {"name": name, "in": "path", "required": True, "schema": schema, "description": description}


def query(name: str, schema: Json, description: str, **more: Any) -> Json:
    """Describe a parameter of the query."""
    return {"name": name, "in": "query", "schema": schema, "description": description} | more


# ---- bodies and responses


def body(content: Mapping[str, Json], *, required: bool = True, description: str = "") -> Json:
    """Describe what is sent: media type → schema."""
    said: Json = {"content": {kind: _media(schema) for kind, schema in content.items()}, "required": required}
    return said | ({"description": description} if description else {})


def _media(schema: Json) -> Json:
    example = schema.get("x-example")
    plain = {key: value for key, value in schema.items() if key != "x-example"}
    return {"schema": plain} if example is None else {"schema": plain, "example": example}


def answer(
    description: str, content: Mapping[str, Json] | None = None, headers: Mapping[str, Json] | None = None
) -> Json:
    """Describe what comes back: media type → schema."""
    said: Json = {"description": description}
    if headers:
        said["headers"] = dict(headers)
    if content:
        said["content"] = {kind: _media(schema) for kind, schema in content.items()}
    return said


def shared(status: int) -> Json:
    """Point to the response that a status always has."""
    return {"$ref": f"#/components/responses/{status}"}


def operation(
    tag: str,
    summary: str,
    responses: Mapping[int, Json],
    *,
    errors: Sequence[int] = (),
    about: str = "",
    parameters: Sequence[Json] = (),
    sent: Json | None = None,
    security: Sequence[Json] = ANYONE,
    ignores_unknown: bool = False,
) -> Json:
    """Describe one method of a path. `errors` are statuses that look the same everywhere.

    Requests with other parameters of the query than these are refused, unless the operation ignores them.
    """
    refused = () if ignores_unknown else (400,)
    described = {status: shared(status) for status in (*errors, *refused, *ALWAYS)} | dict(responses)
    made: Json = {"tags": [tag], "summary": summary}
    if about:
        made["description"] = about
    if parameters:
        made["parameters"] = list(parameters)
    if ignores_unknown:
        made[UNKNOWN] = IGNORED
    if sent is not None:
        made["requestBody"] = sent
    return made | {
        "responses": {str(status): described[status] for status in sorted(described)},
        "security": list(security),
    }
