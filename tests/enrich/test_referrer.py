"""Referrer domains: lower case, without `www.`, and never the site's own."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vts.enrich.referrer import referrer_domain, site_domain


@pytest.mark.parametrize(
    ("referrer", "domain"),
    [
        (None, None),
        ("", None),
        ("https://example.org", "example.org"),
        ("https://example.org/", "example.org"),
        ("https://example.org/path?query#part", "example.org"),
        ("http://example.org?query", "example.org"),
        ("https://example.org#part", "example.org"),
        ("https://example.org\\path", "example.org"),
        ("HTTPS://WWW.Example.ORG/", "example.org"),
        ("https://www.example.org", "example.org"),
        ("https://www2.example.org", "www2.example.org"),
        ("https://wwwexample.org", "wwwexample.org"),
        ("https://www.www.example.org", "www.example.org"),
        ("https://www.com", "www.com"),
        ("https://news.ycombinator.com/item?id=1", "news.ycombinator.com"),
        ("https://example.org:8443/", "example.org"),
        ("https://example.org:/", "example.org"),
        ("https://example.org.", "example.org"),
        ("https://user:word@example.org/", "example.org"),
        ("https://evil.example@example.org/", "example.org"),
        ("https://example.org/https://other.example/", "example.org"),
        (" https://example.org", "example.org"),
        ("https://localhost:3000/", "localhost"),
        ("https://203.0.113.7/", "203.0.113.7"),
        ("https://[2001:DB8::7]:443/", "[2001:db8::7]"),
        ("https://bücher.example/", "xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("https://_dmarc.example.org", "_dmarc.example.org"),
        ("android-app://com.google.android.gm/", "com.google.android.gm"),
        ("ios-app://544007664/", "544007664"),
        ("https://" + "a." * 127 + "b", "a." * 127 + "b"),
        ("https://" + "a." * 127 + "bc", None),
        ("https://" + "a" * 63 + ".org", "a" * 63 + ".org"),
        ("https://" + "a" * 64 + ".org", None),
        ("https://" + "ü" * 300 + ".org", None),
        ("https://" + "x" * 16_000, None),
        ("https://", None),
        ("https:///path", None),
        ("https://.", None),
        ("https://-.org", None),
        ("https://a..b", None),
        ("https://exa mple.org/", None),
        ("https://example.org\x00.evil/", None),
        ("https://<script>/", None),
        ("https://\udcff/", None),
        ("https://[::1", None),
        ("example.org", None),
        ("//example.org/", None),
        ("/path", None),
        ("about:blank", None),
        ("data:text/html,https://example.org", None),
        ("javascript://example.org", None),
        ("file:///etc/passwd", None),
    ],
)
def test_domains(referrer: str | None, domain: str | None) -> None:
    assert referrer_domain(referrer) == domain


@pytest.mark.parametrize(
    ("referrer", "domain"),
    [
        ("https://makapix.club/p/1", None),
        ("https://www.makapix.club/", None),
        ("https://MAKAPIX.club:443/", None),
        ("https://blog.makapix.club/", "blog.makapix.club"),
        ("https://notmakapix.club/", "notmakapix.club"),
    ],
)
@pytest.mark.parametrize("setting", ["makapix.club", "www.makapix.club", "https://makapix.club/", "Makapix.Club"])
def test_our_own_site_is_no_referrer(setting: str, referrer: str, domain: str | None) -> None:
    assert referrer_domain(referrer, site_domain(setting)) == domain


@pytest.mark.parametrize("setting", [None, "", "not a domain"])
def test_a_site_without_a_domain(setting: str | None) -> None:
    assert site_domain(setting) is None
    assert referrer_domain("https://example.org/", None) == "example.org"


@given(st.text(max_size=300))
def test_any_text_is_a_domain_or_none(text: str) -> None:
    for referrer in (text, f"https://{text}"):
        domain = referrer_domain(referrer)
        assert domain is None or (0 < len(domain) <= 255 and domain.isascii() and domain == domain.lower())


@pytest.mark.parametrize("host", ["a-" * 250, "a" * 500, "a." * 250, "[" + "1" * 500, ":" * 500, "@" * 500, "ü" * 500])
def test_a_hostile_referrer_costs_little(host: str) -> None:
    start = time.process_time()
    referrer_domain(f"https://{host}!/")
    assert time.process_time() - start < 0.02
