"""TLS contexts: what our listeners show, and how a broker is known.

Python 3.13 began to ask certificates for more than OpenSSL and brokers do (VERIFY_X509_STRICT: an authority key
identifier, for one), and what people sign for their own players and brokers often lacks it. So that a certificate is as
good under every Python, an authority that is named is asked for no more than OpenSSL asks for.
"""

from __future__ import annotations

import ssl

from vts.model.faults import BadStart


def listener_tls(cert_file: str, key_file: str, client_ca_file: str = "") -> ssl.SSLContext | None:
    """Return what a listener shows, None when no certificate is set.

    With `client_ca_file` clients may show certificates of that authority. An empty `key_file`: the key is in
    `cert_file`. Raises BadStart.
    """
    if not cert_file:
        return None
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(cert_file, key_file or None)
        if client_ca_file:
            context.load_verify_locations(client_ca_file)
            context.verify_mode = ssl.CERT_OPTIONAL
            _ask_what_openssl_asks(context)
    except (OSError, ssl.SSLError) as fault:
        raise BadStart(f"TLS: {cert_file} cannot be used: {fault}") from None
    return context


def broker_tls(ca_file: str = "") -> ssl.SSLContext:
    """Return how a broker is known: by the authority of `ca_file`, else by those that the system trusts.

    Raises BadStart.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError) as fault:
        raise BadStart(f"mqtt.ca_file: {ca_file} cannot be used: {fault}") from None
    if ca_file:
        _ask_what_openssl_asks(context)
    return context


def _ask_what_openssl_asks(context: ssl.SSLContext) -> None:
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
