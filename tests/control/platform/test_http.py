"""What a device makes of a platform that does not speak HTTP as it should."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cad.base.errors import BadValueError, UnavailableError
from cad.config.settings import PlatformSettings
from cad.control.platform.client import PlatformClient
from cad.control.platform.errors import PasswordUnprotectedError
from cad.control.platform.http import PlatformHttp
from cad.control.platform.introduction import Device, Introduction
from cad.control.platform.tokens import Anonymous
from cad.domain.access import Login
from cad.protocols.sm2 import PrivateKey
from cad.wire.annex_h_machine import KeepaliveRequest
from tests.control.platform.conftest import OneBoot

BEAT = KeepaliveRequest(code="m", expires=60)


@asynccontextmanager
async def answering(data: bytes) -> AsyncIterator[str]:
    """Serve `data` as the whole answer to whatever is asked, then hang up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(data)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x16\x03\x01\x00",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 banana\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 20_000 + b"\r\n\r\n",
    ],
)
async def test_whatever_comes_back_only_documented_errors_come_out(data: bytes) -> None:
    async with answering(data) as url, PlatformHttp(PlatformSettings(url=url)) as http:
        with pytest.raises(UnavailableError):
            await PlatformClient(http, Anonymous()).keep_alive(BEAT)


async def test_a_name_that_leads_nowhere_is_an_unreachable_platform() -> None:
    settings = PlatformSettings(url="https://no.such.host.invalid")
    async with PlatformHttp(settings) as http:
        with pytest.raises(UnavailableError, match="no connection"):
            await PlatformClient(http, Anonymous()).keep_alive(BEAT)
        with pytest.raises(UnavailableError, match="no route"):
            await introduction(http, settings).registration()


@pytest.mark.parametrize("url", ["http://[", "http://a:b:c", "https://host:99999"])
def test_an_address_that_is_none_is_named(url: str) -> None:
    with pytest.raises(BadValueError, match=r"platform\.url"):
        PlatformHttp(PlatformSettings(url=url))


async def test_credentials_in_the_url_are_never_shown() -> None:
    settings = PlatformSettings(url="http://user:pa55@127.0.0.1:1")
    async with PlatformHttp(settings) as http:
        with pytest.raises(UnavailableError) as caught:
            await PlatformClient(http, Anonymous()).keep_alive(BEAT)
    assert "pa55" not in str(caught.value) + http.url


async def test_the_password_is_never_sent_in_the_clear_over_http() -> None:
    missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    async with answering(missing) as url, PlatformHttp(PlatformSettings(url=url)) as http:
        with pytest.raises(PasswordUnprotectedError, match="SM2"):
            await introduction(http, PlatformSettings(url=url)).registration()


async def test_a_configured_key_needs_no_answer_of_the_platform() -> None:
    key = (await asyncio.to_thread(PrivateKey.generate)).public.hex()
    settings = PlatformSettings(url="http://127.0.0.1:1", sm2_public_key=key, advertise_host="box")
    async with PlatformHttp(settings) as http:
        request = await introduction(http, settings).registration()
    assert (request.ip, request.password_enc) == ("box", "SM2")
    assert (request.password or "").startswith("04")


@pytest.mark.parametrize("key", ["ca_file", "client_cert"])
@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_a_bad_certificate_file_is_named(
    tmp_path: Path, key: str, content: str | None
) -> None:
    path = tmp_path / "file.pem"
    if content is not None:
        path.write_text(content)
    http = PlatformHttp(PlatformSettings.model_validate({"url": "https://p", key: str(path)}))
    with pytest.raises(BadValueError, match=f"platform.{key}"):
        await http.__aenter__()


def introduction(http: PlatformHttp, settings: PlatformSettings) -> Introduction:
    device = Device("m", lambda: Login("admin", "password"), port=lambda: 8123)
    return Introduction(settings, PlatformClient(http, Anonymous()), device, OneBoot())
