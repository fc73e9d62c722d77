"""Namespaces and values through the API."""

import pytest

from tests.infra.local.cloudflare.conftest import Cloudflare

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAMESPACES = "/accounts/a/storage/kv/namespaces"


async def test_a_value_is_read_back_as_it_was_written(cloudflare: Cloudflare) -> None:
    path = f"{NAMESPACES}/{await cloudflare.namespace('keys')}/values/acme%2Fhelper%3F"
    await cloudflare.call("PUT", path, data=b"\x00\xff{}")
    assert await cloudflare.raw("GET", path) == (200, b"\x00\xff{}")
    await cloudflare.call("DELETE", path)
    status, _ = await cloudflare.raw("GET", path)
    assert status == 404


async def test_namespaces_do_not_share_values(cloudflare: Cloudflare) -> None:
    one, two = await cloudflare.namespace("one"), await cloudflare.namespace("two")
    await cloudflare.call("PUT", f"{NAMESPACES}/{one}/values/k", data=b"v")
    assert (await cloudflare.raw("GET", f"{NAMESPACES}/{two}/values/k"))[0] == 404


async def test_keys_come_in_pages(cloudflare: Cloudflare) -> None:
    path = f"{NAMESPACES}/{await cloudflare.namespace('keys')}"
    for number in range(12):
        await cloudflare.call("PUT", f"{path}/values/k{number:02}", data=b"v")
    first = await cloudflare.call("GET", f"{path}/keys?limit=10")
    assert [key["name"] for key in first] == [f"k{number:02}" for number in range(10)]
    assert len(await cloudflare.call("GET", f"{path}/keys?prefix=k1&limit=1000")) == 2
    assert "limit" in await cloudflare.call("GET", f"{path}/keys?limit=9999", 400)


async def test_a_title_is_taken_once(cloudflare: Cloudflare) -> None:
    await cloudflare.namespace("keys")
    other = await cloudflare.namespace("other")
    assert "keys" in await cloudflare.call("POST", NAMESPACES, 409, json={"title": "keys"})
    assert "keys" in await cloudflare.call("PUT", f"{NAMESPACES}/{other}", 409, json={"title": "keys"})
    renamed = await cloudflare.call("PUT", f"{NAMESPACES}/{other}", json={"title": "third"})
    assert renamed["title"] == "third"


async def test_a_deleted_namespace_takes_its_values_along(cloudflare: Cloudflare) -> None:
    id_ = await cloudflare.namespace("keys")
    await cloudflare.call("PUT", f"{NAMESPACES}/{id_}/values/k", data=b"v")
    await cloudflare.call("DELETE", f"{NAMESPACES}/{id_}")
    assert id_ in await cloudflare.call("GET", f"{NAMESPACES}/{id_}", 404)
    assert await cloudflare.call("GET", NAMESPACES) == []


async def test_a_bound_namespace_is_not_deleted(cloudflare: Cloudflare) -> None:
    id_ = await cloudflare.namespace("keys")
    await cloudflare.call("PUT", f"{NAMESPACES}/{id_}/values/k", data=b"v")
    binding = {"name": "KEYS", "type": "kv_namespace", "namespace_id": id_}
    await cloudflare.upload("edge", "export default {}", bindings=[binding])
    assert "edge" in await cloudflare.call("DELETE", f"{NAMESPACES}/{id_}", 409)
    assert (await cloudflare.raw("GET", f"{NAMESPACES}/{id_}/values/k"))[0] == 200


async def test_wrong_bodies_are_named(cloudflare: Cloudflare) -> None:
    assert "title" in await cloudflare.call("POST", NAMESPACES, 400, json={"title": 3})
    assert "colour" in await cloudflare.call("POST", NAMESPACES, 400, json={"title": "t", "colour": "red"})
    assert "JSON" in await cloudflare.call("POST", NAMESPACES, 400, data=b"{")
    path = f"{NAMESPACES}/{await cloudflare.namespace('keys')}/values/"
    assert "expiration" in await cloudflare.call("PUT", f"{path}k?expiration_ttl=60", 400, data=b"v")
    assert "512" in await cloudflare.call("PUT", f"{path}{'k' * 513}", 400, data=b"v")


async def test_no_answer_without_a_token(cloudflare: Cloudflare) -> None:
    for header in ("", "Bearer ", "Basic abc"):
        assert "Authentication" in await cloudflare.call("GET", NAMESPACES, 401, headers={"Authorization": header})


async def test_an_unknown_path_is_named(cloudflare: Cloudflare) -> None:
    assert "/accounts/a/pages" in await cloudflare.call("GET", "/accounts/a/pages", 404)
