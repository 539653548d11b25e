"""What a journal holds stays readable: fields are stored by position, so their order is a promise."""

from __future__ import annotations

import msgspec
import pytest

from vts.model.record import CatalogRow, Record
from vts.model.site import PlaybackEvent, SiteEvent
from vts.model.view import ViewEvent

# As version 0.1 wrote them. A new field goes behind these and has a default.
ORDER = {
    ViewEvent: (
        "v post_id event_day event_id viewer_key key_version viewer_user_id authenticated country_code device_type "
        "view_source view_type user_agent_hash referrer_domain player_key local_datetime local_timezone local_hour "
        "local_weekday play_order channel channel_context playlist_id created_at"
    ),
    SiteEvent: (
        "s event_id event_day event_type viewer_key key_version viewer_user_id authenticated country_code device_type "
        "user_agent_hash referrer_domain page error_type event_data created_at"
    ),
    PlaybackEvent: (
        "p stream_id event_day event_id client_key key_version event_type video_time country_code device_type "
        "referrer_domain extra created_at"
    ),
    CatalogRow: "c revision post_id player_key row created_at",
}


@pytest.mark.parametrize("kind", ORDER, ids=lambda kind: kind.__name__)
def test_the_tag_and_the_first_fields_of_a_record_never_change(kind: type[msgspec.Struct]) -> None:
    tag, *names = ORDER[kind].split()
    assert kind.__struct_config__.tag == tag
    assert kind.__struct_config__.array_like
    assert kind.__struct_fields__[: len(names)] == tuple(names)
    later = len(kind.__struct_fields__) - len(names)
    assert len(kind.__struct_defaults__) == later, "a later field has a default"


def test_a_record_is_known_by_its_tag() -> None:
    row = CatalogRow(5, 42, None, '{"kind":"blog"}', 7)
    kept = msgspec.msgpack.encode(row)
    assert msgspec.msgpack.decode(kept) == ["c", 5, 42, None, '{"kind":"blog"}', 7]
    assert msgspec.msgpack.decode(kept, type=Record) == row
