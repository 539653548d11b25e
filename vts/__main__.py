"""`python -m vts` is `vts`."""

import sys
from pathlib import Path


def _leave_the_current_folder() -> None:
    """Take back what `-m` puts first on the path, unless VTS lies there: a `config.py` in it is not our `config`."""
    ours = Path(__file__).resolve().parent.parent
    if not sys.flags.safe_path and sys.path and Path(sys.path[0]).resolve() != ours:
        del sys.path[0]


if __name__ == "__main__":
    _leave_the_current_folder()

    from vts.cli import main

    main()
