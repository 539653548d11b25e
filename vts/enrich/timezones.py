"""Time zones of the IANA database: which names exist, and in which country a zone lies.

The tables are those of the `tzdata` package, read once: `zone.tab` gives one country for every zone, and the links of
`tzdata.zi` lead from old names (`Asia/Calcutta`, which browsers still report) to the zone that has one.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Final

# Links that stand for a rule and not for a place: `EST` leads to Panama, `CET` to Brussels.
_NO_PLACE: Final = frozenset(("CET", "EET", "EST", "HST", "MET", "MST", "WET"))


class TimeZones:
    """Every zone. Reads files when made and never again."""

    def __init__(self) -> None:
        links = dict(_links())
        zones = {name: zoneinfo.ZoneInfo(name) for name in _names()}
        self._zones: Final = zones | {link: zones[target] for link, target in links.items() if target in zones}
        self._countries: Final = _countries(links)

    def zone(self, name: str | None) -> zoneinfo.ZoneInfo | None:
        """Return the zone of this name, None for an empty or unknown one."""
        return self._zones.get(name) if name else None

    def country(self, name: str | None) -> str | None:
        """Return the country of a zone, None for zones of no country (`UTC`, `Etc/GMT+3`) and unknown names."""
        return self._countries.get(name) if name else None


def country_codes() -> frozenset[str]:
    """Return the codes of ISO 3166-1 alpha-2, and XK, which country databases use for Kosovo."""
    return frozenset(row[0] for row in _rows("iso3166.tab")) | {"XK"}


def _countries(links: Mapping[str, str]) -> Mapping[str, str]:
    countries = {row[2]: row[0] for row in _rows("zone.tab")}
    through = {link: countries.get(target) for link, target in links.items() if link not in _NO_PLACE}
    return {link: country for link, country in through.items() if country} | countries


def _names() -> Iterator[str]:
    """Yield the names of all zones; a zone's line is `Z name …`."""
    return (line.split(" ", 2)[1] for line in _text("tzdata.zi").splitlines() if line.startswith("Z "))


def _links() -> Iterator[tuple[str, str]]:
    """Yield (other name, zone that it stands for); a link's line is `L zone name`."""
    for line in _text("tzdata.zi").splitlines():
        if line.startswith("L "):
            _, target, link = line.split(" ")
            yield link, target


def _rows(table: str) -> Iterator[list[str]]:
    for line in _text(table).splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def _text(table: str) -> str:
    return (resources.files("tzdata") / "zoneinfo" / table).read_text(encoding="utf-8")
