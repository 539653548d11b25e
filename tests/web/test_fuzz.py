"""What the description of the API allows, and what it does not, is sent to a real process: a little of everything.

`make check` sends far more (checks/test_fuzz.py), by the same rules.
"""

from __future__ import annotations

import pytest
import requests
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.process import Vts
from tests.web.fuzzing import NO_COVERAGE, SIGNED, TOKEN, bounded, call, call_unsigned, loaded, session, vts
from vts.capture.http.limits import Limits
from vts.web.openapi import document
from vts.web.openapi.builders import JSON

__all__ = ["session", "vts"]

pytestmark = pytest.mark.xdist_group("fuzz")  # one process for all of them

signed, unsigned = loaded(auth=SIGNED, phases=NO_COVERAGE), loaded(phases=NO_COVERAGE)
whole = schemathesis.openapi.from_dict(document(Limits()))
STREAM = document(Limits())["paths"]["/live/events"]["get"]["responses"]


@signed.parametrize()
@bounded(2)
def test_a_service_is_answered_as_described(case: schemathesis.Case, vts: Vts, session: requests.Session) -> None:
    call(case, vts, session)


@unsigned.parametrize()
@bounded(2)
def test_requests_without_a_token_are_answered_as_described(
    case: schemathesis.Case, vts: Vts, session: requests.Session
) -> None:
    call_unsigned(case, vts, session)


# ---- what the description knows and a schema does not

TEXTS = [
    (path, kind)
    for path, methods in document(Limits())["paths"].items()
    for kind in methods.get("post", {}).get("requestBody", {}).get("content", {})
    if kind != JSON
]
AS_DESCRIBED = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
PIECES = (
    b'{"post_id": 1}',
    b'{"post_id": 2, "user_id": 3, "comment_id": 4, "emoji": "x", "created_at": "2025-01-31T12:00:00Z"}',
    b'{"post_id": 5, "day": "2025-01-31", "views": 1}',
    b'[{"post_id": 6}]',
    b"post_id,day,views",
    b'7,2025-01-31,"8',
    b"\xff\xfe",
    b"",
)
lines = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=30)), max_size=6).map(b"\n".join)


@pytest.mark.parametrize(("path", "kind"), TEXTS)
def test_texts_are_answered_as_described(path: str, kind: str, vts: Vts, session: requests.Session) -> None:
    case = signed[path]["POST"].Case(media_type=JSON)
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": kind}

    @bounded(8)
    @given(lines)
    def send(body: bytes) -> None:
        answer = session.post(vts.http + path, data=body, headers=headers)
        case.validate_response(answer, checks=AS_DESCRIBED)

    send()


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("/live", 426),
        ("/live/events", 400),
        ("/live/events?ticket=used", 401),
        ("/live/events?topics=", 400),
    ],
)
def test_streams_refuse_as_described(asked: str, status: int, vts: Vts, session: requests.Session) -> None:
    case = whole[asked.partition("?")[0]]["GET"].Case()
    answer = session.get(vts.http + asked)
    assert answer.status_code == status
    case.validate_response(answer, checks=AS_DESCRIBED)


def test_a_stream_begins_as_described(vts: Vts, session: requests.Session) -> None:
    signed_in = {"Authorization": f"Bearer {TOKEN}"}
    nothing = session.get(f"{vts.http}/live/events", headers=signed_in)
    assert nothing.status_code == 400
    whole["/live/events"]["GET"].Case().validate_response(nothing, checks=AS_DESCRIBED)
    with session.get(f"{vts.http}/live/events?topics=top,post:42", headers=signed_in, stream=True) as answer:
        assert [answer.status_code] == [int(status) for status in STREAM if status.startswith("2")]
        assert answer.headers["Content-Type"].partition(";")[0] in STREAM["200"]["content"]
