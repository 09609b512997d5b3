"""Tokens got from the reference platform, and what they are shown to."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cad.base.clock import SystemClock
from cad.config.settings import PlatformSettings
from cad.control.platform.client import PlatformClient
from cad.control.platform.errors import (
    PlatformAnswerError,
    PlatformRefusedError,
    TokenRefusedError,
)
from cad.control.platform.http import PlatformHttp
from cad.control.platform.tokens import Anonymous, ClientCredentials
from cad.sim.platform.server import PlatformOptions, ReferencePlatform
from cad.wire.annex_h_machine import KeepaliveRequest, RegisterRequest
from cad.wire.platform_access import TOKEN

CLIENT, SECRET = "machine:1", "s3cret/ü%"
REGISTRATION = RegisterRequest(code="m", ip="127.0.0.1", port=1, username="u", password="p")


class TurnedClock:
    """A clock that stands until it is turned."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.time


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[ReferencePlatform]:
    options = PlatformOptions(
        folder=tmp_path, require_token=True, clients={CLIENT: SECRET, "other": "x"}
    )
    async with ReferencePlatform(options) as server:
        yield server


@pytest.fixture
async def http(platform: ReferencePlatform) -> AsyncIterator[PlatformHttp]:
    settings = PlatformSettings(url=platform.url, ca_file=str(platform.ca_file))
    async with PlatformHttp(settings) as connections:
        yield connections


def authorizer(http: PlatformHttp, secret: str = SECRET, client: str = CLIENT) -> ClientCredentials:
    return ClientCredentials(http, client, secret, clock=SystemClock())


async def test_a_token_is_fetched_once_and_kept(
    platform: ReferencePlatform, http: PlatformHttp
) -> None:
    tokens = authorizer(http)
    first = await tokens.headers(http.address("/a"))
    assert await tokens.headers(http.address("/b")) == first
    assert first["Authorization"].startswith("Bearer ")
    assert platform.tokens.given == 1


async def test_a_token_is_renewed_before_it_expires(
    platform: ReferencePlatform, http: PlatformHttp
) -> None:
    clock = TurnedClock()
    tokens = ClientCredentials(http, CLIENT, SECRET, clock=clock)
    first = await tokens.headers(http.address("/"))
    clock.time = 3239.0
    assert await tokens.headers(http.address("/")) == first
    clock.time = 3241.0
    assert await tokens.headers(http.address("/")) != first


@pytest.mark.parametrize(
    "url",
    ["https://other.example/x", "http://127.0.0.1/x", "https://127.0.0.1.evil/", "x", "https://["],
)
async def test_nobody_but_the_platform_sees_the_token(http: PlatformHttp, url: str) -> None:
    assert await authorizer(http).headers(url) == {}


@pytest.mark.row("SEC-05")
async def test_a_revoked_token_is_renewed_and_the_call_made_again(
    platform: ReferencePlatform, http: PlatformHttp
) -> None:
    client = PlatformClient(http, authorizer(http))
    await client.register(REGISTRATION)
    platform.tokens.revoke_all()
    await client.keep_alive(KeepaliveRequest(code="m", expires=60))
    assert platform.tokens.given == 2
    assert platform.registry.machines["m"].client_id == CLIENT


async def test_without_a_token_the_platform_refuses(http: PlatformHttp) -> None:
    with pytest.raises(PlatformRefusedError, match="40101"):
        await PlatformClient(http, Anonymous()).register(REGISTRATION)


async def test_a_wrong_secret_is_named_and_not_quoted(http: PlatformHttp) -> None:
    client = PlatformClient(http, authorizer(http, "wrong-secret"))
    with pytest.raises(TokenRefusedError, match=r"platform\.client_secret") as caught:
        await client.register(REGISTRATION)
    assert "wrong-secret" not in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"access_token": ""}', b"<html>"])
async def test_an_answer_without_a_token_is_named(
    platform: ReferencePlatform, http: PlatformHttp, body: bytes
) -> None:
    platform.faults.fail_next(TOKEN, 200, body=body)
    with pytest.raises(PlatformAnswerError, match="without an access token"):
        await authorizer(http).headers(http.address("/"))


async def test_a_missing_token_endpoint_does_not_mean_an_unknown_machine(
    platform: ReferencePlatform, http: PlatformHttp
) -> None:
    platform.faults.fail_next(TOKEN, 404)
    client = PlatformClient(http, authorizer(http))
    with pytest.raises(TokenRefusedError):
        await client.keep_alive(KeepaliveRequest(code="m", expires=60))


async def test_another_client_cannot_take_a_code_over(http: PlatformHttp) -> None:
    await PlatformClient(http, authorizer(http)).register(REGISTRATION)
    intruder = PlatformClient(http, authorizer(http, "x", "other"))
    with pytest.raises(PlatformRefusedError, match="40901"):
        await intruder.register(REGISTRATION)
    with pytest.raises(PlatformRefusedError, match="40301"):
        await intruder.keep_alive(KeepaliveRequest(code="m", expires=60))
