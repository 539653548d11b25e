"""Which parameters of the query a route takes: those that its description has, and no others.

The description of the API (`vts.web.openapi`) is the one place where a parameter is declared. A request with another
one is refused with the list of those there are; a route that reads another one fails, in its own tests first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from quart import Quart, request
from werkzeug.datastructures import ImmutableMultiDict

from vts.web.answers import Problem
from vts.web.openapi.builders import IGNORED, UNKNOWN, Json

UNKNOWN_CODE: Final = "unknown_parameter"
_CONVERTER: Final = re.compile(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>")


class DescribedArgs(ImmutableMultiDict[str, str]):
    """The parameters of a request, for a route that reads those of its description."""

    def __init__(self, names: frozenset[str], mapping: Any = None) -> None:
        super().__init__(mapping)
        self.names = names

    def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
        """Return a value. Raises LookupError for a parameter that is not described."""
        return super().get(self._described(key), *args, **kwargs)

    def getlist(self, key: str, *args: Any, **kwargs: Any) -> Any:
        """Return all values likewise."""
        return super().getlist(self._described(key), *args, **kwargs)

    def __getitem__(self, key: str) -> str:
        return super().__getitem__(self._described(key))

    def __contains__(self, key: object) -> bool:
        return super().__contains__(self._described(str(key)))

    def _described(self, key: str) -> str:
        if key not in self.names:
            raise LookupError(f"{request.path}: reads `{key}`, which vts/web/openapi does not describe")
        return key


@dataclass(frozen=True, slots=True)
class Described:
    """The parameters of one operation; those in `lists` may be given more than once."""

    names: frozenset[str]
    lists: frozenset[str]
    ignores_unknown: bool
    none_given: DescribedArgs

    @property
    def refusal(self) -> str:
        """What a request with an unknown parameter is answered."""
        return f"query: allowed here: {', '.join(sorted(self.names)) or 'no parameter'}"


def take_described_only(app: Quart, document: Json) -> None:
    """Let the routes of an application, which are all registered, take the parameters that the document describes."""
    operations = dict(_operations(document))
    routes = {
        (rule.endpoint, method): operations[method, path]
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if (method, path := _CONVERTER.sub(r"{\1}", rule.rule)) in operations
    }

    @app.before_request
    async def check() -> None:
        method = "GET" if request.method == "HEAD" else request.method
        described = routes.get((request.endpoint or "", method))
        if described is not None:
            _check(described)


def _check(described: Described) -> None:
    """Raise Problem 400 for a request with other parameters, with one that is given twice, or with a NUL in one.

    PostgreSQL takes no NUL in a text, so no parameter has a use for it.
    """
    if not request.query_string:
        request.args = described.none_given
        return
    given = request.args
    if given and not described.ignores_unknown and not given.keys() <= described.names:
        raise Problem(400, described.refusal, UNKNOWN_CODE)
    for name, values in given.lists():
        if len(values) > 1 and name in described.names - described.lists:
            raise Problem(400, f"{name}: given more than once")
        if name in described.names and any("\0" in value for value in values):
            raise Problem(400, f"{name}: holds a character that cannot be stored")
    request.args = DescribedArgs(described.names, given)


def _operations(document: Json) -> Iterator[tuple[tuple[str, str], Described]]:
    """Give what each method and path of the document takes."""
    schemes: Mapping[str, Json] = document["components"]["securitySchemes"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parameters = [one for one in operation.get("parameters", ()) if one["in"] == "query"]
            names = {one["name"] for one in parameters}
            for scheme in {name for way in operation["security"] for name in way}:
                if schemes[scheme].get("in") == "query":
                    names.add(schemes[scheme]["name"])
            lists = frozenset(one["name"] for one in parameters if one["schema"].get("type") == "array")
            ignores, none_given = operation.get(UNKNOWN) == IGNORED, DescribedArgs(frozenset(names))
            yield (method.upper(), path), Described(none_given.names, lists, ignores, none_given)
