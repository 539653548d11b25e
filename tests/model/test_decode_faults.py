"""What is wrong with an input is said without its words, however msgspec puts it."""

from __future__ import annotations

import json
from typing import Any, Literal

import msgspec
import pytest

from vts.model.decode_faults import what_and_where

SENT = "a person's name - at `$.b`"


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    kind: Literal["artwork"] = "artwork"
    number: Literal[1, 2] = 1
    size: int = 0


class Outer(msgspec.Struct):
    rows: list[Inner] = []
    named: dict[str, int] = {}


@pytest.mark.parametrize(
    ("said", "what", "where"),
    [
        ({"rows": [{"kind": SENT}]}, "not one of the values that are known", "rows[0].kind"),
        ({"rows": [{"number": 4_711}]}, "not one of the values that are known", "rows[0].number"),
        ({"rows": [{SENT: 1}]}, "an unknown field", "rows[0]"),
        ({"rows": [{"size": SENT}]}, "Expected `int`, got `str`", "rows[...].size"),
        ({"named": {SENT: SENT}}, "Expected `int`, got `str`", "named[...]"),
        ([], "Expected `object`, got `array`", ""),
    ],
)
def test_no_word_of_the_input(said: Any, what: str, where: str) -> None:
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.json.decode(json.dumps(said), type=Outer)
    told = what_and_where(raised.value)
    assert told[0] == what
    assert told[1].replace("[0]", "[...]") == where.replace("[0]", "[...]")
    assert "person" not in str(told)
    assert "4711" not in str(told)
