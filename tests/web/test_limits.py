"""A limit of the door has one value: in the settings, at the door, in the web application and in its description."""

from __future__ import annotations

import gzip
from dataclasses import fields

import msgspec
import pytest
from quart_trio import QuartTrio

from config.load import load
from config.settings import Http
from supervisors.tree.limits import limits_of
from tests.web.ports import NOW_S, WrittenCatalog, access, app_of
from vts.capture.http.head_rules import BULK_PATHS
from vts.capture.http.limits import Limits

MIB = 1 << 20
SETTINGS = {one.name for one in msgspec.structs.fields(Http)}
LIMITS = {one.name for one in fields(Limits)}


def test_the_shipped_settings_are_the_limits_of_a_door_without_settings() -> None:
    assert limits_of(load({}).http) == Limits()


@pytest.mark.parametrize("name", sorted(SETTINGS & LIMITS))
def test_every_setting_that_is_named_like_a_limit_is_that_limit(name: str) -> None:
    changed = limits_of(load({f"VTS_HTTP__{name.upper()}": "77"}).http)
    assert {one for one in LIMITS if getattr(changed, one) != getattr(Limits(), one)} == {name}
    assert getattr(changed, name) == 77


async def write_catalog(limits: Limits, size: int) -> tuple[int, int]:
    """Send a bulk write of so many bytes; return the status and how many rows were written."""
    rules, catalog = access(), WrittenCatalog()
    token = rules.tokens.issue(user_id=None, roles=frozenset(("service",)), now_s=NOW_S, ttl_s=60)
    body = b'{"post_id":1}'.ljust(size)
    client = app_of(rules, limits, catalog=catalog.port, persons=catalog.persons).test_client()
    answer = await client.post("/api/content", data=body, headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, len(catalog.rows)


@pytest.mark.parametrize(
    ("limit", "size", "expected"),
    [(2 * MIB, MIB + 1, (200, 1)), (2 * MIB, 2 * MIB + 1, (413, 0)), (4096, 4097, (413, 0))],
    ids=["raised to 2 MiB", "above the raised one", "lowered to 4 KiB"],
)
async def test_a_bulk_write_may_have_the_size_that_is_set(limit: int, size: int, expected: tuple[int, int]) -> None:
    limits = Limits(batch_body_max_bytes=limit, body_max_bytes=1024)
    assert await write_catalog(limits, size) == expected


BULK = sorted(path.decode() for path in BULK_PATHS)


async def send(path: str, limits: Limits, body: bytes, **headers: str) -> tuple[int, str]:
    """Send a bulk write whose rows are never stored; return the status and the error."""
    rules = access()
    token = rules.tokens.issue(user_id=None, roles=frozenset(("service",)), now_s=NOW_S, ttl_s=60)
    client = app_of(rules, limits).test_client()
    answer = await client.post(path, data=body, headers={"Authorization": f"Bearer {token}"} | headers)
    return answer.status_code, (await answer.get_json())["error"]


@pytest.mark.parametrize("path", BULK)
async def test_every_bulk_route_has_the_limits_that_are_set(path: str) -> None:
    query = "?sync_id=one&part=1" if path.endswith("/sync") else ""
    rows = b"[%s]" % b",".join([b"{}"] * 5)
    small = Limits(batch_body_max_bytes=20, bulk_plain_max_bytes=16, bulk_rows_max=4, import_views_max=4)
    assert await send(path + query, small, b" " * 21) == (413, "body: more than 20 bytes")
    large = Limits(batch_body_max_bytes=2 * MIB, bulk_rows_max=4, import_views_max=4)
    assert await send(path + query, large, rows) == (413, "body: more than 4 rows")
    assert (await send(path + query, large, b"[{}]".ljust(MIB + 1)))[0] == 400  # it is read: a field is missing
    packed = {"Content-Encoding": "gzip"}
    refused = (413, "body: more than 16 bytes after gunzip")
    assert await send(path + query, Limits(bulk_plain_max_bytes=16), gzip.compress(bytes(17)), **packed) == refused
    status, error = await send(path + query, Limits(), gzip.compress(b"[{}]"), **packed)
    assert (status, error[:6]) == (400, "row 0:")


async def test_the_description_quotes_the_limits_in_force() -> None:
    limits = Limits(batch_body_max_bytes=3 * MIB, body_max_bytes=5000, header_max_bytes=2048, body_timeout_s=7.5)
    app: QuartTrio = app_of(access(), limits)
    described = await (await app.test_client().get("/openapi.json")).get_json()
    texts = {status: one["description"] for status, one in described["components"]["responses"].items()}
    assert "bodies 5000 bytes, of bulk routes 3 MiB" in texts["413"]
    assert "2 KiB" in texts["431"]
    assert "7.5 s for a body" in texts["408"]
    assert "3 MiB in all" in described["paths"]["/api/view"]["post"]["description"]


async def test_every_import_route_has_the_bound_of_bulk_routes() -> None:
    app = app_of(access(), Limits())
    described = await (await app.test_client().get("/openapi.json")).get_json()
    paths = described["paths"].items()
    imports = {path.encode() for path, methods in paths if path.startswith("/api/import/") and "post" in methods}
    assert len(imports) >= 3
    assert imports <= BULK_PATHS
