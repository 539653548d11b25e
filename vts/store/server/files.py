"""How the embedded server's folders and files are made: with the modes that they need, and whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def make_open(folder: Path, mode: int) -> None:
    """Make a folder that is exactly this open, independent of the umask; one that is there already keeps its mode."""
    try:
        folder.mkdir()
    except FileExistsError:
        return
    folder.chmod(mode)


def write_whole(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file that is there whole or not at all."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with draft.open("x", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
