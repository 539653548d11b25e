"""Files that VTS serves to browsers: kept for a year or for an hour, compressed, and loadable from any page."""

from __future__ import annotations

import gzip
import re
from typing import Any

import pytest

from tests.web.ports import access, app_of
from vts.web.static_files import SCRIPTS, asset, built_files

TRACKER_MAX_BYTES = 1023  # gzipped; docs/integrate.md promises below 1,024
WIDGET_MAX_BYTES = 2560
FIRST_LOAD_MAX_BYTES = 120 * 1024
DASHBOARD_MAX_BYTES = 200 * 1024


def client() -> Any:
    return app_of(access()).test_client()


def test_the_tracker_stays_below_its_bound() -> None:
    packed = {name: len(gzip.compress(built_files()[name].plain, 9)) for name in SCRIPTS}
    assert packed["vts.js"] <= TRACKER_MAX_BYTES
    assert packed["vts-offline.js"] <= TRACKER_MAX_BYTES
    assert packed["widget.js"] <= WIDGET_MAX_BYTES


@pytest.mark.parametrize("name", SCRIPTS)
async def test_a_page_of_any_origin_loads_a_script_and_asks_again_by_etag(name: str) -> None:
    answer = await client().get(f"/{name}", headers={"Origin": "https://art.example", "Accept-Encoding": "gzip"})
    plain = gzip.decompress(await answer.get_data())
    assert answer.content_type == "text/javascript; charset=utf-8"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Cache-Control"] == "public, max-age=3600, stale-while-revalidate=86400"
    assert (answer.headers["Content-Encoding"], answer.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert "Set-Cookie" not in answer.headers
    again = await client().get(f"/{name}", headers={"If-None-Match": answer.headers["ETag"], "Accept-Encoding": "gzip"})
    assert (again.status_code, await again.get_data()) == (304, b"")
    other = await client().get(f"/{name}", headers={"If-None-Match": answer.headers["ETag"]})
    assert (other.status_code, await other.get_data()) == (200, plain)


async def test_files_of_our_pages_are_kept_for_a_year_under_a_name_of_their_content() -> None:
    for name in ("page.css", "home.js", "icon.svg"):
        path = asset(name)
        assert re.fullmatch(r"/static/\w+-[A-Z0-9]{8}\.\w+", path)
        answer = await client().get(path)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "public, max-age=31536000, immutable")


@pytest.mark.parametrize("path", ["/static/page.css", "/static/manifest.json", "/static/../app.py", "/static/vts.js"])
async def test_what_was_not_built_is_not_there(path: str) -> None:
    assert (await client().get(path)).status_code == 404


async def test_licences_of_what_is_built_in_are_served_with_it() -> None:
    text = (await (await client().get("/static/LICENSES.txt")).get_data()).decode()
    assert all(name in text for name in ("preact ", "@preact/signals ", "htm "))


def wire_bytes(names: set[str]) -> int:
    """What files cost over the wire."""
    files = [built_files()[name] for name in names]
    return sum(len(file.plain if file.packed is None else file.packed) for file in files)


def parts_of(name: str, how: str) -> set[str]:
    """Return a built script and all that it imports: at once (`from`), and when asked for (`import(`), by `how`."""
    text = built_files()[name].plain.decode()
    found = {name}
    for part in re.findall(rf'{how}"\./([\w.-]+\.js)"', text):
        found |= parts_of(part, how)
    return found


def test_the_dashboard_stays_small() -> None:
    entry = asset("dashboard.js").rpartition("/")[2]
    beside = {asset(name).rpartition("/")[2] for name in ("dashboard.css", "icon.svg")}
    first = parts_of(entry, "(?:from|import) ?") | beside
    assert len(first) > 3  # it has parts that other pages have too
    assert wire_bytes(first) <= FIRST_LOAD_MAX_BYTES
    assert wire_bytes(first | parts_of(entry, r"(?:from|import) ?\(?")) <= DASHBOARD_MAX_BYTES
