"""Certificates that change while the API is served, and callers that must show one."""

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
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from cad.base.clock import SystemClock
from cad.config.settings import ApiSettings
from cad.control.api.server import ApiServer
from cad.sim.platform.ca import CertificateAuthority, Identity
from tests.control.access.world import TurnedClock
from tests.waiting import until

HOSTS = ("127.0.0.1",)


@pytest.fixture(autouse=True)
def short_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cad.base.file_watch.LOOK_INTERVAL", 0.02)


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority(tmp_path / "ca", datetime.now(UTC))


@pytest.fixture
def settings(tmp_path: Path, authority: CertificateAuthority) -> ApiSettings:
    install(authority.issue("first", HOSTS), tmp_path)
    return ApiSettings(
        host="127.0.0.1",
        port=0,
        socket=tmp_path / "cad.sock",
        tls_cert=str(tmp_path / "tls.crt"),
        tls_key=str(tmp_path / "tls.key"),
    )


def install(identity: Identity, folder: Path) -> None:
    """Put a certificate where the settings say it is, as certbot or a person would."""
    shutil.copy(identity.certificate, folder / "tls.crt")
    shutil.copy(identity.key, folder / "tls.key")


async def hello(request: web.Request) -> web.Response:
    """Tell how many calls came over this connection before."""
    assert request.transport is not None
    return web.Response(text=str(id(request.transport)))


@asynccontextmanager
async def serving(settings: ApiSettings, home: Path) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/", hello)
    server = ApiServer(settings, home, HOSTS, SystemClock())
    async with server.serving(app, web.Application()):
        yield f"https://127.0.0.1:{server.port}/"


@pytest.fixture
async def url(settings: ApiSettings, tmp_path: Path) -> AsyncIterator[str]:
    async with serving(settings, tmp_path) as address:
        yield address


def trusting(authority: CertificateAuthority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.file))


async def shown_name(url: str, context: ssl.SSLContext) -> str:
    """Return the common name of the certificate that a new connection is shown."""
    host, port = url.removeprefix("https://").strip("/").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    del reader
    name = x509.load_der_x509_certificate(der).subject
    return name.rfc4514_string()


async def shows(url: str, context: ssl.SSLContext, name: str) -> None:
    """Wait until new connections are shown the certificate of `name`."""
    async with asyncio.timeout(10):
        while await shown_name(url, context) != f"CN={name}":  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def issued(authority: CertificateAuthority, name: str) -> Identity:
    """Return a new certificate of `name`."""
    return await asyncio.to_thread(authority.issue, name, HOSTS)


@pytest.mark.row("SEC-01")
async def test_new_files_are_served_without_a_restart(
    url: str, authority: CertificateAuthority, tmp_path: Path
) -> None:
    context = trusting(authority)
    assert await shown_name(url, context) == "CN=first"
    install(await issued(authority, "second"), tmp_path)
    await shows(url, context, "second")


async def test_calls_under_way_and_open_connections_notice_nothing(
    url: str, authority: CertificateAuthority, tmp_path: Path
) -> None:
    context, used = trusting(authority), set[str]()
    connector = aiohttp.TCPConnector(ssl=context, limit=1)
    async with aiohttp.ClientSession(connector=connector) as session:
        for name in ("second", "third", "fourth"):
            install(await issued(authority, name), tmp_path)
            for _ in range(20):
                async with session.get(url) as response:
                    used.add(await response.text())
            await shows(url, context, name)
        async with session.get(url) as response:
            used.add(await response.text())
    assert len(used) == 1


@pytest.mark.parametrize("change", ["mismatch", "garbage", "missing", "encrypted"])
async def test_files_that_are_no_pair_are_named_once_and_the_old_ones_served(
    url: str,
    authority: CertificateAuthority,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    change: str,
) -> None:
    spoil(tmp_path / "tls.key", change, (await issued(authority, "other")).key)
    await until(lambda: "refused" in caplog.text)
    await asyncio.sleep(0.2)  # ten looks more, in which nothing is to happen
    assert await shown_name(url, trusting(authority)) == "CN=first"
    refusals = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(refusals) == 1
    assert "tls.key" in refusals[0].getMessage()


def spoil(key: Path, change: str, other: Path) -> None:
    match change:
        case "mismatch":
            shutil.copy(other, key)
        case "garbage":
            key.write_text("no key")
        case "missing":
            key.unlink()
        case _:
            loaded = serialization.load_pem_private_key(key.read_bytes(), None)
            encryption = serialization.BestAvailableEncryption(b"secret")
            key.write_bytes(
                loaded.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
                )
            )


async def test_after_a_refusal_a_good_pair_is_served(
    url: str, authority: CertificateAuthority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spoil(tmp_path / "tls.key", "garbage", tmp_path)
    await until(lambda: "refused" in caplog.text)
    install(await issued(authority, "second"), tmp_path)
    await shows(url, trusting(authority), "second")


@pytest.fixture
def strangers(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority(tmp_path / "strangers", datetime.now(UTC), "strangers")


@pytest.mark.row("SEC-02")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_only_certificates_of_the_named_ca_are_let_in(
    settings: ApiSettings,
    authority: CertificateAuthority,
    strangers: CertificateAuthority,
    tmp_path: Path,
    version: ssl.TLSVersion,
) -> None:
    mutual = settings.model_copy(update={"client_ca": str(authority.file)})
    async with serving(mutual, tmp_path) as url:
        known = await issued(authority, "caller")
        assert await status(url, caller(authority, known, version)) == 200
        for identity in (None, await issued(strangers, "stranger")):
            with pytest.raises(aiohttp.ClientError):
                await status(url, caller(authority, identity, version))


async def test_another_client_ca_is_taken_into_use(
    settings: ApiSettings,
    authority: CertificateAuthority,
    strangers: CertificateAuthority,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    named = tmp_path / "callers.pem"
    shutil.copy(authority.file, named)
    mutual = settings.model_copy(update={"client_ca": str(named)})
    async with serving(mutual, tmp_path) as url:
        shutil.copy(strangers.file, named)
        await until(lambda: "new certificate" in caplog.text)
        friend = caller(authority, await issued(strangers, "friend"))
        assert await status(url, friend) == 200
        with pytest.raises(aiohttp.ClientError):
            await status(url, caller(authority, await issued(authority, "former")))


def caller(
    authority: CertificateAuthority,
    identity: Identity | None,
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
) -> ssl.SSLContext:
    context = trusting(authority)
    context.maximum_version = version
    if identity is not None:
        context.load_cert_chain(identity.certificate, identity.key)
    return context


async def status(url: str, context: ssl.SSLContext) -> int:
    async with aiohttp.ClientSession() as session, session.get(url, ssl=context) as response:
        return response.status


async def test_a_certificate_made_in_1970_is_valid_when_the_clock_is_set(tmp_path: Path) -> None:
    settings = ApiSettings(host="127.0.0.1", port=0, socket=tmp_path / "cad.sock")
    clock = TurnedClock(datetime(1970, 1, 1, tzinfo=UTC))
    async with ApiServer(settings, tmp_path, HOSTS, clock).serving(
        web.Application(), web.Application()
    ):
        pem = (tmp_path / "tls" / "server.crt").read_bytes()
    made = x509.load_pem_x509_certificate(pem)
    assert made.not_valid_before_utc.year == 2025
    assert made.not_valid_after_utc.year > 2030
