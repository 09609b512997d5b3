"""The printed calls on the platform: what this device sends, and what it understands (Annex H)."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cad.config.settings import PlatformSettings
from cad.control.platform.client import PlatformClient
from cad.control.platform.errors import PlatformRefusedError
from cad.control.platform.http import PlatformHttp
from cad.control.platform.tokens import Anonymous
from cad.domain.dialects import Dialect
from cad.wire.annex_h_machine import KeepaliveRequest, RegisterRequest, UnRegisterRequest
from cad.wire.envelope import read_answer, read_envelope
from cad.wire.model import WireModel
from tests.spec import EXAMPLES, example
from tests.spec.catalogue import CALLED_ON_PLATFORM

REQUESTS: dict[str, type[WireModel]] = {
    "H.2-register-machine": RegisterRequest,
    "H.3-unregister-machine": UnRegisterRequest,
    "H.4-keepalive-machine": KeepaliveRequest,
}


@asynccontextmanager
async def platform(
    answers: dict[str, Any], dialect: Dialect | None = None
) -> AsyncIterator[tuple[PlatformClient, list[tuple[str, Any]]]]:
    """Yield a client of a platform that gives `answers` by path, and what it was asked."""
    asked: list[tuple[str, Any]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.path, json.loads(await request.read())))
        if request.path not in answers:
            return web.Response(status=404, text="404: Not Found")
        return web.json_response(answers[request.path])

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        settings = PlatformSettings(url=str(server.make_url("")))
        async with PlatformHttp(settings) as http:
            yield PlatformClient(http, Anonymous(), dialect or Dialect(name="test")), asked


def printed(name: str) -> Any:
    return example(f"{name}.response")


@pytest.mark.parametrize("name", sorted(CALLED_ON_PLATFORM))
@pytest.mark.row("COM-15", part="Annexes A to F, which this version does not serve")
async def test_the_example_is_sent_and_its_answer_understood(name: str) -> None:
    call = name.partition("-")[2].split("-")[0]
    method = {"keepalive": "keep_alive"}.get(call, call)
    request = REQUESTS[name].read(example(f"{name}.request"))
    async with platform({f"/CAD/machine/{call}": printed(name)}) as (client, asked):
        await getattr(client, method)(request)
    [(_, sent)] = asked
    for member, value in example(f"{name}.request").items():
        assert (type(sent[member]), sent[member]) == (type(value), value)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.response.json")), ids=lambda p: p.stem)
@pytest.mark.row("COM-01")
def test_every_printed_answer_is_a_success(path: Any) -> None:
    envelope = read_answer(200, path.read_bytes())
    assert (envelope.code, envelope.message) == (0, "success")
    assert envelope == read_envelope(json.loads(path.read_text("utf-8")))


@pytest.mark.row("COM-05")
async def test_another_spelling_is_tried_once_and_remembered() -> None:
    served = {f"/ACP/machine/{call}": printed("H.2-register-machine") for call in CALLS}
    async with platform(served) as (client, asked):
        await client.register(REGISTRATION)
        await client.keep_alive(KeepaliveRequest(code="m", expires=60))
    assert [path for path, _ in asked] == [
        "/CAD/machine/register",
        "/ACP/machine/register",
        "/ACP/machine/keepalive",
    ]


@pytest.mark.row("COM-14")
async def test_the_dialect_says_which_spelling_is_likeliest() -> None:
    dialect = Dialect(name="acp", machine_paths=("/ACP/machine", "/CAD/machine"))
    served = {"/ACP/machine/register": printed("H.2-register-machine")}
    async with platform(served, dialect) as (client, asked):
        await client.register(REGISTRATION)
    assert [path for path, _ in asked] == ["/ACP/machine/register"]


async def test_a_machine_that_is_not_known_is_not_looked_for_elsewhere() -> None:
    unknown = {"code": "40401", "message": "no such machine"}
    served = {"/CAD/machine/register": printed("H.2-register-machine")}
    async with platform({**served, "/CAD/machine/keepalive": unknown}) as (client, asked):
        await client.register(REGISTRATION)
        with pytest.raises(PlatformRefusedError):
            await client.keep_alive(KeepaliveRequest(code="m", expires=60))
    assert len(asked) == 2


async def test_a_platform_that_serves_no_spelling_is_reported_with_the_printed_one() -> None:
    async with platform({}) as (client, asked):
        with pytest.raises(PlatformRefusedError, match="POST /CAD/machine/register"):
            await client.register(REGISTRATION)
    assert len(asked) == 2


CALLS = ("register", "unregister", "keepalive")
REGISTRATION = RegisterRequest(code="m", ip="127.0.0.1", port=8123)
