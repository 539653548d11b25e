"""How commands reach a running VTS: its address, the token, and every refusal as one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

import click
import httpx

from config.load import TOKEN_NAME

_HINTS: Final = {
    401: f"give --token or {TOKEN_NAME} a token that it takes: `vts token --service` on its machine prints one",
    403: "the token may not do this; `vts token --service` on its machine prints one that may",
}


class Url(click.ParamType[str]):
    """The base address of a running VTS."""

    name = "url"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the address without a slash at its end, or fail with what is allowed."""
        text = str(value)
        try:
            parts = urlsplit(text)
            fits = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            fits = False
        if not fits or parts.query or parts.fragment:
            self.fail("http://host:port or https://host is expected", param, ctx)
        return text.rstrip("/")


URL = click.option("--url", type=Url(), help="A running VTS; default: the one that the settings describe.")
TOKEN = click.option(
    "--token",
    envvar=TOKEN_NAME,
    help=f"What it takes; default: {TOKEN_NAME}, else one by the secrets of this machine's data folder.",
)


def headers_of(token: str) -> dict[str, str]:
    """Return the headers that show a token. Raises ClickException for one that no header can carry."""
    if not token.isascii() or not token.isprintable():
        raise click.ClickException(f"--token or {TOKEN_NAME}: not a token")
    return {"Authorization": f"Bearer {token}"}


@contextmanager
def speaking_to(url: str) -> Iterator[None]:
    """Turn what keeps an answer from coming into a ClickException."""
    try:
        yield
    except httpx.ConnectError as fault:
        raise click.ClickException(no_answer(url, fault)) from None
    except httpx.TransportError as fault:
        why = fault or type(fault).__name__
        raise click.ClickException(f"{url}: the answer broke off: {why}; run the command again") from None


def no_answer(url: str, fault: Exception) -> str:
    """Say why nothing answers at an address."""
    said = f"{fault} {fault.__cause__ or ''}".strip()
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return f"the certificate of {url} is not trusted or has another name: give --url with the name that it has"
    if "SSL" in said:
        return f"no TLS is spoken at {url}: give --url with http:// there"
    return f"no VTS answers at {url}: {fault or type(fault).__name__}; start one with `vts serve`, or give --url"


def refuse(answer: httpx.Response, where: str = "") -> None:
    """Raise ClickException for an answer that is a refusal. The body must have been read."""
    if answer.is_error or answer.is_redirect:
        raise click.ClickException(refusal(answer.status_code, _error_of(answer), where))


def refusal(status: int, said: str, where: str = "") -> str:
    """Return the line for a refusal: status, reason, and what to do."""
    what = f"{where} answered {status}: {said}" if where else f"{status}: {said}"
    return f"{what}; {_HINTS[status]}" if status in _HINTS else what


def _error_of(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase
