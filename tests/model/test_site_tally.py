"""Counters of a site's day equal the plain recount, however the events are cut into batches."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.model.quick import quick
from vts.model.day import HOUR_US
from vts.model.site import EVENT_TYPES, SiteEvent
from vts.model.site_tally import ERROR_DIMENSION, PAGE_DIMENSIONS, SiteTally, add
from vts.model.tally import OTHER, VALUES_OPEN_MAX


def happened(
    event_type: str, signed: bool = False, page: str | None = "/", country: str | None = None, error: str | None = None,
    hour: int = 0,
) -> SiteEvent:  # fmt: skip
    return SiteEvent(
        event_id=bytes(16), event_day=0, event_type=event_type, viewer_key=bytes(16), key_version=1,
        viewer_user_id=None, authenticated=signed, country_code=country, device_type="tv", user_agent_hash=None,
        referrer_domain=None, page=page, error_type=error, event_data=None, created_at=hour * HOUR_US,
    )  # fmt: skip


EVENTS = st.lists(
    st.builds(
        happened,
        st.sampled_from(EVENT_TYPES),
        st.booleans(),
        st.sampled_from([None, "/", "/p"]),
        st.sampled_from([None, "BR", "FR"]),
        st.sampled_from([None, "timeout"]),
        st.integers(0, 23),
    ),
    max_size=30,
)


@quick
@given(EVENTS, st.integers(0, 30))
def test_batches_add_up_to_the_recount(events: list[SiteEvent], cut: int) -> None:
    tally = SiteTally()
    add(tally, events[:cut])
    add(tally, events[cut:])
    types = Counter(one.event_type for one in events)
    signed = Counter(one.event_type for one in events if one.authenticated)
    assert tally.counts == {name: [types[name], signed[name]] for name in EVENT_TYPES}
    pages = [one for one in events if one.event_type == "page_view"]
    hours = Counter(str(one.created_at // HOUR_US) for one in pages)
    countries = Counter(one.country_code for one in pages if one.country_code)
    errors = Counter(one.error_type or "unknown" for one in events if one.event_type == "error")
    for dimension, expected in (("hour_utc", hours), ("country", countries), (ERROR_DIMENSION, errors)):
        found = {value: pair[0] for value, pair in tally.breakdowns.get(dimension, {}).items()}
        assert found == expected, dimension
    assert set(tally.breakdowns) <= {*PAGE_DIMENSIONS, ERROR_DIMENSION}


def test_a_flood_of_pages_is_folded_and_its_sum_stays() -> None:
    tally, how_many = SiteTally(), VALUES_OPEN_MAX + 50
    add(tally, [happened("page_view", page=f"/{n}", signed=n % 2 == 0) for n in range(how_many)])
    pages = tally.breakdowns["page"]
    assert len(pages) <= VALUES_OPEN_MAX and OTHER in pages
    assert [sum(pair[who] for pair in pages.values()) for who in (0, 1)] == [how_many, how_many // 2]
