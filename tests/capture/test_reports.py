"""A report is made by position: every field of a view, of its visitor and of its time stands where it belongs."""

from __future__ import annotations

import datetime as dt

import msgspec

from vts.capture.events.view_fields import View
from vts.capture.events.views import WebReports
from vts.capture.events.visitors import Arrival, Visitors
from vts.capture.http.request import CaptureHead, Route
from vts.catalog.memory import MemoryCatalog
from vts.enrich.country import Countries
from vts.enrich.enrich import Enricher
from vts.enrich.timezones import TimeZones
from vts.enrich.viewer import ViewerKeys
from vts.model.principal import Principal
from vts.model.reference import ReferenceText
from vts.model.view import Report

NOW_US = 1_767_312_000_000_000
EVENT_ID = "0199c0de-0000-7000-8000-00000000002a"


def test_every_field_of_a_report_has_its_value() -> None:
    enricher = Enricher(keys=ViewerKeys(b"k" * 32), countries=Countries(None), zones=TimeZones())
    catalog = MemoryCatalog()
    catalog.use_reference_key(b"r" * 32)
    reports = WebReports(enricher, catalog, print)
    head = CaptureHead(Route.VIEW, "POST", "/api/view", "", "203.0.113.7")
    head.agent = (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
    )
    head.cf_country = "BR"
    arrival = Arrival(head, Principal(7, frozenset(("user",)), user_text="ann"), NOW_US)
    fields = View(
        post_id="blog:1",
        event_id=EVENT_ID,
        view_type="search",
        source="widget",
        referrer="https://news.example/x",
        channel="hashtag",
        channel_context="cats",
        playlist_id=77,
        play_order=2,
        local_datetime="2026-01-02T05:06:07",
        local_timezone="America/Sao_Paulo",
    )
    who = Visitors(enricher, catalog).named_in(arrival, fields, fields.referrer)
    local = enricher.local_time(fields.local_datetime, fields.local_timezone, NOW_US)
    assert catalog.references is not None
    number = catalog.references.content("blog:1")
    expected = Report(
        post_id=number,
        arrived_us=NOW_US,
        viewer_key=who.viewer_key,
        key_version=who.key_version,
        view_source="widget",
        view_type="search",
        event_id=bytes.fromhex(EVENT_ID.replace("-", "")),
        viewer_user_id=7,
        authenticated=True,
        trusted=who.trusted,
        bot=who.bot,
        address_key=who.address_key,
        country_code=who.country_code,
        device_type="mobile",
        user_agent_hash=who.user_agent_hash,
        referrer_domain="news.example",
        local_datetime=dt.datetime(2026, 1, 2, 5, 6, 7),
        local_timezone="America/Sao_Paulo",
        local_hour=5,
        local_weekday=local.weekday,
        play_order=2,
        channel="hashtag",
        channel_context="cats",
        playlist_id=77,
        texts=(ReferenceText(7, "ann"), ReferenceText(number, "blog:1")),
    )
    made = reports.make(arrival, fields, fields.post_id, "intentional")
    assert msgspec.structs.asdict(made) == msgspec.structs.asdict(expected)
    given = [value for value in msgspec.structs.astuple(made) if value not in (None, False, True)]
    assert len(given) == len({repr(value) for value in given}), "two fields with one value could change places"
