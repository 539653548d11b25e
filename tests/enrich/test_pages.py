"""Paths become pages: the shipped rules, a site's own, and what is no path."""

from __future__ import annotations

import pytest

from config.load import load
from vts.enrich.pages import BadRule, Pages

SHIPPED = load({}).site


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages(SHIPPED.page_rules, SHIPPED.page_strip)


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/", "/"),
        ("", "/"),
        ("/api", "/"),
        ("/api/", "/"),
        ("/search", "/search"),
        ("/search/?q=a@b.c#top", "/search"),
        ("/api/search", "/search"),
        ("/apis", "/apis"),
        ("/post/recent", "/recent"),
        ("/api/post/recent/", "/recent"),
        ("/post", "/posts"),
        ("/post/42", "/p/[post]"),
        ("/p/k5fNx", "/p/[post]"),
        ("/p/k5fNx/comments", "/p/[post]"),
        ("/user/7", "/u/[user]"),
        ("/u/ada", "/u/[user]"),
        ("/blog-post/b/9", "/b/[blog]"),
        ("/blog-post/9", "/b/[blog]"),
        ("/b/9", "/b/[blog]"),
        ("//p//42", "/p/[post]"),
        ("https://example.org/u/ada?tab=1", "/u/[user]"),
        ("HTTPS://example.org", "/"),
    ],
)
def test_the_shipped_rules(pages: Pages, path: str, page: str) -> None:
    assert pages.page_of(path) == page


def test_what_is_no_path(pages: Pages) -> None:
    assert pages.page_of("search") is None
    assert pages.page_of("javascript:alert(1)") is None


def test_a_long_path_is_cut(pages: Pages) -> None:
    assert pages.page_of("/" + "x" * 1000) == "/" + "x" * 254


def test_rules_of_a_site_and_their_order() -> None:
    pages = Pages(["/shop/new => /new", "/shop/* => /shop/[item]"])
    assert [pages.page_of(path) for path in ("/shop/new", "/shop/1", "/shop", "/api/x")] == [
        "/new",
        "/shop/[item]",
        "/shop",
        "/api/x",
    ]


@pytest.mark.parametrize("rule", ["/a", "a => /b", "/a => b", "=> /b", "/a =>"])
def test_a_rule_that_is_none_is_named(rule: str) -> None:
    with pytest.raises(BadRule, match="PATTERN => PAGE"):
        Pages([rule])
