"""Certificate files of the platform that change while the device runs."""

import asyncio
import logging
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from cad.base.errors import UnavailableError
from cad.config.settings import PlatformSettings
from cad.control.platform.http import PlatformHttp
from cad.control.sinks.http import renewed_http_context
from cad.domain.views import LinkState
from cad.sim.platform.ca import CertificateAuthority, Identity
from cad.sim.platform.server import PlatformOptions, ReferencePlatform
from tests.control.platform.conftest import open_link
from tests.waiting import until


@pytest.fixture(autouse=True)
def short_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cad.base.file_watch.LOOK_INTERVAL", 0.02)


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    """The device's own copy of the CA, as somebody put it there."""
    return tmp_path / "trusted.pem"


async def test_a_platform_with_a_new_authority_is_trusted_once_its_file_is_there(
    tmp_path: Path, ca_file: Path
) -> None:
    async with ReferencePlatform(PlatformOptions(folder=tmp_path / "old")) as former:
        shutil.copy(former.ca_file, ca_file)
    async with ReferencePlatform(PlatformOptions(folder=tmp_path / "new")) as platform:
        settings = PlatformSettings(url=platform.url, ca_file=str(ca_file))
        async with open_link(settings) as link:
            await until(lambda: "certificate" in link.view().last_error)
            shutil.copy(platform.ca_file, ca_file)
            await until(lambda: link.view().state is LinkState.ONLINE)


async def test_an_authority_that_was_replaced_is_trusted_no_longer(
    platform: ReferencePlatform, tmp_path: Path, ca_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    shutil.copy(platform.ca_file, ca_file)
    settings = PlatformSettings(url=platform.url, ca_file=str(ca_file))
    async with PlatformHttp(settings) as http:
        shutil.copy((await authority(tmp_path / "other")).file, ca_file)
        await until(lambda: "new certificates towards platform" in caplog.text)
        with pytest.raises(UnavailableError, match="not accepted"):
            await http.exchange("GET", "/")


def spoil(path: Path, content: bytes | None) -> None:
    """Write `content`, or remove the file."""
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)


@pytest.mark.parametrize("spoiled", [b"garbage", b"", None])
async def test_a_file_that_cannot_be_used_is_named_once_and_the_old_one_goes_on(
    platform: ReferencePlatform,
    ca_file: Path,
    caplog: pytest.LogCaptureFixture,
    spoiled: bytes | None,
) -> None:
    shutil.copy(platform.ca_file, ca_file)
    settings = PlatformSettings(url=platform.url, ca_file=str(ca_file))
    async with PlatformHttp(settings) as http:
        spoil(ca_file, spoiled)
        await until(lambda: "refused" in caplog.text)
        await asyncio.sleep(0.2)  # ten looks more, in which nothing is to happen
        assert (await http.exchange("GET", "/")).status == 404
    assert caplog.text.count("platform.ca_file") == 1


@asynccontextmanager
async def serving(context: ssl.SSLContext) -> AsyncIterator[str]:
    """Serve the name in the certificate of whoever calls."""

    async def name(request: web.Request) -> web.Response:
        assert request.transport is not None
        shown = request.transport.get_extra_info("peercert") or {"subject": ""}
        return web.Response(text=str(shown["subject"]))

    app = web.Application()
    app.router.add_get("/", name)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def authority(folder: Path) -> CertificateAuthority:
    return await asyncio.to_thread(CertificateAuthority, folder, datetime.now(UTC))


async def issued(ca: CertificateAuthority, name: str) -> Identity:
    return await asyncio.to_thread(ca.issue, name, ["127.0.0.1"])


async def test_a_new_certificate_of_this_device_is_shown(tmp_path: Path) -> None:
    ca = await authority(tmp_path)
    server, own, renewed = [await issued(ca, name) for name in ("server", "first", "second")]
    files = {"client_cert": str(own.certificate), "client_key": str(own.key)}
    async with serving(await asyncio.to_thread(demanding, server, ca)) as url:
        settings = PlatformSettings.model_validate({"url": url, "ca_file": str(ca.file), **files})
        async with PlatformHttp(settings) as http:
            await shows(http, "first")
            shutil.copy(renewed.key, own.key)
            shutil.copy(renewed.certificate, own.certificate)
            await shows(http, "second")


def demanding(server: Identity, ca: CertificateAuthority) -> ssl.SSLContext:
    """Return the context of a server that wants to see a certificate."""
    context = server.server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(ca.file)
    return context


async def shows(http: PlatformHttp, name: str) -> None:
    """Wait until new connections are made with the certificate of `name`."""
    headers = {"Connection": "close"}
    async with asyncio.timeout(10):
        while name.encode() not in (await http.exchange("GET", "/", headers=headers)).body:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def test_receivers_of_events_are_met_by_the_new_file_too(
    tmp_path: Path, ca_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    old, new = [await authority(tmp_path / name) for name in ("old", "new")]
    shutil.copy(old.file, ca_file)
    server = await asyncio.to_thread((await issued(new, "receiver")).server_context)
    settings = PlatformSettings(ca_file=str(ca_file))
    async with (
        serving(server) as url,
        renewed_http_context(settings) as context,
        aiohttp.ClientSession() as session,
    ):
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(url, ssl=context)
        shutil.copy(new.file, ca_file)
        await until(lambda: "new certificates towards receivers" in caplog.text)
        async with session.get(url, ssl=context) as response:
            assert response.status == 200
