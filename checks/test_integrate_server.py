"""The JavaScript and shell snippets of docs/integrate.md, run by Node, a browser and a shell against a real VTS."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from tests.support.chromium import chromium
from tests.support.guide import snippet
from tests.support.node import bundle, printed
from tests.support.pages import RESOLVE, pages
from tests.support.process import BROWSER, READY_WITHIN_S, running
from tests.support.waiting import wait_until

STEPS = ("## The first count", "## Contents", "## Views", "## Reconcile", "## Tokens")

STORY = """
const created_at = "2026-01-02T03:04:05Z";
const posts = [1, 2, 3].map((id) => ({ id, author_id: 7, title: `Post ${id}`, draft: id === 3, created_at }));
await saved(...posts);
const missing = await syncAll(posts, "first", true);
const full = await syncAll(posts, "second").catch((fault) => fault.message);
const seen = { post_id: "blog:1", event_id: newEventId(), client_ip: "203.0.113.7", user_agent: AGENT };
const own = { ...seen, event_id: newEventId(), user_id: 7 };
const waits = [await send([seen, own]), await send([seen, own])];
const count = await ask("/api/counts?ref=blog:1&ref=blog:3");
const today = new Date().toISOString().slice(0, 10);
let lost;
do lost = await reconcile(today, new Set([seen.event_id, own.event_id])); while (lost.length !== 1);
const page = await artistPage(7, await tokenOf(7));
const other = await artistPage(7, await tokenOf(8));
console.log(JSON.stringify({
  missing, full, waits, count, isOwn: lost[0] === own.event_id, other,
  page: [page.total_posts, page.total_views], operator: await tokenOf("site", ["service"]),
}));
"""


def test_a_server_in_javascript(folder: Path) -> None:
    with running(folder / "vts") as vts:
        secret = (vts.folder / "data" / "token.secret").read_text().strip()
        code = [snippet(vts.http, heading, "js") for heading in STEPS] + [snippet(vts.http, "## Show", "js")]
        (folder / "server.mjs").write_text("\n".join(code) + STORY.replace("AGENT", json.dumps(BROWSER)))
        server = bundle(folder / "server.mjs", "--platform=node", "--format=esm")
        token = vts.service_token()
        first, told = printed(server, kind="module", VTS_TOKEN=token, VTS_AUTH__SECRET=secret).strip().rsplit("\n", 1)
        assert "views: 1" in first
        said = json.loads(told)
        assert (said["missing"]["removed"], said["missing"]["sample"]) == (1, ["blog:1031"]), "of the first count"
        assert "too_many_removed" in said["full"], "one of four is more than 10 %"
        assert said["waits"] == [0, 0]
        assert [one["views"] for one in said["count"]["counts"]] == [1, 0]
        assert (said["isOwn"], said["other"]) == (True, None)
        assert said["page"] == [4, 2]
        with vts.client(said["operator"]) as client:
            assert client.get("/api/admin/channels").status_code == 200


async def test_a_page_shows_an_artist_and_follows_a_count(folder: Path) -> None:
    code = "<script>{}; Object.assign(window, {{ artistPage, follow }})</script>"
    html = {}
    async with pages(html) as address, chromium(RESOLVE) as browser:
        with running(folder / "vts", VTS_HTTP__ALLOWED_ORIGINS=address.rstrip("/")) as vts:
            html["/"] = code.format(snippet(vts.http, "## Show", "js"))
            with vts.client(vts.service_token()) as service:
                service.post("/api/content", json={"post_id": "blog:5", "owner_id": 7}).raise_for_status()
                page = await (await browser.page()).goto(address)
                found = f"return (await artistPage(7, {json.dumps(vts.token(7))})).total_posts;"
                assert await page.run(found) == 1
                assert await page.run(f"return await artistPage(7, {json.dumps(vts.token(8))});") is None
                await page.run("window.end = follow('blog:5', (views) => { window.views = views; });")
                await page.until("window.views === 0")
                service.post("/api/view", json={"post_id": "blog:5"}).raise_for_status()
                await page.until("window.views === 1")
                await page.run("end();")


def test_the_first_commands_start_vts_and_make_a_token_that_lasts(folder: Path) -> None:
    script = snippet("", "## The first count", "sh") + 'echo "$! $VTS_TOKEN" > said\n'
    kept = {key: value for key, value in os.environ.items() if not key.startswith("VTS_")}
    kept["PATH"] = f"{Path(sys.executable).parent}:{kept['PATH']}"
    environment = kept | {"VTS_DATA__DIR": str(folder / "data"), "VTS_HTTP__PORT": "0"}
    with (folder / "log").open("w") as log:
        subprocess.run(["sh", "-c", script], cwd=folder, env=environment, stdout=log, stderr=log, timeout=60)
    process, token = (folder / "said").read_text().split()
    try:
        wait_until((folder / "vts.json").exists, READY_WITHIN_S)
        address = json.loads((folder / "vts.json").read_text())["http"]
        assert httpx.get(f"{address}/api/content", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    finally:
        os.kill(int(process), signal.SIGKILL)
