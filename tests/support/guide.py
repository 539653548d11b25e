"""The snippets of docs/integrate.md, for the tests that run them as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

TEXT: Final = (Path(__file__).parents[2] / "docs" / "integrate.md").read_text()
BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
ADDRESS: Final = "https://vts.example"
"""Stands for the address of VTS in every snippet."""


def kinds() -> dict[str, list[str]]:
    """Return {heading: languages of its snippets} of the headings that have some."""
    sections = re.split(r"^##+ ", TEXT, flags=re.MULTILINE)[1:]
    found = {text.partition("\n")[0]: [kind for kind, _ in BLOCK.findall(text)] for text in sections}
    return {heading: languages for heading, languages in found.items() if languages}


def snippet(address: str, heading: str, language: str, **changed: str) -> str:
    """Return the first block of a language below a heading, with the address of a VTS and contents of the story."""
    _, found, section = TEXT.partition(f"\n{heading}\n")
    assert found, f"no heading {heading}"
    text: str = next(
        code for kind, code in BLOCK.findall(re.split(r"^## ", section, flags=re.M)[0]) if kind == language
    )
    for old, new in changed.items():
        assert old in text, f"{heading}: no {old}"
        text = text.replace(old, new)
    return text.replace(ADDRESS, address)
