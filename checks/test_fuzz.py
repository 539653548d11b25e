"""What the description of the API allows, and what it does not, is sent to a real process: each field in each way.

tests/web/test_fuzz.py sends a little of everything by the same rules.
"""

from __future__ import annotations

import requests
import schemathesis

from tests.support.process import Vts
from tests.web.fuzzing import COVERAGE, NO_COVERAGE, SIGNED, bounded, call, call_unsigned, loaded, session, vts

__all__ = ["session", "vts"]

signed, unsigned = loaded(auth=SIGNED, phases=COVERAGE), loaded(phases=NO_COVERAGE)


@signed.parametrize()
@bounded(3)
def test_a_service_is_answered_as_described(case: schemathesis.Case, vts: Vts, session: requests.Session) -> None:
    call(case, vts, session)


@unsigned.parametrize()
@bounded(2)
def test_requests_without_a_token_are_answered_as_described(
    case: schemathesis.Case, vts: Vts, session: requests.Session
) -> None:
    call_unsigned(case, vts, session)
