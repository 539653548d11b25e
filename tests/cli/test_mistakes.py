"""What operators get wrong: one line on standard error that says what and what to do, exit 2, never a traceback."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import trio
from click.testing import CliRunner, Result

from tests.support.folders import open_folder
from tests.support.postgres import Server, postgres_server  # noqa: F401
from vts.auth.tokens import Tokens
from vts.cli.main import main
from vts.cli.mistakes import Commands
from vts.store.session.connection import asyncpg_loop
from vts.store.session.faults import StoreMistake

SECRET = "0f1e2d3c4b5a69788796a5b4c3d2e1f0" * 2

pytestmark = pytest.mark.xdist_group("mistakes")  # one set of databases for all of them


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with open_folder() as path:
        yield path


@pytest.fixture(autouse=True)
def environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTS_DATA__DIR", str(home))
    monkeypatch.setenv("VTS_HTTP__PORT", "0")


def ran(*words: str, **settings: str) -> Result:
    """Run a command in this process."""
    switch_s = sys.getswitchinterval()
    result = CliRunner().invoke(main, words, env=settings)
    sys.setswitchinterval(switch_s)  # a server that got ready has changed it
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    assert "Traceback" not in result.output
    return result


def refusal(*words: str, code: int = 2, **settings: str) -> str:
    """Run a command that must fail, and return the line in which it says why."""
    result = ran(*words, **settings)
    assert result.exit_code == code, result.output
    said = result.stdout if words == ("doctor",) else result.stderr
    quiet = ("{", "ok ", "warning ", "FAULT    durability", "Usage", "Try")  # tests trade durability for speed
    lines = [line for line in said.splitlines() if line and not line.startswith(quiet)]
    assert len(lines) == 1, lines
    return lines[0]


def sql(server: Server, *statements: str, database: str = "postgres") -> None:
    async def work() -> None:
        async with asyncpg_loop():
            connection = await server.database(database).connect("login")
            for statement in statements:
                await connection.execute(statement)
            await connection.close()

    trio.run(work)


@pytest.fixture(scope="module")
def refusing(postgres_server: Server) -> dict[str, str]:  # noqa: F811
    """Databases that do not let VTS work, by what is wrong with them."""
    server = postgres_server
    sql(server, "CREATE DATABASE plain", "CREATE ROLE plain LOGIN", "CREATE DATABASE newer TEMPLATE migrated")
    sql(server, "INSERT INTO schema_migrations VALUES (9999, 'from_the_future', '')", database="newer")
    return {
        "no right to make tables": server.url("plain").replace("vts@", "plain@"),
        "a newer schema": server.url("newer"),
        "a wrong user": server.url("plain").replace("vts@", "other_user@"),
        "no such database": server.url("nowhere"),
        "away": f"postgresql://vts@/vts?host={server.folder}/nowhere",
    }


SAYS = {
    "no right to make tables": "plain may not make tables in schema public",
    "a newer schema": "has migration 9999, which this version does not know",
    "a wrong user": 'role "other_user" does not exist',
    "no such database": 'database "nowhere" does not exist',
    "away": "PostgreSQL does not answer",
}
REMEDY = {
    "no right to make tables": "GRANT USAGE, CREATE ON SCHEMA public TO plain",
    "a newer schema": "run the newer version",
    "a wrong user": "check user, password and database in VTS_DATABASE__URL",
    "no such database": "create the database, or check its name in VTS_DATABASE__URL",
    "away": "is it running, and VTS_DATABASE__URL its address?",
}


COMMANDS = ["serve", "doctor", "db migrate", "db status", "rollup"]
NOT_CONCERNED = {("away", "serve"), ("no right to make tables", "db status"), ("no right to make tables", "rollup")}


@pytest.mark.parametrize(
    ("what", "command"), sorted({(one, other) for one in SAYS for other in COMMANDS} - NOT_CONCERNED)
)
def test_a_database_that_refuses_the_login_is_reported_by_every_command(
    refusing: dict[str, str], what: str, command: str
) -> None:
    line = refusal(*command.split(), VTS_DATABASE__URL=refusing[what])
    assert SAYS[what] in line and REMEDY[what] in line


# ---- files of the data folder


@pytest.mark.parametrize(
    ("name", "content", "settings"),
    [
        ("token.secret", bytes(65), {}),
        ("viewer.secret", b"f" * 64, {}),
        ("process.id", b"\xff" * 17, {"VTS_MQTT__URL": "mqtt://127.0.0.1:1", "VTS_MQTT__SHARE_GROUP": "vts"}),
        ("visitors.key", bytes(72), {"VTS_PRIVACY__ROTATE_DAYS": "1"}),
        ("visitors.key", b"99999999 " + b"ab" * 32, {"VTS_PRIVACY__ROTATE_DAYS": "1"}),
        ("visitors.key", None, {"VTS_PRIVACY__ROTATE_DAYS": "1"}),
        ("postgres.at", bytes(40), {}),
        ("postgres.at", b"", {}),
        ("postgres.at", b"\xff\xfe", {}),
        ("postgres.at", b"somewhere/else", {}),
        ("postgres.at", None, {}),
        ("lock", None, {}),
    ],
)
def test_a_damaged_file_of_the_data_folder_is_named_with_its_remedy(
    tmp_path: Path, name: str, content: bytes | None, settings: dict[str, str]
) -> None:
    damaged = tmp_path / name
    damaged.mkdir() if content is None else damaged.write_bytes(content)
    line = refusal("serve", VTS_DATA__DIR=str(tmp_path), **settings)
    assert line.startswith(f"vts: {damaged}: ")
    assert "remove it" in line
    assert damaged.is_dir() if content is None else damaged.read_bytes() == content


def test_the_secrets_of_a_data_folder_of_today_are_taken(tmp_path: Path) -> None:
    (tmp_path / "token.secret").write_text(f"{SECRET}\n")
    first = ran("token", "--service", VTS_DATA__DIR=str(tmp_path))
    assert Tokens(secret=SECRET.encode()).verify(first.stdout.strip(), time.time()).is_service
    assert [path.name for path in tmp_path.iterdir()] == ["token.secret"]


def test_a_weak_secret_of_the_settings_stops_the_start() -> None:
    assert "VTS_AUTH__SECRET: too weak" in refusal("serve", VTS_AUTH__SECRET="0" * 64)


# ---- addresses, folders, servers


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_port_in_use_is_named_with_its_setting(tmp_path: Path, taken: int) -> None:
    away = {"VTS_DATA__DIR": str(tmp_path), "VTS_DATABASE__URL": f"postgresql://vts@/vts?host={tmp_path}"}
    line = refusal("serve", VTS_HTTP__PORT=str(taken), **away)
    assert line.startswith(f"vts: 127.0.0.1:{taken} is in use") and "VTS_HTTP__PORT" in line
    line = refusal("serve", VTS_MQTT__LISTEN=f"127.0.0.1:{taken}", **away)
    assert line.startswith(f"vts: 127.0.0.1:{taken} is in use") and "VTS_MQTT__LISTEN" in line
    line = refusal("serve", VTS_HTTP__HOST="192.0.2.1", **away)
    assert line.startswith("vts: 192.0.2.1:0 is no address of this machine") and "VTS_HTTP__HOST" in line


@pytest.mark.parametrize("command", ["seed", "watch post:1", "export content", "erase --user 1 --yes"])
def test_commands_say_what_is_wrong_with_an_address_or_a_token(tmp_path: Path, command: str, taken: int) -> None:
    words = command.split()
    assert "http://host:port" in refusal(*words, "--url", "127.0.0.1:8080")
    assert "no VTS answers at http://127.0.0.1:1" in refusal(
        *words, "--url", "http://127.0.0.1:1", code=1, VTS_TOKEN="t"
    )
    assert "not a token" in refusal(*words, "--url", "http://127.0.0.1:1", "--token", "t\n", code=1)
    line = refusal(*words, VTS_DATA__DIR=str(tmp_path))
    assert f"{tmp_path}/token.secret is missing" in line and "give --token or VTS_TOKEN" in line
    assert not list(tmp_path.iterdir())


def test_an_unknown_topic_is_refused_before_the_request() -> None:
    assert "topics are post:ID" in refusal("watch", "nonsense")
    assert "post: must be a positive integer or kind:id" in refusal("watch", "top", "post:x")


@pytest.mark.parametrize(
    "url", ["postgresql://u@localhost:abc/db", "postgresql://u@[::1/db", "postgresql://u@h:99999/db", "localhost:5432"]
)
def test_an_address_of_a_database_that_is_none_is_a_fault_of_the_settings(url: str) -> None:
    line = refusal("db", "status", VTS_DATABASE__URL=url)
    assert line.startswith("VTS_DATABASE__URL: not") and "postgresql://" in line


def test_what_only_the_driver_finds_wrong_with_an_address_is_a_line_too() -> None:
    assert "`sslmode` parameter" in refusal("db", "status", VTS_DATABASE__URL="postgresql://u@localhost:1/d?sslmode=x")


# ---- Ctrl-C


def test_an_interrupt_is_no_traceback_wherever_it_arrives() -> None:
    async def in_a_nursery() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            raise KeyboardInterrupt

    def plain() -> None:
        raise KeyboardInterrupt

    for call in (plain, lambda: trio.run(in_a_nursery)):
        result = CliRunner().invoke(Commands("vts", {"wait": click.Command("wait", callback=call)}), ["wait"])
        assert (result.exit_code, result.output) == (130, "")


def test_a_bug_stays_a_bug() -> None:
    def bug() -> None:
        raise StoreMistake("column does not exist", "42703")

    result = CliRunner().invoke(Commands("vts", {"bug": click.Command("bug", callback=bug)}), ["bug"])
    assert isinstance(result.exception, StoreMistake)
