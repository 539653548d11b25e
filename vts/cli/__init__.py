"""The command line; the only room that knows the supervisors."""

from vts.cli.main import main

__all__ = ["main"]
