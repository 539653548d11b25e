"""From layers to settings: default.toml < the file that VTS_CONFIG names < the environment. All faults at once."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

import msgspec
from platformdirs import user_data_path

from config.rules import RULES, SettingKey
from config.settings import SECRETS, URLS, Settings

PREFIX: Final = "VTS_"
CONFIG_NAME: Final = "VTS_CONFIG"
TOKEN_NAME: Final = "VTS_TOKEN"  # noqa: S105 -- the name of a variable
RESERVED: Final = frozenset((CONFIG_NAME, TOKEN_NAME))
"""Names of the environment that are no settings: the file of settings, and the token of commands."""
DEFAULTS: Final = Path(__file__).with_name("default.toml")
CHECKOUT: Final = Path(__file__).resolve().parent.parent
COUNTRIES: Final = Path(__file__).with_name("dbip-country.mmdb")
COUNTRIES_NAME: Final = "countries.mmdb"
MASK: Final = "********"
_WORDS: Final = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where it stands, what it is, what is allowed there."""

    where: str
    what: str
    allowed: str


class ConfigFaults(Exception):
    """Everything that is wrong with the configuration."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.where}: {fault.what}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class _Value:
    value: Any
    origin: str


class Loaded(msgspec.Struct, frozen=True):
    """Settings, and where each value came from."""

    settings: Settings
    origins: dict[SettingKey, str]


def load(env: Mapping[str, str]) -> Settings:
    """Return the settings. Raises ConfigFaults with every fault of every layer."""
    return load_with_origins(env).settings


def load_with_origins(env: Mapping[str, str]) -> Loaded:
    """Return the settings and the origin of each value. Raises ConfigFaults."""
    faults: list[Fault] = []
    values = {key: _Value(value, "default") for key, value in _flat(tomllib.loads(DEFAULTS.read_text()))}
    known = dict(values)
    if name := env.get(CONFIG_NAME):
        values |= _from_file(Path(name), known, faults)
    values |= _from_env(env, known, faults)
    tables: dict[str, dict[str, Any]] = {}
    for (section, name), found in values.items():
        fault = _misfit(section, name, found)
        faults += [fault] if fault else []
        tables.setdefault(section, {})[name] = found.value
    if faults:
        raise ConfigFaults(faults)
    settings = msgspec.convert(tables, Settings)
    return Loaded(settings, {key: found.origin for key, found in values.items()})


def describe(loaded: Loaded) -> Iterator[tuple[str, str, str]]:
    """Yield (name in the environment, value, origin) of every setting, secrets masked."""
    for (section, name), origin in loaded.origins.items():
        value = getattr(getattr(loaded.settings, section), name)
        yield env_name(section, name), _shown((section, name), value), origin


def changed(before: Settings, after: Settings) -> Iterator[str]:
    """Yield the names of the settings that differ, like log.level."""
    for section in msgspec.structs.fields(Settings):
        old, new = getattr(before, section.name), getattr(after, section.name)
        names = (field.name for field in msgspec.structs.fields(section.type))
        yield from (f"{section.name}.{name}" for name in names if getattr(old, name) != getattr(new, name))


def data_dir(settings: Settings) -> Path:
    """Return the data folder: as set, else ./var of a checkout, else a folder of the user."""
    if settings.data.dir:
        return Path(settings.data.dir).expanduser().absolute()
    is_checkout = (CHECKOUT / "pyproject.toml").is_file() and (CHECKOUT / "Makefile").is_file()
    return CHECKOUT / "var" if is_checkout else user_data_path("vts", appauthor=False)


def countries_file(settings: Settings) -> Path:
    """Return the country file: as set, else that of the data folder, else the one that VTS brings."""
    own = own_countries_file(settings)
    return own if settings.geoip.file or own.is_file() else COUNTRIES


def own_countries_file(settings: Settings) -> Path:
    """Return the country file that an operator may replace: as set, else in the data folder."""
    return Path(settings.geoip.file) if settings.geoip.file else data_dir(settings) / COUNTRIES_NAME


def env_name(section: str, name: str) -> str:
    """Return how a setting is called in the environment."""
    return f"{PREFIX}{section}__{name}".upper()


def _flat(tables: Mapping[str, Any]) -> Iterator[tuple[SettingKey, Any]]:
    for section, table in tables.items():
        if isinstance(table, dict):
            for name, value in table.items():
                yield (section, name), value
        else:
            yield (section, ""), table


def _from_file(path: Path, known: Mapping[SettingKey, _Value], faults: list[Fault]) -> dict[SettingKey, _Value]:
    try:
        tables = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        faults.append(Fault(CONFIG_NAME, f"cannot read {path}: {error}", "the path of a TOML file"))
        return {}
    found = {}
    for key, value in _flat(tables):
        where = f"{path}: {'.'.join(part for part in key if part)}"
        if key not in known:
            faults.append(_unknown(where, ".".join(key), [".".join(one) for one in known]))
        elif key in SECRETS:
            faults.append(
                Fault(where, "a secret in a configuration file", f"{env_name(*key)} or {env_name(*key)}_FILE")
            )
        else:
            found[key] = _Value(value, str(path))
    return found


def _from_env(
    env: Mapping[str, str], known: Mapping[SettingKey, _Value], faults: list[Fault]
) -> dict[SettingKey, _Value]:
    names = {env_name(*key): key for key in known}
    found: dict[SettingKey, _Value] = {}
    if "PORT" in env:
        found["http", "port"] = _Value(_read(env["PORT"], 0), "PORT")
    for name, text in sorted(env.items()):
        if not name.startswith(PREFIX) or name in RESERVED:
            continue
        key, secret = names.get(name), names.get(name.removesuffix("_FILE"))
        if key is not None:
            found[key] = _Value(_read(text, known[key].value), name)
        elif secret in SECRETS | URLS and secret is not None:
            found[secret] = _Value(_file_text(name, text, faults), name)
        else:
            faults.append(_unknown(name, name, names))
    return found


def _file_text(name: str, path: str, faults: list[Fault]) -> str:
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        faults.append(
            Fault(name, f"cannot read the file: {error.__class__.__name__}", "the path of a readable text file")
        )
        return ""


def _read(text: str, default: Any) -> Any:
    """Read a value of the environment as its default's type; what does not fit stays text and is a fault later."""
    text = text.strip()
    if isinstance(default, bool):
        return _WORDS.get(text.lower(), text)
    if isinstance(default, list):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        if isinstance(default, int):
            return int(text)
        return float(text) if isinstance(default, float) else text
    except ValueError:
        return text


def _unknown(where: str, name: str, known: Any) -> Fault:
    close = difflib.get_close_matches(name, list(known), n=1)
    return Fault(where, "no such setting", f"did you mean {close[0]}?" if close else "the names of config/default.toml")


def _misfit(section: str, name: str, found: _Value) -> Fault | None:
    """Return what is wrong with one value, without repeating a value that may be secret."""
    kind = next(table.type for table in msgspec.structs.fields(Settings) if table.name == section)
    field = next(one for one in msgspec.structs.fields(kind) if one.name == name)
    where = found.origin if found.origin.isupper() else f"{found.origin}: {section}.{name}"
    try:
        value = msgspec.convert(found.value, field.type)
    except msgspec.ValidationError as error:
        return Fault(where, str(error), _allowed(str(error), field.type))
    rule = RULES.get((section, name))
    said = rule(value) if rule else None
    return Fault(where, said[0], said[1]) if said else None


def _allowed(message: str, kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(get_args(kind))
    match = re.search(r"Expected (.*?)(, got.*)?$", message)
    return match[1] if match else "see config/default.toml"


def _shown(key: SettingKey, value: Any) -> str:
    if key in SECRETS:
        return MASK if value else '""'
    if key in URLS:
        value = re.sub(r"(://[^:/@]*):[^@]*@", rf"\1:{MASK}@", value)
    return msgspec.json.encode(value).decode()
