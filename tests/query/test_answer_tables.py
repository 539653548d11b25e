"""The tables inside an answer: lists, breakdowns, and the twin of each value beside it."""

from __future__ import annotations

import datetime as dt

from vts.model.reference import HASHED_MIN
from vts.query.export.answer_tables import tables_in, with_refs
from vts.query.export.table import Column

AT = dt.datetime(2026, 1, 1, 7, tzinfo=dt.UTC)


def test_a_list_takes_in_the_counts_of_its_twin() -> None:
    body = {
        "post_id": 7,
        "daily_views": [{"date": "2026-01-01", "views": 3}, {"date": "2026-01-02", "views": 0}],
        "daily_views_authenticated": [{"date": "2026-01-01", "views": 1}, {"date": "2026-01-02", "views": 0}],
    }
    (name, (columns, rows, _)) = next(iter(tables_in(body).items()))
    assert name == "daily_views"
    assert columns == [Column("date", "text"), Column("views", "integer"), Column("views_authenticated", "integer")]
    assert rows == [["2026-01-01", 3, 1], ["2026-01-02", 0, 0]]


def test_a_breakdown_has_the_values_of_both_twins_and_a_short_name() -> None:
    body = {"views_by_country": {"BR": 3}, "views_by_country_authenticated": {"BR": 1, "DE": 1}}
    tables = tables_in(body)
    assert list(tables) == ["views_by_country", "country"]
    assert tables["country"].rows == [["BR", 3, 1], ["DE", 0, 1]]


def test_a_list_whose_twin_is_sorted_another_way_stays_alone() -> None:
    body = {
        "top_pages": [{"page": "/", "views": 3}, {"page": "/a", "views": 2}],
        "top_pages_authenticated": [{"page": "/a", "views": 2}, {"page": "/", "views": 1}],
    }
    assert [column.name for column in tables_in(body)["top_pages"].columns] == ["page", "views"]


def test_cells_keep_their_kinds_and_what_is_nested_becomes_json() -> None:
    body = {"posts": [{"post_id": 7, "at": AT, "ratio": 1, "by": {"BR": 1}, "title": None}, {"ratio": 0.5}]}
    columns, rows, _ = tables_in(body)["posts"]
    assert [column.kind for column in columns] == ["integer", "time", "number", "json", "text"]
    assert rows == [[7, AT, 1, '{"BR":1}', None], [None, None, 0.5, None, None]]


def test_counts_by_place_name_their_places() -> None:
    body = {
        "views_by_hour": [5, 0],
        "views_by_hour_authenticated": [1, 0],
        "views_by_weekday_and_hour": [[1, 2], [3, 4]],
        "views_by_weekday_and_hour_authenticated": [[0, 0], [0, 4]],
    }
    tables = tables_in(body)
    assert tables["hour"].rows == [[0, 5, 1], [1, 0, 0]]
    grid = tables["views_by_weekday_and_hour"]
    assert [column.name for column in grid.columns] == ["weekday", "hour", "views", "views_authenticated"]
    assert grid.rows == [[0, 0, 1, 0], [0, 1, 2, 0], [1, 0, 3, 0], [1, 1, 4, 4]]


def test_what_is_no_table_is_left_out() -> None:
    assert tables_in({"total_views": 3, "names": ["a"], "mixed": {"a": 1, "b": "x"}, "nothing": None}) == {}


def test_values_are_named_in_breakdowns_by_id_alone_and_rows_of_one_text_are_added() -> None:
    one, other = str(HASHED_MIN), str(HASHED_MIN + 1)
    body = {
        "views_by_playlist": {one: 3, other: 2, "42": 1},
        "views_by_playlist_authenticated": {other: 1},
        "views_by_referrer": {one: 3},
        "errors_by_type": {one: 3},
    }
    texts = dict.fromkeys((HASHED_MIN, HASHED_MIN + 1), "playlist:1")
    shown = {name: with_refs(table, texts).rows for name, table in tables_in(body).items()}
    assert shown["playlist"] == shown["views_by_playlist"] == [["playlist:1", 5, 1], ["42", 1, 0]]
    assert (shown["referrer"], shown["errors_by_type"]) == ([[one, 3]], [[one, 3]])
