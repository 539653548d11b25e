"""Settings and links that docs/integrate.md names are there."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from config.load import load
from tests.support.guide import TEXT

DOCS = Path(__file__).parents[2] / "docs"
SET = re.findall(r"`(VTS_[A-Z]+__[A-Z_]+)(?:='?([^'`]+)'?)?`", TEXT)


def anchors(text: str) -> set[str]:
    """Return what the headings of a page may be linked by."""
    plain = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", plain, re.M)
    }


@pytest.mark.parametrize(("name", "value"), [one for one in sorted(set(SET)) if one[1]])
def test_a_setting_is_taken_as_the_guide_writes_it(name: str, value: str) -> None:
    load({name: value})


def test_settings_that_the_guide_names_are_there() -> None:
    settings = msgspec.to_builtins(load({}))
    known = {f"VTS_{section}__{key}".upper() for section, keys in settings.items() for key in keys}
    assert {name for name, _ in SET} <= known


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.stem)
def test_links_within_the_pages_lead_to_a_heading(page: Path) -> None:
    found = re.findall(r"\]\(([\w./]*\.md)?#([\w-]+)\)", page.read_text())
    assert {
        f"{file}#{anchor}"
        for file, anchor in found
        if anchor not in anchors((page.parent / file if file else page).read_text())
    } == set()
