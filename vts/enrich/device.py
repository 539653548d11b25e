"""What a User-Agent runs on: a table of signs, the first that an agent shows decides.

A parser with a database of models needs 33 ms for an agent that it has not seen (device-detector); one that is quick
names models and no kinds (ua-parser, 65 µs). This table needs some 10 µs and knows the series of models that matter;
`checks/test_agents.py` holds it against the 36,000 agents of device-detector's own tests.
"""

from __future__ import annotations

import re
from typing import Final

SIGNS_MAX_CHARS: Final = 256  # every sign of a device stands before it, and what a hostile agent costs is halved

_PLAYER: Final = r"makapix-player|pixelframe|divoom"
_HANDHELD: Final = r"playstation (?:portable|vita)|nintendo (?:3ds|dsi?\b)|new nintendo 3ds|\(psp "
_TV: Final = (
    r"smart-?_? ?tv|hbbtv|apple ?tv|google ?tv|\btvos|[ _/(;,-]tv(?![a-z])|android_?tv|\bctv\b|nettv|opera tv"
    r"|kreatv|hdtv|crkey|chromecast|roku|\baft(?!l[bf]t|er)[a-z]{1,7}\d*[a-z0-9]*\b|fire ?tv|bravia|netcast|web0s"
    r"|viera|vidaa|large screen|ce-html|playstation|\bps[345]\b|xbox|nintendo|\bwiiu?\b|ouya|valve steam|\bstb"
    r"|set-?top|tv ?box|dlnadoc|inettv|iptv|shield android|\bmag ?\d{3}\b|kodi/|espial|\btivo\b|freebox|mediabox"
    r"|\bott\b|maple ?\d|gw-device|\bomi/|brightsign|sonycebrowser|linux mips|philipstv|vstvb|aquos-?as"
    r"|lg simplesmart|netbox|tsbnettv|netrange|hisense/|mibox|mi ?tv"
)
# Screens that name themselves like a phone or a tablet does: boxes, sticks, panels by their diagonal.
_TV_MODEL: Final = (
    r"; (?:[a-z0-9_ +-]*\b(?:smart|tv|4k|media|android|vu|super|black) ?(?:box|stick)\b|x9[26]|x88|h96|h10 ?max"
    r"|t9[58]|tx\d|mxq|mecool|km\d\b|rk3\d{3}|a95x|beelink|tanix|ugoos|zidoo|minix|rombica"
    r"|mx(?:iii|pro|[ _-]?9)|m8s|q-?box|dv\d{4}|uhd|h-led|led\d|[a-z]*\d{2}(?:led|[a-z]{2}\d*(?:uhd|fhd))"
    r"|\d{2}(?:h|st|p|c|e|u)\d{2,3}|s905|s912|v\d{2}t|k\d{2}dl|aosp on (?:smart|box)|smartbox|android box)"
)
_DESKTOP: Final = (
    r"chromebook|\bcros\b|aspire |inspiron|vostro|latitude|satellite|travelmate|elitebook|thinkpad(?! ?tablet)"
    r"|waydroid|pixelbook|lifebook"
)
_TABLET: Final = (
    r"ipad|playbook|kindle|\bsilk[/-]|; ?kf[a-z]{2,6}\b|\bnook|(?<![a-z])tablet(?! ?pc)|hp-tablet|\bkobo"
    r"|pocketbook|xoom|matepad|mediapad|transformer|\bsm-[ptx]\d|\bgt-[pn][58]\d|\bsgp\d|\bshield tablet"
    r"|nexus (?:7|9|10)\b|pixel (?:c|tablet)\b|lenovo ?(?:tb|tab|yt|yoga|ideatab)|\btb-?\d|\byt\d?-|ideatab"
    r"|[ _-]tab(?![a-z])|tab[ _-]?[a-z]?\d|surftab|(?:[a-z ]|\b)pad(?: |\d|\b)(?!fone)|; ?[a-z]{2,3}\d?-w\d9"
    r"|-w[0159]\d\b|tablet pc (?!\d)|htc_flyer|\bt720|qtcarbrowser|tesla/|/apad\b"
    r"|macintosh.*(?:crios|fxios|edgios|mobile/1|instagram|fban)"
)
_PHONE_MODEL: Final = (
    r"\bsm-[aefgjmns]\d|samsung-sm|; ?[a-z]{3}-(?:al|tl|cl|ul|lx|tn|an|l|n)\d|\brmx\d|\bcph\d"
    r"|; ?v\d{4}[a-z]{0,2}\b|redmi|; ?p[a-z]{3}[mt]\d0|oneplus|pixel \d|nexus [456s]|\bmoto |\bxt\d{4}|iphone"
    r"|ophone|smartphone|htc[ _]|lumia"
)
_MOBILE: Final = (
    r"mobi|phone|ipod|windows (?:ce|mobile)|blackberry|bb10|symb|series ?[346]0|nokia|opera mini|ucweb|midp|cldc"
    r"|kaios|\bwebos|hpwos|palm|bada|tizen|sailfish/|fennec|meego|maemo|j2me|\bbrew|netfront|samsung-|sonyericsson"
    r"|\blg[-/][a-z]|\bmot-|\bzte|up\.browser|obigo|teleca|jasmine|maui|docomo|kddi|softbank|oculusbrowser|danger"
    r"|lumia|ericsson|windowsce|\bwatch|android|applewebkit.*dolfin|eudoraweb|\bsec-|vodafone|alcatel|sagem|sharp"
    r"|panasonic|sanyo|kyocera|micromax"
)


_DESKTOP_TV: Final = r"xbox|kylo/|valve steam|steamdeck|smart-?tv|hbbtv|crkey|apple ?tv"
_DESKTOP_TABLET: Final = (
    r"tablet pc (?!\d)|; arm;|macintosh.*(?:crios|fxios|edgios|mobile/1|instagram|fban)|htc_flyer|tesla/|surftab"
    r"|\bsilk/"
)
_DESKTOP_MOBILE: Final = r"lumia|iemobile|windows (?:phone|ce|mobile)|wpdesktop|oculusbrowser|picobrowser"


def _table(*rows: tuple[str, str]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    # Written in lower case and matched against the lowered agent: three times as quick as re.IGNORECASE.
    return tuple((device, re.compile(pattern)) for device, pattern in rows)


_PLAYERS: Final = re.compile(_PLAYER)
_ANDROID_MODEL: Final = re.compile(r"android[^;)]*;(?: u;)?([^)]*)")
_ANDROID: Final = _table(("tv", _TV))
_ANDROID_MODELS: Final = _table(("tv", _TV_MODEL), ("desktop", _DESKTOP), ("tablet", _TABLET), ("mobile", _PHONE_MODEL))
_DESKTOPS: Final = _table(("mobile", _DESKTOP_MOBILE), ("tv", _DESKTOP_TV), ("tablet", _DESKTOP_TABLET))
_IPHONES: Final = _table(("tv", r"apple ?tv"), ("tablet", r"\(ipad"))  # an app for phones, on what it runs
_OTHERS: Final = _table(("mobile", _HANDHELD), ("tv", _TV), ("tablet", _TABLET), ("mobile", _MOBILE))


def device_type(agent: str | None) -> str:
    """Return one of `vts.model.view.DEVICE_TYPES`. The time grows with the length: cut agents first."""
    if not agent:
        return "desktop"
    lowered = agent[:SIGNS_MAX_CHARS].lower()
    if _PLAYERS.search(lowered):
        return "player"
    if "windows nt" in lowered or "macintosh" in lowered:
        return _first(_DESKTOPS, lowered) or "desktop"
    if "android" in lowered and "windows phone" not in lowered:
        return _first(_ANDROID, lowered) or _android(lowered)
    if "iphone" in lowered or "ipod" in lowered:
        return _first(_IPHONES, lowered) or "mobile"
    return _first(_OTHERS, lowered) or "desktop"


def _android(lowered: str) -> str:
    """Go by the model where its series is known, else by "Mobile", wherever it stands: phones have it."""
    model = _ANDROID_MODEL.search(lowered)
    by_model = _first(_ANDROID_MODELS, f"; {model[1].strip()}" if model else lowered)
    return by_model or ("mobile" if "mobi" in lowered or "dalvik" in lowered else "tablet")


def _first(table: tuple[tuple[str, re.Pattern[str]], ...], lowered: str) -> str | None:
    return next((device for device, pattern in table if pattern.search(lowered)), None)
