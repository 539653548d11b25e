"""What is read again while the process runs: certificates, the country file, and the log level of the settings."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from typing import Final

from config.load import ConfigFaults, changed, countries_file, load, own_countries_file
from config.settings import Settings
from supervisors.tree.components import Components
from supervisors.tree.doors import Doors
from supervisors.tree.logs import set_level
from supervisors.tree.renewal import Renewable
from vts.model.faults import BadStart

_log: Final = logging.getLogger(__name__)


def renewables_of(components: Components, doors: Doors) -> Iterator[Renewable]:
    """Give each of them. Tokens check their list of revoked ones at every use."""
    for name, tls in (("certificate of http", doors.http_tls), ("certificate of mqtt", doors.mqtt_tls)):
        if tls is not None:
            yield Renewable(name=name, files=tls.files, renew=tls.renew)
    countries = {own_countries_file(components.settings), countries_file(components.settings)}

    def renew_countries() -> None:
        path = countries_file(components.settings)
        if not components.enricher.reload_countries(path):
            raise BadStart(f"geoip.file: {path} cannot be used")

    yield Renewable(name="countries", files=tuple(countries), renew=renew_countries)
    yield Renewable(name="settings", renew=lambda: _renew_settings(components.settings))


def _renew_settings(settings: Settings) -> None:
    try:
        newest = load(os.environ)
    except ConfigFaults as faults:
        raise BadStart(str(faults)) from None
    set_level(newest.log.level)
    waiting = [name for name in changed(settings, newest) if name != "log.level"]
    if waiting:
        _log.warning("settings that have changed are in force after a restart", extra={"settings": waiting})
