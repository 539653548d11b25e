"""The oldest versions that pyproject.toml allows start, take a view in and stop; so does VTS without its extras."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.folders import open_folder
from tests.support.process import running
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def oldest() -> Iterator[Path]:
    """A fresh environment: the lowest direct versions, no extras, and VTS installed as a package."""
    with open_folder("/tmp") as folder:
        environment = folder / "venv"
        for words in (
            ["venv", "--python", sys.executable, str(environment)],
            ["pip", "install", "--python", str(environment), "--resolution", "lowest-direct", str(ROOT)],
        ):
            done = subprocess.run([sys.executable, "-m", "uv", *words], capture_output=True, text=True, cwd=folder)
            assert done.returncode == 0, done.stderr
        yield environment / "bin" / "vts"


def test_the_oldest_versions_count_a_view_and_stop(oldest: Path, folder: Path) -> None:
    with running(folder, command=[str(oldest)]) as vts:
        token = vts.service_token()
        with vts.client(token) as client:
            assert client.post("/api/content", json={"post_id": 42, "owner_id": 7}).json() == {"upserted": 1}
        with vts.client() as client:
            assert client.post("/api/view", json={"post_id": 42}).status_code == 202
            wait_until(lambda: client.get("/api/post/42/count").json()["views"] == 1, within_s=60)
        with vts.client(token) as client:
            assert client.get("/api/post/42/stats").json()["total_views"] == 1
            for form in ("csv", "json", "ndjson", "xlsx"):
                assert client.get(f"/api/export/content?format={form}").status_code == 200
            refused = client.get("/api/export/content?format=parquet")
            assert (refused.status_code, refused.json()["error_code"]) == (501, "format_not_installed")
            assert "vts[parquet]" in refused.json()["error"]
            assert "parquet" not in client.get("/api/export").json()["formats"]
        assert vts.terminate(within_s=60) == 0
