"""The pictures of the README, made anew: `make screenshots` starts a VTS, seeds it and writes docs/pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import trio

from tests.support.chromium import Page, chromium
from tests.support.folders import open_folder
from tests.support.process import Vts, running

PICTURES: Final = Path(__file__).parent.parent / "docs/pictures"
WIDTH: Final = 1100
LARGEST_BYTES: Final = 150_000  # each is loaded with the README
SHOTS: Final = (
    ("overview", "/?range=90&compare=1", 860),
    ("content", "/content/artwork:seed-1?pick=device:mobile", 760),
)
"""File, address, and height."""
DRAWN: Final = (
    "document.querySelector('.uplot') && document.querySelector('.map') && !document.querySelector('.loading')"
)
PRESS: Final = "document.querySelector('main button').click()"


async def _pictures(vts: Vts) -> None:
    link = (await trio.to_thread.run_sync(vts.cli, "login-link")).split()[-1]
    async with chromium() as browser:
        page = await (await browser.page()).goto(link)
        await page.leave(PRESS)
        for name, path, height in SHOTS:
            await _picture(page, vts.http + path, PICTURES / f"{name}.png", height)


async def _picture(page: Page, address: str, file: Path, height: int) -> None:
    await page.window(WIDTH, height)
    await page.goto(address)
    await page.until(DRAWN)
    await page.run("document.documentElement.style.scrollbarWidth = 'none'")
    await page.screenshot(file, width=WIDTH, height=height)
    size = file.stat().st_size
    assert size <= LARGEST_BYTES, f"{file.name} has {size:,} bytes"
    print(f"{file.name}: {size:,} bytes")


def main() -> None:
    """Make all pictures."""
    PICTURES.mkdir(exist_ok=True)
    with open_folder() as folder, running(folder) as vts:
        vts.cli("seed", "--posts", "300", "--views", "60000")
        trio.run(_pictures, vts)


if __name__ == "__main__":
    main()
