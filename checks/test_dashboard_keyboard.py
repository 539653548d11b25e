"""The dashboard without a mouse: every control is reached in order and seen, and a whole visit is made by keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from checks.test_dashboard import ARTIST, CONTENT, DEMO, SETTLED
from tests.support.chromium import Page, chromium
from tests.support.dashboard import signed_in
from tests.support.folders import open_folder
from tests.support.process import Vts, running

PAGES = {
    "/?from=2026-01-01&to=2026-02-01": SETTLED,
    "/now": SETTLED,
    f"/content/{CONTENT}": SETTLED,
    f"/artist/{ARTIST}": SETTLED,
    "/players": SETTLED,
    "/channels": SETTLED,
    "/not-counted": SETTLED,
    "/operations": "document.querySelector('.metrics')",
}
STOPS_MAX = 400
CONTROLS = """
    const kinds = 'a[href], button:not(:disabled), input:not(:disabled, [type=hidden]), select, summary, '
        + '[tabindex="0"]';
    window.controls = [...document.querySelectorAll(kinds)].filter(one => one.checkVisibility());
    return window.controls.length;
"""
STOP = """
    const one = document.activeElement;
    if (one === document.body || one === document.documentElement) return null;
    const style = getComputedStyle(one);
    const name = one.ariaLabel || one.innerText || one.name || one.className;
    const note = one.matches('.term') && one.querySelector('.meaning')?.getBoundingClientRect();
    const faults = [];
    if (!(parseFloat(style.outlineWidth) >= 2)) faults.push('is not seen to have the focus');
    if (document.documentElement.scrollWidth > innerWidth) faults.push('makes the page wider');
    if (note && (note.left < 0 || note.right > innerWidth || !note.width)) faults.push('has a meaning beyond the edge');
    return {at: window.controls.indexOf(one), name: `${one.tagName} ${name}`.slice(0, 60), faults};
"""


@pytest.fixture(scope="module")
def vts() -> Iterator[Vts]:
    with open_folder() as folder, running(folder) as one:
        one.cli(*DEMO)
        yield one


@asynccontextmanager
async def moderator(vts: Vts, width: int) -> AsyncIterator[Page]:
    async with chromium() as browser:
        page = await signed_in(await browser.page(), vts, vts.token(1, "moderator"))
        await page.window(width, 900)
        yield page


async def stops(page: Page) -> list[dict[str, Any]]:
    """Press Tab until the page is left; return where the focus was."""
    found: list[dict[str, Any]] = []
    for _ in range(STOPS_MAX):
        await page.press("Tab")
        stop = await page.run(STOP)
        if stop is None:
            return found
        found.append(stop)
    raise AssertionError(f"the focus never leaves the page: {found[-5:]}")


@pytest.mark.parametrize("width", [360, 1440])
async def test_each_control_is_reached_in_order_and_seen(vts: Vts, width: int) -> None:
    wrong = []
    async with moderator(vts, width) as page:
        for path, drawn in PAGES.items():
            await page.goto(vts.http + path)
            await page.until(drawn)
            controls = await page.run(CONTROLS)
            found = await stops(page)
            order = [stop["at"] for stop in found if stop["at"] >= 0]
            missed = sorted(set(range(controls)) - set(order))
            names = [await page.run(f"return window.controls[{n}].outerHTML.slice(0, 120);") for n in missed]
            wrong += [f"{path}: {name} is not reached" for name in names]
            wrong += [f"{path}: {stop['name']} {fault}" for stop in found for fault in stop["faults"]]
            if order != sorted(order):
                wrong.append(f"{path}: order {order}")
    assert not wrong, "\n".join(wrong)


async def to(page: Page, wanted: str) -> None:
    """Press Tab until the focus is on the element that a condition about `one` describes."""
    for _ in range(STOPS_MAX):
        await page.press("Tab")
        if await page.run(f"const one = document.activeElement; return Boolean({wanted});"):
            return
    raise AssertionError(f"the focus never comes to: {wanted}")


async def test_a_visit_is_made_by_keys_alone(vts: Vts) -> None:
    async with moderator(vts, 1440) as page:
        await page.goto(vts.http + "/")
        await page.until(SETTLED)
        await page.press("Tab")
        await page.press("Enter")  # the first stop leads past the navigation
        await page.until("document.activeElement.id === 'page'")
        await to(page, "one.tagName === 'SELECT'")
        await page.press("ArrowDown")
        await page.until(f"location.search === '?range=90' && {SETTLED}")
        await to(page, "one.ariaLabel === 'Show Page views in the chart'")
        await page.press("Enter")
        await page.until("document.activeElement.ariaPressed === 'true' && document.querySelector('h2').innerText")
        await to(page, "one.innerText === 'Page views by day as a table'")
        await page.press("Enter")
        await page.until("document.querySelector('.twin[open] td')?.checkVisibility()")
        await to(page, "one.ariaLabel === 'Export Countries'")
        await page.press("Enter")
        await to(page, "one.innerText === 'CSV' && one.href.includes('table=country')")
        await page.goto(vts.http + "/?range=90")
        await page.until(SETTLED)
        await to(page, f"one.pathname === '/content/{CONTENT}'")
        await page.press("Enter")
        await page.until(f"location.pathname === '/content/{CONTENT}' && location.search === '?range=90' && {SETTLED}")
        await page.until("document.activeElement.id === 'page'")
        assert not page.complaints
