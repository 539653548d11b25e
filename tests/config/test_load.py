"""Settings: layers, every fault at once with its place and what is allowed, secrets never shown."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from config.load import DEFAULTS, ConfigFaults, data_dir, describe, env_name, load, load_with_origins
from config.rules import pairs_in
from config.settings import SECRETS

SECRET = "0123456789abcdef" * 2
EXAMPLE = DEFAULTS.with_name("production.example.toml")


def faults(env: dict[str, str]) -> dict[str, tuple[str, str]]:
    with pytest.raises(ConfigFaults) as caught:
        load(env)
    return {fault.where: (fault.what, fault.allowed) for fault in caught.value.faults}


@pytest.mark.parametrize("secret", ["short", "0" * 64, "\0" * 65, "ab" * 32])
def test_a_weak_secret_is_refused_before_anything_is_signed_with_it(secret: str) -> None:
    what, allowed = faults({"VTS_AUTH__SECRET": secret})["VTS_AUTH__SECRET"]
    assert what in ("too short", "too weak")
    assert "at least" in allowed


@pytest.mark.parametrize("name", ["ROLE_MAP", "ROLE_FLAGS"])
@pytest.mark.parametrize("value", ["admin", "admin = moderator", "admin => boss", "=> owner", "a => user, a => owner"])
def test_a_role_that_maps_to_none_is_named_with_what_is_allowed(name: str, value: str) -> None:
    what, allowed = faults({f"VTS_AUTH__{name}": value})[f"VTS_AUTH__{name}"]
    assert what.endswith(("maps to no role", "is there twice"))
    assert "\n" not in what + allowed and ("=>" in allowed or "once" in allowed)


def test_the_claims_of_a_host_are_settings() -> None:
    auth = load({"VTS_AUTH__USER_CLAIM": "user_id", "VTS_AUTH__ROLE_FLAGS": "is_admin => moderator,root=>owner"}).auth
    assert auth.user_claim == "user_id"
    assert pairs_in(auth.role_flags) == {"is_admin": "moderator", "root": "owner"}
    assert "VTS_AUTH__USER_CLAIM" in faults({"VTS_AUTH__USER_CLAIM": ""})


def test_the_token_of_commands_is_no_setting() -> None:
    assert load({"VTS_TOKEN": "a.b.c"}) == load({})
    assert "VTS_TOKENS" in faults({"VTS_TOKENS": "a.b.c"})


def test_nothing_has_to_be_set() -> None:
    settings = load({})
    assert (settings.http.host, settings.http.port) == ("127.0.0.1", 8080)
    assert settings.catalog.mode == "open"


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    file = tmp_path / "vts.toml"
    file.write_text('[http]\nport = 81\nhost = "0.0.0.0"\n')
    settings = load({"VTS_CONFIG": str(file), "VTS_HTTP__PORT": "82"})
    assert (settings.http.host, settings.http.port) == ("0.0.0.0", 82)
    assert settings.http.keep_alive_s == 75.0


def test_port_is_honoured_and_our_own_name_wins() -> None:
    assert load({"PORT": "9000"}).http.port == 9000
    assert load({"PORT": "9000", "VTS_HTTP__PORT": "9001"}).http.port == 9001


def test_every_fault_is_told_at_once_with_place_and_what_is_allowed(tmp_path: Path) -> None:
    file = tmp_path / "vts.toml"
    file.write_text('[limits]\nweb_burst = 0\n[journl]\nmax_bytes = 5\n[auth]\nsecret = "in a file"\n')
    found = faults(
        {
            "VTS_CONFIG": str(file),
            "VTS_HTTP__PORT": "99999",
            "VTS_HTTP__PRT": "1",
            "VTS_HTTP__TRUSTED_PROXIES": "10.0.0.0/8,nonsense",
            "VTS_CATALOG__MODE": "closed",
            "VTS_DATABASE__URL": "mysql://x",
            "VTS_MQTT__LISTEN": "127.0.0.1:99999",
            "VTS_SITE__TIMEZONE": "Mars/Base",
            "VTS_PRIVACY__VIEWER_SECRET": "short",
            "VTS_MQTT__CA_FILE": str(tmp_path / "missing.pem"),
            "VTS_GEOIP__CF_IPCOUNTRY": "perhaps",
        }
    )
    assert len(found) == 13
    assert "VTS_HTTP__PORT" in found["VTS_HTTP__PRT"][1]
    assert "65535" in found["VTS_HTTP__PORT"][1]
    assert found["VTS_MQTT__LISTEN"][1] == "host:port, like 127.0.0.1:1883"
    assert "open" in found["VTS_CATALOG__MODE"][1] or "enum" in found["VTS_CATALOG__MODE"][0]
    assert found[f"{file}: limits.web_burst"]
    assert "journal" in found[f"{file}: journl.max_bytes"][1]
    assert "VTS_AUTH__SECRET" in found[f"{file}: auth.secret"][1]


def test_a_fault_never_repeats_a_secret() -> None:
    with pytest.raises(ConfigFaults) as caught:
        load({"VTS_AUTH__SECRET": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n")
    assert load({"VTS_AUTH__SECRET_FILE": str(file)}).auth.secret == SECRET
    assert "VTS_AUTH__SECRET_FILE" in faults({"VTS_AUTH__SECRET_FILE": str(tmp_path / "missing")})


@pytest.mark.parametrize("content", [b"not = [toml", b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_a_fault(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "vts.toml"
    file.write_bytes(content)
    assert "VTS_CONFIG" in faults({"VTS_CONFIG": str(file)})


def test_what_is_shown_masks_secrets_and_says_where_values_come_from() -> None:
    env = {"VTS_AUTH__SECRET": SECRET, "VTS_DATABASE__URL": "postgresql://me:hunter2@host/db", "VTS_HTTP__PORT": "1"}
    shown = {name: (value, origin) for name, value, origin in describe(load_with_origins(env))}
    assert shown["VTS_HTTP__PORT"] == ("1", "VTS_HTTP__PORT")
    assert shown["VTS_HTTP__HOST"][1] == "default"
    text = repr(shown)
    assert SECRET not in text
    assert "hunter2" not in text
    assert all(env_name(*key) in shown for key in SECRETS)


def test_the_data_folder_is_as_set() -> None:
    assert data_dir(load({"VTS_DATA__DIR": "/srv/vts"})) == Path("/srv/vts")


def test_every_default_has_its_reason_beside_it() -> None:
    tables = tomllib.loads(DEFAULTS.read_text())
    lines = [line for line in DEFAULTS.read_text().splitlines() if " = " in line and not line.startswith("#")]
    assert len(lines) == sum(len(table) for table in tables.values())


def test_the_example_for_a_server_can_be_read(tmp_path: Path) -> None:
    key = tmp_path / "tokens.pem"
    key.write_text("a key")
    copy = tmp_path / "vts.toml"
    copy.write_text(EXAMPLE.read_text().replace("/etc/vts/tokens.pem", str(key)))
    assert load({"VTS_CONFIG": str(copy)}).catalog.mode == "strict"


def test_the_counting_rules_of_the_host() -> None:
    rules = load({}).capture
    assert (rules.post_view_status, rules.view_once, rules.unknown_intent) == ("202", False, "intentional")
    for spelled in ("on", "true", "1"):
        assert load({"VTS_CAPTURE__VIEW_ONCE": spelled}).capture.view_once is True
    assert load({"VTS_CAPTURE__VIEW_ONCE": "off"}).capture.view_once is False
    assert load({"VTS_CAPTURE__POST_VIEW_STATUS": "201_204"}).capture.post_view_status == "201_204"
    found = faults(
        {
            "VTS_CAPTURE__POST_VIEW_STATUS": "203",
            "VTS_CAPTURE__VIEW_ONCE": "daily",
            "VTS_CAPTURE__UNKNOWN_INTENT": "search",
            "VTS_LIMITS__IMPRESSIONS_PER_MINUTE": "-1",
            "VTS_LIMITS__IMPRESSIONS_BURST": "0",
        }
    )
    assert len(found) == 5
    assert found["VTS_CAPTURE__POST_VIEW_STATUS"][1] == "202 or 201_204"
    assert found["VTS_CAPTURE__UNKNOWN_INTENT"][1] == "intentional or listing"
    assert found["VTS_CAPTURE__VIEW_ONCE"][1] == "`bool`"
