"""Which files VTS serves: those that the workshop for pages built (`pages/`), read and compressed once at the start.

A file of our own pages has a hash of its content in its name, so a browser keeps it for a year and never asks again.
Scripts for pages of others have names that stay; they are kept for an hour, and asked for by ETag after it.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from mimetypes import guess_type
from pathlib import Path
from typing import Final

from quart import Request, Response

FOLDER: Final = Path(__file__).parent / "static"
MANIFEST: Final = "manifest.json"
SCRIPTS: Final = ("vts.js", "vts-offline.js", "widget.js")
FOREVER: Final = "public, max-age=31536000, immutable"  # a year: more means nothing to browsers (RFC 9111, 1.2.2)
# A changed script is on every page an hour after an upgrade; for a day more, a page need not wait for the answer.
FOR_PAGES_OF_OTHERS: Final = "public, max-age=3600, stale-while-revalidate=86400"
_TYPES: Final = {".js": "text/javascript"}  # RFC 9239; the system's table may have an older name


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltFile:
    """One file: its bytes, plain and as gzip where that is shorter, and an ETag for each of both."""

    plain: bytes
    packed: bytes | None
    content_type: str
    etag: str

    async def answer(self, asked: Request, cache_control: str) -> Response:
        """Return the answer to a request, 304 when the client has it already."""
        is_packed = self.packed is not None and asked.accept_encodings.quality("gzip") > 0
        answer = Response(self.packed if is_packed and self.packed else self.plain, content_type=self.content_type)
        answer.headers["Cache-Control"] = cache_control
        answer.set_etag(f"{self.etag}-gzip" if is_packed else self.etag)
        if is_packed:
            answer.headers["Content-Encoding"] = "gzip"
        if self.packed is not None:
            answer.vary.add("Accept-Encoding")
        return await answer.make_conditional(asked)


@cache
def built_files() -> Mapping[str, BuiltFile]:
    """Return every built file by the name under which it is served."""
    paths = (path for path in FOLDER.iterdir() if path.name != MANIFEST)
    return {path.name: _read(path) for path in paths}


@cache
def _served_names() -> Mapping[str, str]:
    names: dict[str, str] = json.loads((FOLDER / MANIFEST).read_bytes())
    return names


def asset(name: str) -> str:
    """Return the path of a file of our own pages by the name of its source, like `page.css`. Raises KeyError."""
    return f"/static/{_served_names()[name]}"


def is_hashed(name: str) -> bool:
    """Whether a name changes with the content of its file."""
    return name in _served_names().values() or name.startswith("chunk-")


def _read(path: Path) -> BuiltFile:
    plain = path.read_bytes()
    packed = gzip.compress(plain, zlib.Z_BEST_COMPRESSION, mtime=0)
    kind = _TYPES.get(path.suffix) or guess_type(path.name)[0] or "application/octet-stream"
    is_text = kind.startswith("text/") or kind == "image/svg+xml"
    return BuiltFile(
        plain=plain,
        packed=packed if len(packed) < len(plain) else None,
        content_type=f"{kind}; charset=utf-8" if is_text else kind,
        etag=f"{_version()}-{blake2b(plain, digest_size=8).hexdigest()}",
    )


def _version() -> str:
    try:
        return version("vts")
    except PackageNotFoundError:
        return "0"  # a checkout that is not installed
