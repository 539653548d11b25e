"""Which site a visitor came from: the host of the referrer, and nothing of its path."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

DOMAIN_MAX_CHARS: Final = 255
# Room for a host, a port, and what little of user:password is still honest. Apps refer by schemes of their own.
_AUTHORITY: Final = re.compile(
    r"[ \t]*(?:https?|android-app|ios-app)://([^/?#\\\s]{1,512})(?:[/?#\\]|\s*$)", re.IGNORECASE
)
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST: Final = re.compile(rf"(?=.{{1,{DOMAIN_MAX_CHARS}}}$){_LABEL}(?:\.{_LABEL})*")
_IPV6: Final = re.compile(r"\[[0-9a-f:.]{2,45}\]")


def referrer_domain(referrer: str | None, own_domain: str | None = None) -> str | None:
    """Return the referrer's host, lower case, without `www.` and port; None for no web page, and for our own site.

    `own_domain` is as `site_domain` returns it. A name outside ASCII is returned in its IDNA form.
    """
    if not referrer or (found := _AUTHORITY.match(referrer)) is None:
        return None
    domain = _domain(found[1].rpartition("@")[2])
    return None if domain == own_domain else domain


def site_domain(setting: str | None) -> str | None:
    """Return the site's own domain from a setting like `example.org`, `www.example.org` or `https://example.org/`."""
    if not setting:
        return None
    return referrer_domain(setting if "://" in setting else f"https://{setting}")


@lru_cache(maxsize=4096)  # bounded, and no key is longer than the pattern admits
def _domain(authority: str) -> str | None:
    host = _without_port(authority).lower()
    if _IPV6.fullmatch(host):
        return host
    try:
        host = host.rstrip(".").encode("ascii" if host.isascii() else "idna").decode("ascii").lower()
    except UnicodeError:
        return None
    host = host.removeprefix("www.") if host.count(".") > 1 else host
    return host if _HOST.fullmatch(host) else None


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and (port.isdigit() or not port) else host
