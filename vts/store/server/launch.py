"""The last step before PostgreSQL: change to its user, end with the parent, be replaced by the program.

Run by path in an interpreter of its own (`python -I -S launch.py JSON`), so only the standard library is at hand, and
all of it is imported first: after the change of user the interpreter's own files may be out of reach.
Order matters: Linux clears the parent-death signal when the user changes, so it is set after that; and the parent may
have died before it was set, so that is looked at last.
"""

import ctypes
import json
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PR_SET_NO_NEW_PRIVS = 38
CANNOT_REACH = 3  # exit status: the user may not go to one of the paths asked about


def become(user: list[int]) -> None:
    """Change to (user id, group id), irreversibly, without any group of the old user."""
    user_id, group_id = user
    os.setgroups([group_id])
    os.setgid(group_id)
    os.setuid(user_id)


def die_with(parent: int, death_signal: int) -> None:
    """Ask Linux for a signal at the end of the thread that spawned us; elsewhere the next start clears up."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        sys.exit(0)


def main() -> None:
    """Perform the task in the one argument."""
    order = json.loads(sys.argv[1])
    os.umask(0o077)
    if order["user"] is not None:
        become(order["user"])
    if not all(os.access(path, os.X_OK) for path in order["reach"]):
        sys.exit(CANNOT_REACH)
    die_with(order["parent"], order["death_signal"])
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # the interpreter ignores it, and that would be inherited
    if order["argv"]:
        os.chdir("/")
        os.execve(order["argv"][0], order["argv"], order["environment"])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
