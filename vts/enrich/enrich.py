"""Which visitor a report has, in three calls: a web visitor, a visitor whom a service reports, a player.

Nothing here does I/O. The caches are bounded in entries and in the size of each, so that a flood of addresses and
agents costs time but no memory. A raw address lives in these caches and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from vts.enrich.bots import bot_class
from vts.enrich.client_ip import UNKNOWN_ADDRESS, Address, Networks, client_address, parse_address
from vts.enrich.country import Countries, country_code
from vts.enrich.device import device_type
from vts.enrich.local_time import LocalTime, PlayerTime, local_time, player_time
from vts.enrich.referrer import referrer_domain
from vts.enrich.rotation import RotatingKey
from vts.enrich.timezones import TimeZones
from vts.enrich.viewer import ViewerKeys
from vts.model.content import Player
from vts.model.principal import Principal
from vts.model.reference import Texts
from vts.model.view import BotClass

AGENT_MAX_CHARS: Final = 512  # browsers stay under 300; the time of patterns and the size of caches grow with it
# A miss costs a few µs for an address or a viewer and 40 µs for an agent, of which there are few. Full of the longest
# entries that a flood can make, all caches together hold 21 MB.
ADDRESSES_MAX: Final = 8_192
VIEWERS_MAX: Final = 8_192
AGENTS_MAX: Final = 4_096
PLAYERS_MAX: Final = 16_384


class Visitor(msgspec.Struct, frozen=True, gc=False):
    """The viewer, as far as it can be known: fields of `vts.model.view.Report`, by their names there.

    `texts` has that of the user, where the user was named by text; capture, which reads the name, adds it.
    """

    viewer_key: bytes
    key_version: int
    viewer_user_id: int | None
    authenticated: bool
    trusted: bool
    bot: BotClass | None
    address_key: bytes | None
    country_code: str | None
    device_type: str
    user_agent_hash: bytes | None
    referrer_domain: str | None
    texts: Texts = ()


class _Origin(NamedTuple):
    key: bytes
    country: str | None


class _Agent(NamedTuple):
    hash: bytes | None
    device: str
    bot: BotClass | None


_NO_AGENT: Final = _Agent(None, "desktop", None)


class Enricher:
    """Bundles the rules of enrichment with their settings.

    `trusted` are the proxies whose `X-Forwarded-For` counts, and whose `CF-IPCountry` does when `cf_ipcountry` is set.
    `own_domain` is the site's, as `site_domain` returns it. `on_ignored` is called with the name of a field whose value
    could not be used. The caches hold so many entries and no more.
    """

    def __init__(
        self,
        *,
        keys: ViewerKeys,
        countries: Countries,
        zones: TimeZones,
        trusted: Networks | None = None,
        cf_ipcountry: bool = False,
        own_domain: str | None = None,
        on_ignored: Callable[[str], None] = lambda field: None,
        addresses_max: int = ADDRESSES_MAX,
        viewers_max: int = VIEWERS_MAX,
        agents_max: int = AGENTS_MAX,
        players_max: int = PLAYERS_MAX,
    ) -> None:
        self._keys = keys
        self._countries = countries
        self._zones = zones
        self._trusted = trusted if trusted is not None else Networks()
        self._cf_ipcountry = cf_ipcountry
        self._own_domain = own_domain
        self._on_ignored = on_ignored
        self._origin = lru_cache(addresses_max)(self._find_origin)
        self._agent = lru_cache(agents_max)(self._find_agent)
        self._visitor_key = lru_cache(viewers_max)(self._make_visitor_key)
        self._user_key = lru_cache(viewers_max)(keys.user)
        self._player_key = lru_cache(players_max)(keys.player)

    def web(
        self,
        peer: str,
        forwarded_for: Sequence[str],
        user_agent: str | None,
        referrer: str | None,
        cf_country: str | None,
        principal: Principal | None,
    ) -> Visitor:
        """Return the visitor that sent a request.

        `forwarded_for` are the values of all `X-Forwarded-For` lines in their order, `cf_country` is `CF-IPCountry`.
        """
        address, garbage = client_address(peer, forwarded_for, self._trusted)
        if garbage:
            self._on_ignored("forwarded_for")
        country = self._vouched_country(peer, cf_country) if cf_country and self._cf_ipcountry else None
        return self._visitor(address, country, user_agent, referrer, principal, None)

    def reported(
        self,
        service: Principal,
        peer: str,
        referrer: str | None,
        *,
        client_ip: str | None = None,
        user_agent: str | None = None,
        user_id: int | None = None,
    ) -> Visitor:
        """Return the visitor on whose behalf a service reports; use it when any of the three is given.

        The service's own address and agent are not the visitor's: what is not given is unknown, and `peer`
        only keeps visitors without an address apart from those of other services. A user id is vouched for by the
        service, so the view is authenticated; the subject of the service's own token is not the visitor. Raises
        ValueError for a `client_ip` that is no address.
        """
        if client_ip is None:
            address = parse_address(peer) or UNKNOWN_ADDRESS
            nowhere = self._visitor(address, None, user_agent, referrer, service, user_id)
            return msgspec.structs.replace(nowhere, country_code=None)
        reported = parse_address(client_ip)
        if reported is None:
            raise ValueError("client_ip: not an IP address")
        return self._visitor(reported, None, user_agent, referrer, service, user_id)

    def player(self, player_key: bytes, player: Player | None, country: str | None, timezone: str | None) -> Visitor:
        """Return a physical player as a visitor: authenticated when its owner is known.

        Its country is the event's, else its own, else that of its time zone.
        """
        owner_id = player.owner_id if player is not None else None
        own = player.country if player is not None else None
        return Visitor(
            viewer_key=self._player_key(player_key),
            key_version=self._keys.version,
            viewer_user_id=owner_id,
            authenticated=owner_id is not None,
            trusted=False,
            bot=None,
            address_key=None,
            country_code=country_code(country) or country_code(own) or self._zones.country(timezone),
            device_type="player",
            user_agent_hash=None,
            referrer_domain=None,
        )

    def client_key(self, name: str) -> bytes:
        """Return the key of a video player that names itself."""
        return self._keys.client(name)

    def local_time(self, local_datetime: str | None, local_timezone: str | None, now_us: int) -> LocalTime:
        """Return the time of a web view by the viewer's own clock."""
        if not local_datetime and not local_timezone:
            return UNKNOWN_TIME
        local = local_time(local_datetime, local_timezone, now_us, self._zones)
        if local.ignored:
            self._on_ignored("local_time")
        return local

    def player_time(self, text: str | None, timezone: str | None) -> PlayerTime:
        """Return the time of a player's view by its clock, in UTC and in its own zone."""
        time = player_time(text, timezone, self._zones)
        if time.local.ignored:
            self._on_ignored("local_time")
        return time

    @property
    def rotating_version(self) -> int:
        """The version of the key with which visitors' keys are made now."""
        return self._keys.rotating_version

    def rotate(self, key: RotatingKey) -> None:
        """Make the keys of visitors and video players with another key from now on."""
        self._keys.rotate(key)
        self._visitor_key.cache_clear()
        self._agent.cache_clear()

    def reload_countries(self, path: Path | None = None) -> bool:
        """Read the country file again, or another one. Blocks on the disk: call it from a worker thread."""
        reloaded = self._countries.reload(path)
        self._origin.cache_clear()
        return reloaded

    def _visitor(
        self,
        address: Address,
        country: str | None,
        user_agent: str | None,
        referrer: str | None,
        principal: Principal | None,
        reported_user_id: int | None,
    ) -> Visitor:
        text = _cut(user_agent) if user_agent else ""
        agent = self._agent(text) if text else _NO_AGENT
        origin = self._origin(address.packed)
        trusted = principal is not None and principal.is_service
        # A service reports for others: the user in its own token is never the viewer.
        user_id = reported_user_id if principal is None or trusted else principal.user_id
        return Visitor(
            self._visitor_key(address.packed, text) if user_id is None else self._user_key(user_id),
            self._keys.rotating_version if user_id is None else self._keys.version,
            user_id,
            user_id is not None,
            trusted,
            None if trusted else agent.bot,
            origin.key,
            country or origin.country,
            agent.device,
            agent.hash,
            referrer_domain(referrer, self._own_domain) if referrer else None,
        )

    def _vouched_country(self, peer: str, cf_country: str) -> str | None:
        at_peer = parse_address(peer)
        return country_code(cf_country) if at_peer is not None and at_peer in self._trusted else None

    def _find_origin(self, packed: bytes) -> _Origin:
        address = Address(packed)
        return _Origin(self._keys.address(address), self._countries.of(address))

    def _find_agent(self, text: str) -> _Agent:
        return _Agent(self._keys.agent_hash(text), device_type(text), bot_class(text))

    def _make_visitor_key(self, packed: bytes, text: str) -> bytes:
        return self._keys.visitor(Address(packed), text)


UNKNOWN_TIME: Final = LocalTime()


def _cut(agent: str) -> str:
    """Bound an agent to what caches and patterns may hold: characters of one byte each."""
    if not agent.isascii():
        agent = agent.encode("utf-8", "replace").decode("latin-1")
    return agent[:AGENT_MAX_CHARS].strip()
