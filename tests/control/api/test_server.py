"""The API as it is really served: TLS on the network, a Unix socket beside it."""

import logging
import socket
import ssl
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509

from cad.base.clock import SystemClock
from cad.config.settings import ApiSettings
from cad.control.api.app import local_app, public_app
from cad.control.api.auth import Gate
from cad.control.api.server import ApiServer, CannotListenError
from cad.control.api.tls import TlsSettingsError
from tests.control.api.conftest import MAX_BODY, PROOF, Fakes
from tests.waiting import until

STATUS = "/CAD/machine/status/machine_code"


@pytest.fixture
def settings(tmp_path: Path) -> ApiSettings:
    return ApiSettings(host="127.0.0.1", port=0, socket=tmp_path / "run" / "cad.sock")


@asynccontextmanager
async def serving(settings: ApiSettings, fakes: Fakes, home: Path) -> AsyncIterator[ApiServer]:
    server = ApiServer(settings, home, ["machine_code", "127.0.0.1", "::1"], SystemClock())
    services = fakes.services()
    public = public_app(services, Gate(fakes.access.door, basic=True), max_body_bytes=MAX_BODY)
    async with server.serving(public, local_app(services, max_body_bytes=MAX_BODY)):
        yield server


async def get(url: str, context: ssl.SSLContext | None = None) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, ssl=context or True, headers={"Authorization": PROOF}) as response,
    ):
        return response.status


async def get_local(path: Path) -> int:
    connector = aiohttp.UnixConnector(str(path))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get("http://cad/local/v1/status") as response,
    ):
        return response.status


@pytest.mark.row("SEC-01")
async def test_both_are_served_and_the_certificate_can_be_verified(
    settings: ApiSettings, fakes: Fakes, tmp_path: Path
) -> None:
    async with serving(settings, fakes, tmp_path) as server:
        context = ssl.create_default_context(cafile=str(tmp_path / "tls" / "server.crt"))
        assert await get(f"https://127.0.0.1:{server.port}{STATUS}", context) == 200
        assert await get_local(settings.socket) == 200


async def test_the_certificate_is_made_once_and_its_key_is_private(
    settings: ApiSettings, fakes: Fakes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    made = []
    for _ in range(2):
        async with serving(settings, fakes, tmp_path):
            made.append((tmp_path / "tls" / "server.crt").read_bytes())
    assert made[0] == made[1]
    assert stat.S_IMODE((tmp_path / "tls" / "server.key").stat().st_mode) == 0o600
    assert "made the self-signed" in caplog.text
    x509.load_pem_x509_certificate(made[0])


async def test_only_the_group_may_open_the_socket(
    settings: ApiSettings, fakes: Fakes, tmp_path: Path
) -> None:
    async with serving(settings, fakes, tmp_path):
        assert stat.S_IMODE(settings.socket.stat().st_mode) == 0o660


async def test_old_tls_is_refused(settings: ApiSettings, fakes: Fakes, tmp_path: Path) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    async with serving(settings, fakes, tmp_path) as server:
        with pytest.raises(aiohttp.ClientConnectionError):
            await get(f"https://127.0.0.1:{server.port}{STATUS}", old)


async def test_plain_http_is_served_if_it_is_allowed(
    settings: ApiSettings, fakes: Fakes, tmp_path: Path
) -> None:
    plain = settings.model_copy(update={"allow_http": True})
    async with serving(plain, fakes, tmp_path) as server:
        assert await get(f"http://127.0.0.1:{server.port}{STATUS}") == 200


async def test_callers_need_a_certificate_if_a_ca_is_set(
    settings: ApiSettings, fakes: Fakes, tmp_path: Path
) -> None:
    async with serving(settings, fakes, tmp_path):
        pass
    cert, key = tmp_path / "tls" / "server.crt", tmp_path / "tls" / "server.key"
    async with serving(
        settings.model_copy(update={"client_ca": str(cert)}), fakes, tmp_path
    ) as api:
        context = ssl.create_default_context(cafile=str(cert))
        url = f"https://127.0.0.1:{api.port}{STATUS}"
        with pytest.raises(aiohttp.ClientError):
            await get(url, context)
        context.load_cert_chain(cert, key)
        assert await get(url, context) == 200


@pytest.mark.parametrize("name", ["tls_cert", "client_ca"])
async def test_an_unusable_certificate_is_named(
    settings: ApiSettings, fakes: Fakes, tmp_path: Path, name: str
) -> None:
    (tmp_path / "bad.pem").write_text("no certificate")
    broken = settings.model_copy(update={name: str(tmp_path / "bad.pem")})
    with pytest.raises(TlsSettingsError, match=rf"api\.{name} .*bad\.pem"):
        async with serving(broken, fakes, tmp_path):
            pass


async def test_a_port_in_use_is_named(settings: ApiSettings, fakes: Fakes, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = settings.model_copy(update={"port": taken.getsockname()[1]})
        with pytest.raises(CannotListenError, match=r"api\.port"):
            async with serving(busy, fakes, tmp_path):
                pass


async def test_the_socket_of_a_dead_daemon_is_taken_over(
    settings: ApiSettings, fakes: Fakes, tmp_path: Path
) -> None:
    settings.socket.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(settings.socket))
    async with serving(settings, fakes, tmp_path):
        assert await get_local(settings.socket) == 200


async def test_the_socket_of_a_living_daemon_is_left_alone(
    settings: ApiSettings, fakes: Fakes, tmp_path: Path
) -> None:
    async with serving(settings, fakes, tmp_path):
        with pytest.raises(CannotListenError, match="another daemon"):
            async with serving(settings, fakes, tmp_path):
                pass
        assert await get_local(settings.socket) == 200


async def test_a_file_in_place_of_the_socket_is_left_alone(
    settings: ApiSettings, fakes: Fakes, tmp_path: Path
) -> None:
    settings.socket.parent.mkdir()
    settings.socket.write_text("precious")
    with pytest.raises(CannotListenError, match="is not a socket"):
        async with serving(settings, fakes, tmp_path):
            pass
    assert settings.socket.read_text() == "precious"


async def test_an_open_feed_does_not_hold_up_the_stop(
    settings: ApiSettings, fakes: Fakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cad.control.api.server.SHUTDOWN_TIME", 0.05)
    connector = aiohttp.UnixConnector(str(settings.socket))
    async with aiohttp.ClientSession(connector=connector) as session:
        async with serving(settings, fakes, tmp_path):
            response = await session.get("http://cad/local/v1/events/tail")
            await until(lambda: fakes.outbox.readers == 1)
        assert fakes.outbox.readers == 0
        response.close()
