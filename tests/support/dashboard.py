"""Pages of the dashboard in a real browser: signed in, and drawn with their answers."""

from __future__ import annotations

import json
from typing import Final

from tests.support.chromium import Page
from tests.support.process import Vts

SITE_PAGES: Final = ("/", "/now", "/players", "/channels", "/not-counted", "/operations")
SETTLED: Final = "document.querySelector('h1') && !document.querySelector('.loading, .waiting')"
"""True once each question of a page is answered."""
METRIC: Final = (
    "[...document.querySelectorAll('.metric')].find(one => one.innerText.includes('{}'))?.querySelector('b')"
)


async def signed_in(page: Page, vts: Vts, token: str, *, base: str = "") -> Page:
    """Sign a page in at an address of VTS, as a host application does."""
    await page.goto(f"{base or vts.http}/health/live")
    body = json.dumps(json.dumps({"token": token}))
    assert await page.run(f"return (await fetch('/api/session', {{method: 'POST', body: {body}}})).status") == 201
    return page


async def shows(page: Page, url: str, words: str) -> None:
    """Open a page and wait until it has drawn its answer."""
    await page.goto(url)
    await page.until(f"!document.querySelector('.loading') && document.body.innerText.includes({json.dumps(words)})")


def metric(label: str) -> str:
    """Return the script that finds the number with a label."""
    return METRIC.format(label)
