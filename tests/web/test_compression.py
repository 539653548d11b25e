"""Answers above 1 KB are compressed for clients that take it, and a question that is asked again is answered 304."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from quart import Response, request
from werkzeug.datastructures import Headers

from tests.web.ports import access, app_of
from vts.web.answers import json_answer, known_answer
from vts.web.compression import IN_THREAD_BYTES, MIN_BYTES

DAYS = [{"date": "2026-01-01", "views": number} for number in range(100)]


class Asked:
    """An application with a question, of which a test changes the answer, and with answers of other kinds."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {"views": 1, "daily_views": DAYS, "computed_at": "12:00", "lag_seconds": 0.0}
        app = app_of(access())

        @app.get("/question")
        async def question() -> Response:
            return await known_answer(request, self.answer)

        @app.get("/sized/<int:size>")
        async def sized(size: int) -> Response:
            return json_answer("x" * (size - 2))

        @app.get("/stream")
        async def stream() -> Response:
            async def pieces() -> AsyncIterator[bytes]:
                yield b"data: 1\n\n" * 200

            return Response(pieces(), content_type="text/event-stream")

        @app.get("/picture")
        async def picture() -> Response:
            return Response(bytes(4096), content_type="image/png")

        self._client = app.test_client()

    async def get(self, path: str, accepts: str = "", known: str = "") -> tuple[int, Headers, bytes]:
        """Ask, and return status, headers and body."""
        named = {"Accept-Encoding": accepts, "If-None-Match": known}
        answer = await self._client.get(path, headers={name: value for name, value in named.items() if value})
        return answer.status_code, answer.headers, await answer.get_data(as_text=False)


async def test_a_long_answer_is_compressed_and_is_the_same() -> None:
    asked = Asked()
    (_, headers, plain), (_, packed_headers, packed) = [await asked.get("/question", by) for by in ("", "br, gzip")]
    assert ("Content-Encoding" in headers, packed_headers["Content-Encoding"]) == (False, "gzip")
    assert headers["Vary"] == packed_headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(packed) == plain
    assert int(packed_headers["Content-Length"]) == len(packed) < len(plain) / 4
    assert json.loads(plain) == asked.answer


async def test_a_very_long_answer_is_compressed_too() -> None:
    _, headers, packed = await Asked().get(f"/sized/{4 * IN_THREAD_BYTES}", "gzip")
    assert (headers["Content-Encoding"], len(gzip.decompress(packed))) == ("gzip", 4 * IN_THREAD_BYTES)


@pytest.mark.parametrize(
    ("path", "accepts"),
    [
        (f"/sized/{MIN_BYTES}", "gzip"),
        ("/question", ""),
        ("/question", "br"),
        ("/question", "gzip;q=0"),
        ("/question", "identity"),
        ("/stream", "gzip"),
        ("/picture", "gzip"),
    ],
)
async def test_other_answers_are_sent_as_they_are(path: str, accepts: str) -> None:
    _, headers, _ = await Asked().get(path, accepts)
    assert "Content-Encoding" not in headers


async def test_the_description_is_compressed_and_still_known_again() -> None:
    asked = Asked()
    _, headers, packed = await asked.get("/openapi.json", "gzip")
    assert json.loads(gzip.decompress(packed))["openapi"]
    assert (await asked.get("/openapi.json", "gzip", headers["ETag"]))[0] == 304
    assert (await asked.get("/openapi.json", "", headers["ETag"]))[0] == 304


@pytest.mark.parametrize("accepts", ["", "gzip"])
async def test_a_question_is_answered_304_until_something_has_happened(accepts: str) -> None:
    asked = Asked()
    _, headers, _ = await asked.get("/question", accepts)
    assert headers["Cache-Control"] == "private, no-cache"
    asked.answer |= {"computed_at": "12:01", "lag_seconds": 0.4}
    status, again, body = await asked.get("/question", accepts, headers["ETag"])
    assert (status, again["ETag"], body) == (304, headers["ETag"], b"")
    assert again["Cache-Control"] == "private, no-cache"
    asked.answer["views"] = 2
    status, changed, _ = await asked.get("/question", accepts, headers["ETag"])
    assert (status, changed["ETag"] != headers["ETag"]) == (200, True)


async def test_an_answer_that_lags_is_another_one() -> None:
    asked = Asked()
    _, headers, _ = await asked.get("/question")
    asked.answer["lag_seconds"] = 12.5
    status, _, body = await asked.get("/question", known=headers["ETag"])
    assert (status, json.loads(body)["lag_seconds"]) == (200, 12.5)
