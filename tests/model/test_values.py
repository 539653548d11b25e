"""Bounds of the small values: contents, players, reactions, runs of the journal, faults, refusals of bots."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from vts.model.content import KINDS, ContentRow, PlayerRow
from vts.model.faults import BadStart, JournalFull, NoStart, Outage, StoreUnavailable
from vts.model.journal_run import UNPROVEN, Run
from vts.model.outcome import BOTS, Reason
from vts.model.reaction import EMOJI_MAX_CHARS, Comment, Reaction
from vts.model.view import BOT_CLASSES

KEY = "6fa459ea-ee8a-3ca4-894e-db77e160355e"
LEAST: dict[type, dict[str, Any]] = {
    ContentRow: {"post_id": 1},
    PlayerRow: {"player_key": KEY},
    Reaction: {"post_id": 1, "emoji": "👍"},
    Comment: {"post_id": 1, "user_id": 1, "comment_id": 1},
}


@pytest.mark.parametrize("kind", LEAST, ids=lambda kind: kind.__name__)
def test_the_required_fields_are_enough(kind: type) -> None:
    for field in LEAST[kind]:
        with pytest.raises(msgspec.ValidationError, match=field):
            msgspec.convert({name: value for name, value in LEAST[kind].items() if name != field}, kind)
    msgspec.convert(LEAST[kind], kind)


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (ContentRow, "post_id", 0), (ContentRow, "post_id", 2**63), (ContentRow, "kind", "song"),
        (ContentRow, "title", "x" * 501), (ContentRow, "hashtags", ["x"] * 65), (ContentRow, "hashtags", ["x" * 101]),
        (ContentRow, "visibility", "hidden"), (PlayerRow, "player_key", "x"), (PlayerRow, "country", "br"),
        (PlayerRow, "credential", "x" * 31), (PlayerRow, "credential", "x" * 129), (PlayerRow, "name", "x" * 201),
        (Reaction, "emoji", ""), (Reaction, "emoji", "x" * (EMOJI_MAX_CHARS + 1)), (Reaction, "op", "toggle"),
        (Reaction, "user_id", 0), (Comment, "comment_id", 0), (Comment, "op", "edit"),
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_refused_by_the_name_of_its_field(kind: type, field: str, value: object) -> None:
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert(LEAST[kind] | {field: value}, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_content_can_be_written(kind: str) -> None:
    assert msgspec.convert({"post_id": 1, "kind": kind}, ContentRow).kind == kind


def test_a_run_is_proven_unless_its_id_says_otherwise() -> None:
    assert Run(1, b"r" * 16).is_proven
    assert not Run(1, UNPROVEN + b"12345678").is_proven


def test_outages_are_waited_out_and_bad_starts_are_not() -> None:
    assert issubclass(StoreUnavailable, Outage) and issubclass(JournalFull, Outage)
    assert issubclass(NoStart, BadStart) and not issubclass(BadStart, Outage)
    assert StoreUnavailable.wait_max_s < Outage.wait_max_s, "what asks the database costs it nothing"


def test_every_class_of_bots_has_its_refusal() -> None:
    assert {of_class: (refused.reason, refused.bot) for of_class, refused in BOTS.items()} == {
        of_class: (Reason.BOT, of_class) for of_class in BOT_CLASSES
    }
