"""Days, dates and microseconds name the same times."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from tests.model.quick import quick
from vts.model.day import DAY_US, date_of, datetime_of, day_of, day_of_date, us_of

TIMES = st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31), timezones=st.just(dt.UTC))


@quick
@given(TIMES)
def test_a_time_is_exact_to_the_microsecond_and_its_day_is_the_utc_date(when: dt.datetime) -> None:
    time_us = us_of(when)
    assert datetime_of(time_us) == when
    assert date_of(day_of(time_us)) == when.date()
    assert day_of_date(when.date()) == day_of(time_us)


@quick
@given(TIMES, st.integers(-23, 23))
def test_an_offset_changes_no_time(when: dt.datetime, hours: int) -> None:
    near_the_end = when.year in (1, 9999)
    elsewhere = when if near_the_end else when.astimezone(dt.timezone(dt.timedelta(hours=hours)))
    assert us_of(elsewhere) == us_of(when)


def test_a_day_begins_with_its_first_microsecond() -> None:
    assert (day_of(0), day_of(-1), day_of(DAY_US - 1), day_of(DAY_US)) == (0, -1, 0, 1)
    assert date_of(0) == dt.date(1970, 1, 1)
