"""Ids in paths and in answers: texts in a path become numbers, numbers in an answer become texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from quart import Request, Response
from werkzeug.routing import BaseConverter

from vts.model.names import Names
from vts.model.ports import Catalog
from vts.model.reference import NUMBER_MAX, BadReference, NoReferenceKey
from vts.query.naming import named, references_in
from vts.query.questions import Questions
from vts.web.answers import Problem, catalog_not_loaded, json_answer, known_answer


class NameConverter(BaseConverter):
    """`<name:user_id>`: a part of a path that may contain slashes, which a user's text may (%2F in what was sent)."""

    regex = "(?s:.+?)"  # a line feed, too: the route says what a name may hold
    part_isolating = False


DIGITS_MAX: Final = 19  # of an int64


@dataclass(frozen=True, slots=True)
class Naming:
    """`catalog` has the key of references. `questions` reads texts, once for an answer that has such numbers."""

    catalog: Catalog
    questions: Questions

    def names(self) -> Names:
        """Return what reads the ids of a request."""
        return Names(self.catalog.references)

    def content(self, text: str, field: str = "post_id", *, names: Names | None = None) -> int:
        """Return the number of a content in a path, 0 for digits that no id has. Raises Problem 400 and 503.

        `names` keeps its text.
        """
        return _of_path(text, field, (names or self.names()).content)

    def user(self, text: str, names: Names | None = None) -> int:
        """Return the number of a user in a path, likewise."""
        return _of_path(text, "user_id", (names or self.names()).user)

    def owner(self, text: str, names: Names | None = None) -> int:
        """Return the number of the user in `owner=`. Raises Problem 400 and 503, 400 also for digits of no id."""
        return _read(text, "owner", (names or self.names()).user)

    def after(self, text: str, names: Names | None = None) -> int:
        """Return the number of the content in `after=`, likewise."""
        return _read(text, "after", (names or self.names()).content)

    async def json(self, body: Any, asked: Mapping[int, str]) -> Response:
        """Encode a body as JSON, with texts in the place of their numbers. Raises StoreUnavailable."""
        return json_answer(named(body, await self.texts_in(body, asked)))

    async def known_json(self, request: Request, body: Mapping[str, Any], asked: Mapping[int, str]) -> Response:
        """Encode the answer to a question likewise, or 304 when the client has it. Raises StoreUnavailable."""
        return await known_answer(request, named(body, await self.texts_in(body, asked)))

    async def texts_in(self, body: Any, asked: Mapping[int, str]) -> Mapping[int, str]:
        """Return the texts of the numbers in an answer. Raises StoreUnavailable.

        `asked` are the texts of the request itself: an answer repeats them, also those that are not stored (of a user
        without events, or after erasing).
        """
        numbers = references_in(body) - asked.keys()
        return {**await self.questions.texts(numbers), **asked} if numbers else asked


def _of_path(text: str, field: str, read: Callable[[int | str], int]) -> int:
    if text.isascii() and text.isdigit() and not (len(text) <= DIGITS_MAX and 0 < int(text) <= NUMBER_MAX):
        return 0
    return _read(text, field, read)


def _read(text: str, field: str, read: Callable[[int | str], int]) -> int:
    try:
        return read(text)
    except BadReference as fault:
        raise Problem(400, f"{field}: {fault}") from None
    except NoReferenceKey:
        raise catalog_not_loaded() from None
