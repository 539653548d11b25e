"""Devices and crawlers, held against the agents of a public project's own tests.

The agents of device-detector's tests are one for each model that was ever seen, most of them obscure: a share of these
is no share of visitors. So the floor for devices is lower here than for the fixture beside `tests/enrich`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import device_detector
import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA as tagged
from yaml_rs import load

from vts.enrich.bots import is_bot
from vts.enrich.device import device_type

FIXTURES = Path(device_detector.__file__).parent / "tests" / "fixtures" / "upstream"
DEVICES = {
    "desktop": "desktop",
    "smartphone": "mobile",
    "feature phone": "mobile",
    "phablet": "mobile",
    "wearable": "mobile",
    "tablet": "tablet",
    "tv": "tv",
}


def cases(pattern: str) -> Iterator[dict[str, Any]]:
    for path in sorted(FIXTURES.glob(pattern)):
        yield from (case for case in load(path.open("rb")) if "user_agent" in case)


@pytest.fixture(scope="module")
def browsers() -> list[tuple[str, str]]:
    """Return (agent, kind of device there) of every browser."""
    found = {}
    for case in cases("*.yml"):
        if "bot" not in case and (case.get("client") or {}).get("type") == "browser":
            found[case["user_agent"][:512]] = case["device"]["type"]
    return list(found.items())


def test_97_of_100_agents_of_crawlers_are_caught() -> None:
    lists = {
        "device-detector": [case["user_agent"] for case in cases("bots.yml")],
        "crawler-user-agents": [agent for entry in tagged for agent in entry["instances"]],
    }
    for name, agents in lists.items():
        missed = [agent for agent in agents if not is_bot(agent[:512])]
        assert len(agents) > 1_000
        assert len(missed) <= 0.03 * len(agents), (name, missed)


def test_at_most_1_of_1000_browsers_is_taken_for_a_crawler(browsers: list[tuple[str, str]]) -> None:
    dropped = [agent for agent, kind in browsers if kind != "peripheral" and is_bot(agent)]
    assert len(browsers) > 30_000
    assert len(dropped) <= 0.001 * len(browsers), dropped


def test_92_of_100_models_are_the_right_device(browsers: list[tuple[str, str]]) -> None:
    asked = [(agent, DEVICES[kind]) for agent, kind in browsers if kind in DEVICES]
    wrong = [(agent, device) for agent, device in asked if device_type(agent) != device]
    assert len(asked) > 30_000
    assert len(wrong) <= 0.08 * len(asked), wrong[::100]
