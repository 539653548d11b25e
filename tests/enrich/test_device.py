"""Device types of real agents."""

from __future__ import annotations

from pathlib import Path

import pytest

from vts.enrich.device import device_type
from vts.model.view import DEVICE_TYPES

AGENTS = [
    (None, "desktop"),
    ("", "desktop"),
    ("anything", "desktop"),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
        "desktop",
    ),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15", "desktop"),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "desktop"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile/15E148 Safari/604.1", "mobile"),
    ("Mozilla/5.0 (iPod touch; CPU iPhone OS 12_5 like Mac OS X)", "mobile"),
    ("Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36", "mobile"),
    ("Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1) Edge/15 Mobile", "mobile"),
    ("Mozilla/5.0 (BB10; Touch) AppleWebKit/537.10+", "mobile"),
    ("BlackBerry9700/5.0.0.862", "mobile"),
    ("Opera/9.80 (J2ME/MIDP; Opera Mini/9.80; U; en)", "mobile"),
    ("Opera/9.80 (S60; SymbOS; Opera Mobi/499)", "mobile"),
    ("Mozilla/4.0 (compatible; MSIE 7.0; IEMobile 7.11)", "mobile"),
    ("Mozilla/5.0 (Maemo; Linux armv7l; rv:10.0) Fennec/10.0", "mobile"),
    ("Mozilla/5.0 (webOS/1.4.5; U; en-US)", "mobile"),
    ("Mozilla/5.0 (Linux; Android 14; SM-X710) AppleWebKit/537.36 Chrome/126.0 Safari/537.36", "tablet"),
    ("Mozilla/5.0 (iPad; CPU OS 16_7 like Mac OS X) Version/16.6 Mobile/15E148 Safari/604.1", "tablet"),
    ("Mozilla/5.0 (Android 14; Tablet; rv:127.0) Gecko/127.0 Firefox/127.0", "tablet"),
    ("Mozilla/5.0 (PlayBook; U; RIM Tablet OS 2.1.0)", "tablet"),
    ("Mozilla/5.0 (Linux; Android 9; KFMAWI) Silk/120 like Chrome/120.0 Safari/537.36", "tablet"),
    ("Mozilla/5.0 (X11; U; Linux armv7l like Android; en-us) Kindle/3.0+", "tablet"),
    ("Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) SamsungBrowser/4.0 TV Safari/537.36", "tv"),
    ("Mozilla/5.0 (SmartTV; Linux) Mobile", "tv"),
    ("HbbTV/1.2.1 (;Panasonic;VIERA 2013)", "tv"),
    ("AppleTV11,1/11.1", "tv"),
    ("Mozilla/5.0 (Linux; Android 12; GoogleTV) Mobile", "tv"),
    ("Mozilla/5.0 (Linux; Android 11; Sony TV)", "tv"),
    ("Mozilla/5.0 (tvOS)", "tv"),
    ("Makapix-Player/1.2 (ESP32)", "player"),
    ("PixelFrame/2 Android Mobile TV", "player"),
    ("divoom-pixoo64", "player"),
]


@pytest.mark.parametrize(("agent", "device"), AGENTS)
def test_devices(agent: str | None, device: str) -> None:
    assert device_type(agent) == device
    if agent:
        assert device_type(agent.upper()) == device
        assert device_type(agent.lower()) == device


def test_99_of_100_real_agents_are_right() -> None:
    """The agents of `agents/devices.tsv`: real traffic, and every kind of device of the brands that sell many."""
    rows = [line.split("\t") for line in (Path(__file__).parent / "agents" / "devices.tsv").read_text().splitlines()]
    wrong = [(agent, device, found) for agent, device in rows if (found := device_type(agent)) != device]
    assert len(rows) >= 500
    assert {device for _, device in rows} == set(DEVICE_TYPES)
    assert len(wrong) <= 0.01 * len(rows), wrong
