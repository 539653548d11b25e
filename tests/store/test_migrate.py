"""Migrations: applied once, in order, by one process at a time, as the owner."""

from __future__ import annotations

from dataclasses import replace

import pytest
import trio

from vts.model.faults import BadStart, NoStart
from vts.store.schema.migrate import Migration, Migrator, migrate, migrations, status
from vts.store.session.connection import Database
from vts.store.session.faults import StoreMistake, StoreRefused, StoreUnavailable

ONE = Migration(1, "one", "CREATE TABLE a (x int); INSERT INTO a VALUES (1)")
TWO = Migration(2, "two", "CREATE TABLE b (x int)")
BROKEN = Migration(2, "broken", "CREATE TABLE b (x int); SELECT 1 / 0 FROM nowhere")

# The files of released versions: databases keep their checksums, and `vts doctor` reports a file that was edited.
RELEASED = {
    1: "e12ab22aeec9393c9a95dc855b4949e1f8cab4a991a70789c9ec413b3f273d7c",
    2: "e5521809cc49d6df5e05be7651472e444c6d664447a603ab4c6ce610fa335f92",
    3: "e14a96060829e51d2cfadd2d786f8d7c061decd6bc65000b7447f10b4cbd52d1",
    4: "7d63e379126cc386a606b9a32a7ec397cb3de29bd49172ea6f5114bb1dcb4f3e",
    5: "1800e90afa49cf7ccff95e07d528b609db108de9d00a7fec5ba8da8d1eedf8d2",
    6: "603f6a4178a5c62aaa7ace7fb0d549a58512f9d0609af617887d9cde1697987b",
    7: "bf42457e556fbd44b1c0f8bbba0a5725d3ad0706a805d59eec4c43447a5e4499",
    8: "d091aa1e8f67852c70b5434f70b7bce5397f8d1379999512173a7f919ecdc6ba",
}


def test_released_migrations_are_never_edited():
    assert {one.number: one.checksum for one in migrations() if one.number in RELEASED} == RELEASED


def test_files_are_numbered_without_a_gap(tmp_path):
    (tmp_path / "0001_a.sql").write_text("SELECT 1")
    (tmp_path / "0003_c.sql").write_text("SELECT 3")
    with pytest.raises(ValueError, match="gap"):
        migrations(tmp_path)
    (tmp_path / "0002_b.sql").write_text("SELECT 2")
    assert [m.name for m in migrations(tmp_path)] == ["a", "b", "c"]
    (tmp_path / "later.sql").write_text("SELECT 4")
    with pytest.raises(ValueError, match="is named"):
        migrations(tmp_path)


async def test_applied_once_and_in_order(empty_database):
    assert (await status(empty_database, [ONE])).pending == (ONE,)
    assert await migrate(empty_database, [ONE]) == (ONE,)
    assert await migrate(empty_database, [ONE, TWO]) == (TWO,)
    assert await migrate(empty_database, [ONE, TWO]) == ()
    state = await status(empty_database, [ONE, TWO])
    assert (state.applied, state.pending, state.unknown, state.changed) == ((ONE, TWO), (), (), ())


async def test_two_processes_at_once(empty_database):
    applied: list[tuple[Migration, ...]] = []

    async def one_of_them() -> None:
        applied.append(await migrate(empty_database, [ONE, TWO]))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(one_of_them)
        nursery.start_soon(one_of_them)
    assert sorted(applied, key=len) == [(), (ONE, TWO)]


async def test_a_broken_migration_leaves_nothing(empty_database):
    with pytest.raises(StoreMistake):
        await migrate(empty_database, [ONE, BROKEN])
    assert (await status(empty_database, [ONE, BROKEN])).applied == (ONE,)
    assert await migrate(empty_database, [ONE, TWO]) == (TWO,)


async def test_a_newer_database_is_refused_and_an_edited_migration_named(empty_database):
    await migrate(empty_database, [ONE, TWO])
    with pytest.raises(BadStart, match="newer"):
        await migrate(empty_database, [ONE])
    edited = Migration(1, "one", "SELECT 2")
    assert (await status(empty_database, [edited, TWO])).changed == (1,)


async def test_no_session_works_in_a_database_that_is_not_ready(empty_database):
    waiting = replace(empty_database, schema=len(migrations()))
    migrator = Migrator(waiting)
    with pytest.raises(StoreUnavailable, match="not migrated yet"):
        await waiting.connect("writer")
    async with trio.open_nursery() as nursery:
        await nursery.start(migrator.run)
        with trio.fail_after(10):
            await migrator.done.wait()
        connection = await waiting.connect("writer")
        await connection.close()
        nursery.cancel_scope.cancel()


async def rights(database: Database, role, statement: str) -> bool:
    connection = await database.connect(role)
    try:
        await connection.execute(statement)
    except StoreMistake as mistake:
        assert mistake.sqlstate == "42501"
        return False
    finally:
        await connection.close()
    return True


async def run_once(migrator: Migrator, fault: type[Exception]) -> str:
    """Run until it fails, and return what it said."""
    with trio.fail_after(30), pytest.raises(ExceptionGroup) as failed:
        async with trio.open_nursery() as nursery:
            await nursery.start(migrator.run)
    [found] = failed.value.exceptions
    assert type(found) is fault
    return str(found)


async def newer(database: Database) -> None:
    await migrate(database)
    connection = await database.connect("owner")
    await connection.execute("INSERT INTO schema_migrations (number, name, checksum) VALUES (9999, 'later', '')")
    await connection.close()


async def test_a_database_that_refuses_at_the_first_try_ends_the_start(empty_database):
    await newer(empty_database)
    migrator = Migrator(empty_database)
    assert "has migration 9999" in await run_once(migrator, NoStart)


async def test_one_that_was_away_and_then_refuses_is_waited_for_until_it_lets_us(empty_database, tmp_path):
    urls = [f"postgresql://vts@/vts?host={tmp_path}", empty_database.url().replace("vts@", "other_user@")]
    migrator = Migrator(Database(url=lambda: urls[0]))
    await run_once(migrator, StoreUnavailable)
    assert migrator.refusal == ""
    del urls[0]
    assert "check user, password" in await run_once(migrator, StoreRefused)
    assert migrator.refusal
    urls[0] = empty_database.url()
    async with trio.open_nursery() as nursery:
        await nursery.start(migrator.run)
        with trio.fail_after(30):
            await migrator.done.wait()
        nursery.cancel_scope.cancel()
    assert migrator.refusal == ""


async def test_roles_see_what_they_should(empty_database):
    await migrate(empty_database, [ONE])
    assert await rights(empty_database, "owner", "CREATE TABLE c (x int)")
    assert not await rights(empty_database, "writer", "CREATE TABLE d (x int)")
    assert await rights(empty_database, "writer", "INSERT INTO c VALUES (1)")
    assert await rights(empty_database, "writer", "CREATE TEMP TABLE staging (x int)")
    assert await rights(empty_database, "reader", "SELECT * FROM a, c")
    assert not await rights(empty_database, "reader", "INSERT INTO a VALUES (2)")


async def test_a_login_that_may_not_make_roles_works_without(postgres_server, empty_database):
    name = f"plain_{next(postgres_server.counter)}"
    await postgres_server.execute(f"CREATE ROLE {name} LOGIN")
    connection = await empty_database.connect("login")
    await connection.execute(f"GRANT ALL ON SCHEMA public TO {name}")
    await connection.close()
    plain = Database(url=lambda: empty_database.url().replace("vts@", f"{name}@"))
    await migrate(plain, [ONE])
    for role in ("owner", "writer", "reader"):
        connection = await plain.connect(role)
        assert await connection.fetchval("SELECT current_user::text") == name
        await connection.execute("INSERT INTO a VALUES (5)")
        await connection.close()


async def test_a_login_that_may_make_roles_but_is_no_superuser(postgres_server, empty_database):
    """Since PostgreSQL 16 making a role does not yet mean that one may become it."""
    name = f"maker_{next(postgres_server.counter)}"
    await postgres_server.execute(f"CREATE ROLE {name} LOGIN CREATEROLE")
    for role in ("vts_owner", "vts_writer", "vts_reader"):
        await postgres_server.execute(f"DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN END $$")
        await postgres_server.execute(f"GRANT {role} TO {name} WITH ADMIN TRUE, SET FALSE")
    connection = await empty_database.connect("login")
    await connection.execute(
        f"DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO {name}', current_database()); END $$"
    )
    await connection.close()
    maker = Database(url=lambda: empty_database.url().replace("vts@", f"{name}@"))
    await migrate(maker, [ONE])
    connection = await maker.connect("reader")
    assert await connection.fetchval("SELECT current_user::text") == "vts_reader"
    await connection.close()
