"""The three calls of enrichment, and what a flood may cost."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from tests.enrich.mmdb import database
from vts.enrich import client_ip, referrer
from vts.enrich.client_ip import Networks, parse_address
from vts.enrich.country import Countries
from vts.enrich.enrich import AGENT_MAX_CHARS, Enricher, Visitor
from vts.enrich.local_time import LocalTime
from vts.enrich.timezones import TimeZones
from vts.enrich.viewer import ViewerKeys
from vts.model.content import Player
from vts.model.identity import parse
from vts.model.principal import Principal
from vts.model.view import Report

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile/15E148 Safari/604.1"
USER = Principal(7, frozenset({"user"}))
SERVICE = Principal(None, frozenset({"service"}))
KEYS = ViewerKeys(b"v" * 32)
ZONES = TimeZones()
PLAYER = parse("01890a5d-ac96-774b-bcce-b302099a8057")


@pytest.fixture
def countries(tmp_path: Path) -> Countries:
    path = tmp_path / "country.mmdb"
    path.write_bytes(database({"203.0.113.0/24": {"country_code": "BR"}, "198.51.100.0/24": {"country_code": "NL"}}))
    return Countries(path)


def enricher(countries: Countries, **settings: Any) -> Enricher:
    return Enricher(**{"keys": KEYS, "countries": countries, "zones": ZONES} | settings)


def visitor_key(address: str, agent: str) -> bytes:
    parsed = parse_address(address)
    assert parsed is not None
    return KEYS.visitor(parsed, agent)


def address_key(address: str) -> bytes:
    parsed = parse_address(address)
    assert parsed is not None
    return KEYS.address(parsed)


def test_an_anonymous_visitor(countries: Countries) -> None:
    found = enricher(countries).web("203.0.113.7", [], CHROME, "https://www.example.org/x", None, None)
    assert found == Visitor(
        viewer_key=visitor_key("203.0.113.7", CHROME),
        key_version=1,
        viewer_user_id=None,
        authenticated=False,
        trusted=False,
        bot=None,
        address_key=address_key("203.0.113.7"),
        country_code="BR",
        device_type="desktop",
        user_agent_hash=KEYS.agent_hash(CHROME),
        referrer_domain="example.org",
    )


def test_every_field_is_one_of_a_report() -> None:
    assert set(Visitor.__struct_fields__) <= set(Report.__struct_fields__)


def test_a_signed_in_user_is_the_same_viewer_everywhere(countries: Countries) -> None:
    rules = enricher(countries)
    here = rules.web("203.0.113.7", [], CHROME, None, None, USER)
    there = rules.web("198.51.100.7", [], IPHONE, None, None, USER)
    assert here.viewer_key == there.viewer_key == KEYS.user(7)
    assert (here.viewer_user_id, here.authenticated, here.trusted) == (7, True, False)
    assert (here.country_code, there.country_code) == ("BR", "NL")
    assert (here.device_type, there.device_type) == ("desktop", "mobile")


@pytest.mark.parametrize("agent", [None, "", "  "])
def test_a_visitor_without_an_agent_is_no_bot_and_on_a_desktop(countries: Countries, agent: str | None) -> None:
    found = enricher(countries).web("203.0.113.7", [], agent, None, None, None)
    assert (found.bot, found.device_type, found.user_agent_hash) == (None, "desktop", None)
    assert found.viewer_key == visitor_key("203.0.113.7", "")


@pytest.mark.parametrize(
    ("principal", "bot", "trusted"),
    [(None, "tool", False), (USER, "tool", False), (SERVICE, None, True)],
)
def test_the_bot_list_does_not_apply_to_services(
    countries: Countries, principal: Principal | None, bot: str | None, trusted: bool
) -> None:
    found = enricher(countries).web("203.0.113.7", [], "curl/8.5.0", None, None, principal)
    assert (found.bot, found.trusted) == (bot, trusted)


def test_our_own_site_is_no_referrer(countries: Countries) -> None:
    rules = enricher(countries, own_domain="makapix.club")
    assert rules.web("203.0.113.7", [], CHROME, "https://www.makapix.club/", None, None).referrer_domain is None


@pytest.mark.parametrize(
    ("peer", "lines", "viewer", "ignored"),
    [
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7", []),
        ("10.0.0.1", ["203.0.113.9, 198.51.100.7"], "198.51.100.7", []),
        ("203.0.113.7", ["198.51.100.7"], "203.0.113.7", []),
        ("10.0.0.1", ["rubbish"], "10.0.0.1", ["forwarded_for"]),
    ],
)
def test_the_address_behind_a_proxy(
    countries: Countries, peer: str, lines: list[str], viewer: str, ignored: list[str]
) -> None:
    told: list[str] = []
    rules = enricher(countries, trusted=Networks(["10.0.0.0/8"]), on_ignored=told.append)
    found = rules.web(peer, lines, CHROME, None, None, None)
    assert found.viewer_key == visitor_key(viewer, CHROME)
    assert found.address_key == address_key(viewer)
    assert told == ignored


@pytest.mark.parametrize(
    ("configured", "peer", "header", "country"),
    [
        (True, "10.0.0.1", "JP", "JP"),
        (True, "10.0.0.1", "jp", "JP"),
        (True, "10.0.0.1", "XX", "BR"),
        (True, "10.0.0.1", "T1", "BR"),
        (True, "10.0.0.1", "", "BR"),
        (True, "10.0.0.1", None, "BR"),
        (True, "203.0.113.7", "JP", "BR"),
        (False, "10.0.0.1", "JP", "BR"),
    ],
)
def test_the_country_that_a_trusted_proxy_names(
    countries: Countries, configured: bool, peer: str, header: str | None, country: str
) -> None:
    rules = enricher(countries, trusted=Networks(["10.0.0.0/8"]), cf_ipcountry=configured)
    assert rules.web(peer, ["203.0.113.7"], CHROME, None, header, None).country_code == country


def test_a_visitor_whom_a_service_reports(countries: Countries) -> None:
    found = enricher(countries).reported(
        SERVICE, "198.51.100.7", "https://example.org/", client_ip="203.0.113.7", user_agent=IPHONE
    )
    assert found == Visitor(
        viewer_key=visitor_key("203.0.113.7", IPHONE),
        key_version=1,
        viewer_user_id=None,
        authenticated=False,
        trusted=True,
        bot=None,
        address_key=address_key("203.0.113.7"),
        country_code="BR",
        device_type="mobile",
        user_agent_hash=KEYS.agent_hash(IPHONE),
        referrer_domain="example.org",
    )


def test_a_user_reported_by_a_service_has_the_key_of_the_signed_in_user(countries: Countries) -> None:
    rules = enricher(countries)
    found = rules.reported(SERVICE, "198.51.100.7", None, user_id=7)
    assert found.viewer_key == rules.web("203.0.113.7", [], CHROME, None, None, USER).viewer_key
    assert (found.viewer_user_id, found.authenticated, found.trusted) == (7, True, True)
    # The service's own address says nothing about where its visitor is.
    assert (found.country_code, found.device_type, found.user_agent_hash) == (None, "desktop", None)


def test_the_subject_of_a_service_s_token_is_no_visitor(countries: Countries) -> None:
    rules, service = enricher(countries), Principal(7, frozenset({"service"}))
    found = rules.reported(service, "198.51.100.7", None, client_ip="203.0.113.7", user_agent=IPHONE)
    assert (found.viewer_key, found.viewer_user_id) == (visitor_key("203.0.113.7", IPHONE), None)
    found = rules.web("198.51.100.7", [], IPHONE, None, None, service)
    assert (found.viewer_key, found.authenticated) == (visitor_key("198.51.100.7", IPHONE), False)
    assert rules.reported(service, "198.51.100.7", None, user_id=9).viewer_user_id == 9


def test_a_service_decides_about_the_bots_that_it_reports(countries: Countries) -> None:
    found = enricher(countries).reported(SERVICE, "198.51.100.7", None, user_agent="Googlebot/2.1")
    assert found.bot is None
    assert found.viewer_key == visitor_key("198.51.100.7", "Googlebot/2.1")


@pytest.mark.parametrize("client_ip", ["", "somewhere", "203.0.113.256", "x" * 9_000])
def test_a_reported_address_that_is_none_is_refused_without_an_echo(countries: Countries, client_ip: str) -> None:
    with pytest.raises(ValueError, match=r"^client_ip: not an IP address$"):
        enricher(countries).reported(SERVICE, "198.51.100.7", None, client_ip=client_ip)


@pytest.mark.parametrize(
    ("player", "said", "zone", "country", "owner_id"),
    [
        (Player(owner_id=7, registered=True, country="BR"), "JP", "Europe/Berlin", "JP", 7),
        (Player(owner_id=7, registered=True, country="BR"), None, "Europe/Berlin", "BR", 7),
        (Player(owner_id=7, registered=True, country="BR"), "??", "Europe/Berlin", "BR", 7),
        (Player(owner_id=7, registered=True, country="BR"), "XX", "", "BR", 7),
        (Player(owner_id=7, registered=True), None, "Europe/Berlin", "DE", 7),
        (Player(owner_id=7, registered=True), None, "Asia/Calcutta", "IN", 7),
        (Player(owner_id=7, registered=True), None, "", None, 7),
        (Player(owner_id=7, registered=True), None, "UTC", None, 7),
        (Player(owner_id=None, registered=True), "br", None, "BR", None),
        (None, None, None, None, None),
    ],
)
def test_a_player(
    countries: Countries, player: Player | None, said: str | None, zone: str | None, country: str | None, owner_id: Any
) -> None:
    found = enricher(countries).player(PLAYER, player, said, zone)
    assert found.viewer_key == KEYS.player(PLAYER)
    assert (found.country_code, found.device_type, found.address_key) == (country, "player", None)
    assert (found.viewer_user_id, found.authenticated) == (owner_id, owner_id is not None)


def test_times_that_cannot_be_used_are_reported(countries: Countries) -> None:
    told: list[str] = []
    rules = enricher(countries, on_ignored=told.append)
    assert rules.local_time(None, None, 0) == LocalTime()
    assert rules.player_time("1970-01-01T00:00:00Z", "").device_time_us is None
    assert told == []
    rules.local_time("yesterday", None, 0)
    rules.player_time("2025-12-22T16:24:15Z", "Nowhere/Land")
    assert told == ["local_time", "local_time"]


def test_a_new_country_file_counts_for_addresses_already_seen(tmp_path: Path, countries: Countries) -> None:
    rules = enricher(countries)
    assert rules.web("203.0.113.7", [], CHROME, None, None, None).country_code == "BR"
    (tmp_path / "country.mmdb").write_bytes(database({"203.0.113.0/24": {"country_code": "JP"}}))
    assert rules.reload_countries()
    assert rules.web("203.0.113.7", [], CHROME, None, None, None).country_code == "JP"


@pytest.mark.parametrize("agent", [CHROME + "x" * 16_000, "ü" * 16_000, "🦊" * 600, "\udcff" * 600])
def test_an_agent_counts_by_its_beginning(countries: Countries, agent: str) -> None:
    rules = enricher(countries)
    found = rules.web("203.0.113.7", [], agent, None, None, None)
    assert found.viewer_key == rules.web("203.0.113.7", [], agent + "more", None, None, None).viewer_key
    assert found.user_agent_hash is not None


def test_a_flood_of_addresses_and_agents_grows_no_memory(countries: Countries) -> None:
    rules = enricher(countries, trusted=Networks(["10.0.0.0/8"]), addresses_max=200, viewers_max=200, agents_max=200)
    chance = random.Random(3)

    def flood(events: int) -> None:
        for _ in range(events):
            address = f"2001:db8:{chance.randrange(65536):x}:{chance.randrange(65536):x}::1"
            agent = f"{chance.getrandbits(64):x} " + "ü" * AGENT_MAX_CHARS
            came_from = f"https://{chance.getrandbits(64):x}.{'a' * 60}.{'b' * 60}.{'c' * 60}.example/{'x' * 5_000}"
            rules.web(address, [], agent, came_from, None, USER if chance.random() < 0.1 else None)
            rules.web(
                "10.0.0.1", [f"{agent},{address}"], CHROME, None, None, Principal(chance.getrandbits(62), frozenset())
            )

    tracemalloc.start()
    try:
        flood(300)
        full = tracemalloc.get_traced_memory()[0]
        flood(300)
        # The caches of addresses and domains that all share still fill: at most 1.5 KB an event, 16 KB were sent.
        assert tracemalloc.get_traced_memory()[0] - full < 300 * 1_500
    finally:
        tracemalloc.stop()
    sizes = [cache.cache_info() for cache in (rules._origin, rules._agent, rules._visitor_key, rules._user_key)]
    assert all(size.currsize <= 200 for size in sizes)
    assert all(cache.cache_info().maxsize for cache in (client_ip._parse, referrer._domain))


def test_no_result_shows_an_address(countries: Countries) -> None:
    rules = enricher(countries, trusted=Networks(["10.0.0.0/8"]))
    shown = [
        repr(rules.web("203.0.113.7", [], CHROME, None, None, None)),
        repr(rules.web("10.0.0.1", ["203.0.113.7"], CHROME, None, None, None)),
        repr(rules.reported(SERVICE, "198.51.100.7", None, client_ip="203.0.113.7")),
        repr(rules),
    ]
    raw = repr(bytes((203, 0, 113, 7)))[2:-1]
    assert not any("203.0.113" in text or raw in text for text in shown)
