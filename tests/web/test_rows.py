"""Rows of bulk bodies: what cannot be stored is refused by its index and field."""

from __future__ import annotations

import pytest

from vts.model.content import ContentRow
from vts.web.answers import Problem
from vts.web.rows import decode_rows


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_time_beyond_the_calendar_in_utc_is_refused_by_name(when: str) -> None:
    body = b'[{"post_id":1,"created_at":"2026-01-01T00:00:00Z"},{"post_id":2,"created_at":"%s"}]' % when.encode()
    with pytest.raises(Problem, match="row 1: created_at is in UTC outside the years") as refused:
        decode_rows(body, ContentRow, 2)
    assert refused.value.status == 400
