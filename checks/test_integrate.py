"""Every snippet of docs/integrate.md for pages is run as it stands there, in a real browser, against a real VTS.

React is the real one, and its components are bundled as an application's are. Next.js itself is not installed: its
snippet is rendered by React on the server, and `next/script` is a plain script element.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jinja2 import Environment

from tests.support.chromium import chromium
from tests.support.guide import BLOCK, TEXT, snippet
from tests.support.node import bundle, printed
from tests.support.pages import RESOLVE, pages
from tests.support.process import Vts, running
from tests.support.waiting import until

TEXTS = "[...document.querySelectorAll('vts-views')].map(one => one.shadowRoot.textContent)"


@pytest.fixture(scope="module")
def vts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vts]:
    """A VTS that the stories share; each has contents and paths of its own."""
    with running(tmp_path_factory.mktemp("vts")) as one:
        yield one


@pytest.fixture(scope="module")
def service(vts: Vts) -> Iterator[httpx.Client]:
    with vts.client(vts.service_token()) as client:
        yield client


def stub(vts: Vts) -> str:
    """The line of the page that keeps calls until the script is there."""
    return next(code for _, code in BLOCK.findall(TEXT) if "vts.q" in code)


def seen_before(service: httpx.Client, post: str) -> None:
    """Count a view that is none of the page's."""
    service.post("/api/view", json={"post_id": post, "view_type": "search"}).raise_for_status()


async def counted(service: httpx.Client, post: str, **types: int) -> None:
    """Wait until a content has exactly these views by type."""

    def found() -> bool:
        answer = service.get(f"/api/post/{post}/stats")
        return answer.is_success and answer.json()["views_by_type"] == types

    await until(found, pause_s=0.05)


async def page_views(service: httpx.Client, story: str, wanted: dict[str, int]) -> None:
    """Wait until of the paths below that of a story exactly these have these page views."""

    def found() -> bool:
        top: dict[str, int] = service.get("/api/admin/sitewide-stats?limit=100").json()["top_pages"]
        return {path: views for path, views in top.items() if path.startswith(story)} == wanted

    await until(found, pause_s=0.05)


async def test_plain_html(vts: Vts, service: httpx.Client) -> None:
    html = snippet(vts.http, "## The tracker", "html", **{"blog:1030": "blog:html"})
    link = snippet(vts.http, "### Cookies and storage", "html")
    async with pages(html + link) as address, chromium(RESOLVE) as browser:
        page = await (await browser.page()).goto(address + "html")
        await counted(service, "blog:html", intentional=1)
        await page_views(service, "/html", {"/html": 1})
        await page.run("document.querySelector('a').click();")
        await page.until("localStorage.vts === '#vts-ignore'")
        assert page.complaints == []


async def test_a_strict_page_with_the_documented_policy(vts: Vts, service: httpx.Client) -> None:
    html = snippet(vts.http, "### Strict pages", "html", **{'"42"': '"blog:strict"'})
    policy = next(line for line in TEXT.splitlines() if line.startswith("Content-Security-Policy: "))
    name, _, value = policy.replace("https://vts.example", vts.http).partition(": ")
    inline = "<script>window.isRefused = false</script>"
    async with pages(html + inline, headers={name: value}) as address, chromium(RESOLVE) as browser:
        page = await (await browser.page()).goto(address + "strict")
        await counted(service, "blog:strict", intentional=1)
        assert await page.run("return window.isRefused;") is None
        assert len(page.complaints) == 1, "the policy is in force: it refuses the inline script, and only that"


async def test_the_badge_and_its_picture_without_scripts(vts: Vts, service: httpx.Client) -> None:
    html = snippet(vts.http, "## The badge", "html", **{"42": "blog:badge"})
    async with pages(html) as address, chromium(RESOLVE) as browser:
        page = await (await browser.page()).goto(address)
        await counted(service, "blog:badge", widget=1)
        without = await browser.page()
        await without.send("Emulation.setScriptExecutionDisabled", value=True)
        await without.goto(address)
        await counted(service, "blog:badge", widget=2)
        assert page.complaints == without.complaints == []


APP = """
import { useState } from "react";
import { createRoot } from "react-dom/client";
import { Artwork, Gallery } from "./snippet.jsx";

const items = [1, 2, 3].map((n) => ({ id: `blog:react-${n}`, title: `Item ${n}` }));
function App() {
  const [id, show] = useState("blog:react-a");
  return (
    <>
      <Artwork id={id} title={id} />
      <Gallery items={items} />
      <button onClick={() => show("blog:react-b")}>b</button>
    </>
  );
}
createRoot(document.getElementById("app")).render(<App />);
"""


async def test_react(vts: Vts, service: httpx.Client, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "snippet.jsx").write_text(snippet(vts.http, "## React", "jsx"))
    (folder / "app.jsx").write_text(APP)
    scripts = snippet(vts.http, "## The tracker", "html", **{' data-post-id="blog:1030"': ""})
    badge = f'<script defer src="{vts.http}/widget.js"></script>'
    html = stub(vts) + scripts + badge + '<div id=app></div><script defer src="/app.js"></script>'
    application = bundle(folder / "app.jsx")
    seen_before(service, "blog:react-a")
    await counted(service, "blog:react-a", search=1)
    async with pages({"/react": html, "/app.js": application}) as address, chromium(RESOLVE) as browser:
        page = await (await browser.page()).goto(address + "react")
        await page.until(f"/^[12] views?$/.test({TEXTS}[0])")  # the service's view, maybe with that of the page
        await counted(service, "blog:react-a", intentional=1, search=1)
        for item in (1, 2, 3):
            await counted(service, f"blog:react-{item}", listing=1)
        await page.run("document.querySelector('button').click();")
        await counted(service, "blog:react-b", intentional=1)
        assert page.complaints == []


SCRIPT = """
export default ({ strategy, children, ...rest }) =>
  <script {...rest} {...(children ? { dangerouslySetInnerHTML: { __html: children } } : { defer: true })} />;
"""
RENDER = """
import { renderToStaticMarkup } from "react-dom/server";
import RootLayout from "./layout.jsx";

console.log(renderToStaticMarkup(<RootLayout><p>a page</p></RootLayout>));
"""


async def test_next(vts: Vts, service: httpx.Client, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "script.jsx").write_text(SCRIPT)
    (folder / "layout.jsx").write_text(snippet(vts.http, "## Next.js", "jsx"))
    (folder / "render.jsx").write_text(RENDER)
    alias = f"--alias:next/script={folder / 'script.jsx'}"
    html = printed(bundle(folder / "render.jsx", "--platform=node", "--format=cjs", alias))
    async with pages(html) as address, chromium(RESOLVE) as browser:
        page = await (await browser.page()).goto(address + "next")
        await page.run("history.pushState({}, '', '/next/about'); vts('blog:next');")
        await counted(service, "blog:next", intentional=1)
        await page_views(service, "/next", {"/next": 1, "/next/about": 1})
        assert page.complaints == []


async def test_a_template_engine(vts: Vts, service: httpx.Client) -> None:
    template = snippet_of_template()
    related = [{"url": "/a", "ref": f"blog:jinja-{n}", "title": f"Item {n}"} for n in (1, 2)]
    values: dict[str, Any] = {"vts_url": vts.http, "post": {"ref": "blog:jinja"}, "related": related}
    html = Environment(autoescape=True).from_string(template).render(**values, visitor={"consents": True})
    assert " data-offline" in html
    async with pages(html) as address, chromium(RESOLVE) as browser:
        page = await (await browser.page()).goto(address + "jinja")
        await counted(service, "blog:jinja", intentional=1)
        for item in (1, 2):
            await counted(service, f"blog:jinja-{item}", listing=1)
        assert page.complaints == []


def snippet_of_template() -> str:
    return next(code for kind, code in BLOCK.findall(TEXT) if kind == "jinja")


async def test_a_picture(vts: Vts, service: httpx.Client) -> None:
    heading = "## E-mail, README files, pages without scripts"
    html = snippet(vts.http, heading, "html", **{"42": "blog:picture"})
    async with pages(html) as address, chromium(RESOLVE) as browser:
        page = await (await browser.page()).goto(address)
        await counted(service, "blog:picture", widget=1)
        assert await page.run("return document.querySelector('img').naturalWidth;") == 1
        assert page.complaints == []
