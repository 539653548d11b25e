"""Rows of the catalog that come together from journals: each field is that of the write which named it last."""

from __future__ import annotations

import json
from typing import Any

from vts.model.catalog_row import field_revisions, merged
from vts.model.record import CatalogRow


def content(revision: int, fields: dict[str, int] | None, **row: Any) -> CatalogRow:
    known = {"kind": "artwork", "owner_id": None, "title": None, "deleted": False, "provisional": False}
    body = known | row | ({} if fields is None else {"field_revisions": fields})
    return CatalogRow(revision, 1, None, json.dumps(body | {"revision": revision}), 0)


def fields_of(row: CatalogRow) -> dict[str, Any]:
    assert row.row is not None
    return json.loads(row.row)


def test_the_order_of_two_rows_does_not_matter():
    one = content(5, {"title": 5, "visibility": 3}, title="old", visibility="private")
    two = content(9, {"title": 9}, title="new", visibility="public")
    both = fields_of(merged(one, two))
    assert fields_of(merged(two, one)) == both
    assert (both["title"], both["visibility"], both["revision"]) == ("new", "private", 9)
    assert both["field_revisions"] == {"title": 9, "visibility": 3}


def test_a_row_of_an_older_version_was_written_whole():
    whole = content(5, None, title="whole", owner_id=7)
    assert set(field_revisions(whole).values()) == {5}
    assert fields_of(merged(content(9, {"title": 9}, title="new"), whole))["owner_id"] == 7
    assert fields_of(merged(content(9, None, title="new"), whole))["owner_id"] is None


def test_an_owner_comes_with_what_is_noted_of_the_first_one():
    named = content(5, {"owner_id": 5}, owner_id=7, first_owner_id=7, owner_known_at="2026-01-01T00:00:00+00:00")
    titled = content(9, {"title": 9}, title="new", first_owner_id=None, owner_known_at=None)
    both = fields_of(merged(named, titled))
    assert (both["owner_id"], both["first_owner_id"], both["owner_known_at"][:10]) == (7, 7, "2026-01-01")


def test_what_a_view_has_made_says_nothing_at_any_revision():
    described = content(5, {"title": 5}, title="described")
    seen = content(9, {}, kind=None, provisional=True)
    assert field_revisions(content(9, None, kind=None, provisional=True)) == {}
    for both in (merged(described, seen), merged(seen, described)):
        assert (both.revision, fields_of(both)["title"], fields_of(both)["provisional"]) == (5, "described", False)


def test_a_removed_player_is_gone_unless_it_was_written_later():
    key, row = bytes(16), json.dumps({"owner_id": 7, "name": "hall"})
    kept, gone = CatalogRow(5, None, key, row, 0), CatalogRow(6, None, key, None, 0)
    assert merged(kept, gone) is merged(gone, kept) is gone
    again = CatalogRow(7, None, key, row, 0)
    assert merged(gone, again) is again
    assert field_revisions(gone) == {}
