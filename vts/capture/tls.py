"""Which certificates our listeners show, and which a broker or a client must show.

Python 3.13 began to require more of certificates than OpenSSL and brokers do (VERIFY_X509_STRICT: an authority key
identifier, for one), and certificates that people sign for their own players and brokers often lack it. So that a
certificate is valid under every Python, one of an authority that is set needs no more than OpenSSL requires.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from vts.model.faults import BadStart


class ListenerTls:
    """What a listener shows: the certificate of a file, which may be renewed while connections are open.

    `context` is for the next handshake. With `client_ca_file` clients may show certificates of that authority. An empty
    `key_file`: the key is in `cert_file`. Raises BadStart.
    """

    def __init__(self, cert_file: str, key_file: str, client_ca_file: str = "") -> None:
        self._names = (cert_file, key_file, client_ca_file)
        self.context = _listener_context(*self._names)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that it is read from."""
        return tuple(Path(name) for name in self._names if name)

    def renew(self) -> None:
        """Read the files again, for handshakes from now on. Raises BadStart, and the former context stays.

        The context is a new one: a context into which half a renewal was loaded shows a certificate without its key.
        """
        self.context = _listener_context(*self._names)


def listener_tls(cert_file: str, key_file: str, client_ca_file: str = "") -> ListenerTls | None:
    """Return what a listener shows, None when no certificate is set. Raises BadStart."""
    return ListenerTls(cert_file, key_file, client_ca_file) if cert_file else None


def _listener_context(cert_file: str, key_file: str, client_ca_file: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(cert_file, key_file or None)
        if client_ca_file:
            context.load_verify_locations(client_ca_file)
            context.verify_mode = ssl.CERT_OPTIONAL
            _require_what_openssl_requires(context)
    except (OSError, ssl.SSLError) as fault:
        raise BadStart(f"TLS: {cert_file} cannot be used: {fault}") from None
    return context


def broker_tls(ca_file: str = "") -> ssl.SSLContext:
    """Return how a broker is verified: by the authority of `ca_file`, else by those that the system trusts.

    Raises BadStart.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError) as fault:
        raise BadStart(f"mqtt.ca_file: {ca_file} cannot be used: {fault}") from None
    if ca_file:
        _require_what_openssl_requires(context)
    return context


def _require_what_openssl_requires(context: ssl.SSLContext) -> None:
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
