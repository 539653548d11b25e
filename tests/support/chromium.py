"""A real headless Chromium under Trio, by the DevTools protocol (Chrome DevTools Protocol, stable domains only)."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Self

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, connect_websocket_url

from tests.support.node import module

START_S = 60
STEP_S = 60
UNTIL_S = 50  # less than a step has, so that the page says what it waited for
PORT_FILE = "DevToolsActivePort"
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# What the browser would ask of the network by itself is switched off: tests reach loopback only.
QUIET = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
)
KEYS = {"Tab": (9, ""), "Enter": (13, "\r"), "Space": (32, " "), "Escape": (27, ""), "ArrowDown": (40, "")}
"""Name of a key → its code, and the text that it types."""
# A browser of people: agents with "HeadlessChrome" are bots, for VTS too.
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"


class PageError(AssertionError):
    """What a page threw, or what the browser said of a command."""


class Browser:
    """One browser process. Commands and events of all its pages share one socket."""

    def __init__(self, socket: WebSocketConnection) -> None:
        self._socket = socket
        self._numbers = count(1)
        self._waiting: dict[int, tuple[trio.Event, dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}

    async def read(self) -> None:
        """Give every message to the command or page that it belongs to, until the browser has gone."""
        while True:
            try:
                message = json.loads(await self._socket.get_message())
            except ConnectionClosed:
                for answered, box in self._waiting.values():
                    box["error"] = "the browser has gone"
                    answered.set()
                return
            if "id" in message:
                answered, box = self._waiting.pop(message["id"])
                box.update(message)
                answered.set()
            elif (page := self._pages.get(message.get("sessionId", ""))) is not None:
                page.note(message["method"], message["params"])

    async def send(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Send a command; return its result. Raises PageError when the browser refuses it."""
        number, box = next(self._numbers), {}
        answered = trio.Event()
        self._waiting[number] = answered, box
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        await self._socket.send_message(json.dumps(message))
        with trio.fail_after(STEP_S):
            await answered.wait()
        if "error" in box:
            raise PageError(f"{method}: {box['error']}")
        return box["result"]

    async def page(self, *, agent: str = AGENT, keeps: bool = False) -> Page:
        """Open an empty page in a context of its own: no cookies or storage of other pages.

        With `keeps` it belongs to the profile, so its storage is there again when the browser is started again.
        """
        made = {} if keeps else await self.send("Target.createBrowserContext")
        target = (await self.send("Target.createTarget", url="about:blank", **made))["targetId"]
        session = (await self.send("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        page = self._pages[session] = Page(self, session, made.get("browserContextId"))
        for domain in ("Page", "Runtime", "Network", "Log"):
            await page.send(f"{domain}.enable")
        await page.send("Network.setUserAgentOverride", userAgent=agent)
        return page

    async def close(self) -> None:
        """End the browser as a person does: what pages stored is on disk."""
        with suppress(ConnectionClosed, PageError):
            await self.send("Browser.close")


class Page:
    """One page: where it is, what its scripts say, what it asked the network for."""

    def __init__(self, browser: Browser, session: str, context: str | None = None) -> None:
        self._browser = browser
        self._session = session
        self._context = context
        self._loaded = trio.Event()
        self.complaints: list[str] = []
        """Errors and warnings of the console, of scripts and of the browser (CORS, blocked content)."""
        self.requests: list[tuple[str, str]] = []
        """Method and address of every request, preflights included."""

    def note(self, event: str, params: dict[str, Any]) -> None:
        """Keep what an event of the protocol says."""
        if event == "Page.loadEventFired":
            self._loaded.set()
        elif event == "Network.requestWillBeSent":
            self.requests.append((params["request"]["method"], params["request"]["url"]))
        elif event == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif event == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif event == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append(" ".join(str(each.get("value", each)) for each in params["args"]))

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command to this page. Raises PageError."""
        return await self._browser.send(method, self._session, **params)

    async def goto(self, url: str) -> Self:
        """Load an address and wait for its load event. Raises PageError when it cannot be reached."""
        self._loaded = trio.Event()
        result = await self.send("Page.navigate", url=url)
        if "errorText" in result:
            raise PageError(f"{url}: {result['errorText']}")
        with trio.fail_after(STEP_S):
            await self._loaded.wait()
        return self

    async def run(self, script: str) -> Any:
        """Run the body of an async function in the page; return its value as JSON has it. Raises PageError."""
        result = await self.send(
            "Runtime.evaluate", expression=f"(async () => {{ {script} }})()", awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise PageError(details.get("exception", {}).get("description", details["text"]))
        return result["result"].get("value")

    async def leave(self, script: str) -> Self:
        """Run a script that leads to another page, and wait until that has loaded. Raises PageError."""
        self._loaded = trio.Event()
        await self.run(f"setTimeout(() => {{ {script} }})")
        with trio.fail_after(STEP_S):
            await self._loaded.wait()
        return self

    async def until(self, expression: str, *, within_s: float = UNTIL_S) -> Any:
        """Wait until an expression is true in the page, looking at every frame; return its value. Raises PageError."""
        script = f"""
            for (const end = performance.now() + {within_s * 1000}; performance.now() < end;) {{
                const value = await ({expression});
                if (value) return value;
                await new Promise(after => setTimeout(after, 16));
            }}
            const shown = document.body?.innerText.slice(0, 2000);
            throw new Error('never true: ' + {json.dumps(expression)} + '\\n' + shown);
        """
        return await self.run(script)

    @property
    def hosts(self) -> set[str]:
        """Host and port of every request that went to the network."""
        return {url.split("/")[2] for _, url in self.requests if url.startswith(("http", "ws"))}

    async def window(self, width: int, height: int, *, scheme: str = "light") -> None:
        """Show the page in a window of a size in CSS pixels, for a visitor who has chosen light or dark."""
        await self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.send("Emulation.setEmulatedMedia", features=features)

    async def before_scripts(self, script: str) -> None:
        """Run a script in each page that is loaded from now on, before the page's own."""
        await self.send("Page.addScriptToEvaluateOnNewDocument", source=script)

    async def press(self, key: str, *, shift: bool = False) -> None:
        """Press a key as a person does."""
        code, text = KEYS[key]
        how = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        await self.send("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **how)
        await self.send("Input.dispatchKeyEvent", type="keyUp", **how)

    async def stored(self) -> dict[str, Any]:
        """Return what the page left in the browser: cookies of every site, and the storage of its own."""
        context = {"browserContextId": self._context} if self._context else {}
        cookies = (await self._browser.send("Storage.getCookies", **context))["cookies"]
        own = "return [{...localStorage}, {...sessionStorage}, (await indexedDB.databases()).length];"
        local, session, databases = await self.run(own)
        return {"cookies": cookies, "local": local, "session": session, "databases": databases}

    async def axe(self) -> list[str]:
        """Return what axe-core finds wrong for people who use assistive technology: rule, where, and why."""
        await self.run(module("axe-core/axe.min.js"))
        found = await self.run("return (await axe.run()).violations;")
        return [f"{one['id']}: {node['target']} {node['failureSummary']}" for one in found for node in one["nodes"]]

    async def screenshot(self, file: Path, *, width: int = 1280, height: int = 800, scheme: str = "light") -> None:
        """Write a picture of the page (PNG) in a window of a size in CSS pixels."""
        await self.window(width, height, scheme=scheme)
        data = (await self.send("Page.captureScreenshot", format="png"))["data"]
        await trio.Path(file).write_bytes(base64.b64decode(data))

    async def close(self) -> None:
        """Leave the page as a visitor does: its unload handlers run."""
        await self.send("Page.close")


def program() -> str:
    """Return the browser's program. Raises AssertionError with the command that installs it."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    assert found, "the tests need a Chromium; run: sudo apt-get install chromium-headless-shell"
    return found


@asynccontextmanager
async def chromium(*flags: str, keep: Path | None = None) -> AsyncIterator[Browser]:
    """Run a browser with a profile of its own, or of the folder `keep`; end it, by its id, with the block."""
    with tempfile.TemporaryDirectory(prefix="vts-chromium-", ignore_cleanup_errors=True) as folder:
        profile = str(keep or folder)
        Path(profile, PORT_FILE).unlink(missing_ok=True)  # of a browser that had this profile
        sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
        command = [program(), *QUIET, *sandbox, f"--user-data-dir={profile}", *flags, "about:blank"]
        process = subprocess.Popen(  # noqa: ASYNC220 - it returns at once, and the process is ended by its id
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | {"HOME": profile}
        )
        try:
            async with trio.open_nursery() as nursery:
                socket = await connect_websocket_url(
                    nursery, await _address(process, Path(profile)), message_queue_size=64, max_message_size=1 << 26
                )
                browser = Browser(socket)
                nursery.start_soon(browser.read)
                try:
                    yield browser
                finally:
                    nursery.cancel_scope.cancel()
        finally:
            process.terminate()
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(process.wait, 30)


async def _address(process: subprocess.Popen[bytes], profile: Path) -> str:
    """Wait for the file in which the browser says where its protocol listens."""
    file = profile / PORT_FILE
    with trio.fail_after(START_S):
        while not (file.exists() and len(lines := file.read_text().split()) == 2):
            assert process.poll() is None, f"the browser ended with {process.returncode}"
            await trio.sleep(0.02)
    return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
