"""The platform's client against a device that notes what it is asked."""

import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import aiohttp
import pytest
from aiohttp import web
from typing_extensions import override

from cad.domain.dialects import Dialect, Reading
from cad.sim.platform.ca import CertificateAuthority, Identity
from cad.sim.platform.device import DeviceClient, DeviceRefusedError, Trust
from cad.sim.platform.registry import Login, Machine

PACKAGE = {
    "algoPackageCode": "A-B-1.0.0",
    "algoPackageName": "b",
    "algoPackageVersion": "1.0.0",
    "algoPackageType": "BIN",
    "status": "RUNNING",
}
ANSWERS: dict[str, object] = {
    "/CAD/machine/status/m1": {"code": "m1", "isOnline": True, "memFree": " 39.605 "},
    "/CAP/AlgoTasks:search": {"pageNumber": 1, "pageSize": 20, "total": 0, "records": []},
    "/CAD/machine/algoPackages": [PACKAGE],
    "/CAD/machine/algoPackages/A-B-1.0.0": PACKAGE,
    "/CAD/machine/algoFilePackages/1": {
        "algoFilePackageId": 1,
        "status": 0,
        "statusText": "available",
        "receivedBytes": 5,
        "createdDate": "2026-11-22 10:00:00.000",
        "algoPackageCodes": ["A-B-1.0.0"],
    },
    "/CAP/AlgoTasks": {"createdStreams": [{"taskInfo": {"id": "t1", "status": "PENDING"}}]},
}


class NotingDevice:
    """A device that answers success to everything and keeps what was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.logins: set[str] = set()

    async def answer(self, request: web.Request) -> web.Response:
        path = request.raw_path
        self.calls.append((request.method, path))
        self.logins.add(request.headers["Authorization"])
        if path.endswith("/missing"):
            body = {"code": "40401", "message": "no such task"}
            return web.json_response(body, status=404)
        return web.json_response(
            {"code": "0", "message": "success", "data": ANSWERS.get(path.partition("?")[0])}
        )


Noting = TypeVar("Noting", bound=NotingDevice)


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return CertificateAuthority(tmp_path, datetime.now(UTC)).issue("device", ["127.0.0.1"])


@pytest.fixture
def other(tmp_path: Path) -> Identity:
    folder = tmp_path / "other"
    return CertificateAuthority(folder, datetime.now(UTC)).issue("device", ["127.0.0.1"])


@asynccontextmanager
async def serving(noting: Noting, identity: Identity) -> AsyncIterator[tuple[Noting, int]]:
    """Serve a device over TLS; yield it and its port."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", noting.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=identity.server_context()).start()
    yield noting, runner.addresses[0][1]
    await runner.cleanup()


@pytest.fixture
async def device(identity: Identity) -> AsyncIterator[tuple[NotingDevice, int]]:
    async with serving(NotingDevice(), identity) as served:
        yield served


@pytest.fixture
async def client(
    device: tuple[NotingDevice, int], identity: Identity
) -> AsyncIterator[DeviceClient]:
    trust = Trust.pinned(identity.certificate.read_text())
    async with DeviceClient(machine(device[1]), trust) as connected:
        yield connected


def machine(port: int) -> Machine:
    return Machine("m1", "127.0.0.1", port, Login("admin", "密码:1"), None, deadline=0.0)


async def test_it_logs_in_with_what_the_device_registered(
    client: DeviceClient, device: tuple[NotingDevice, int]
) -> None:
    status = await client.status()
    assert (status.device_code, status.is_online, status.mem_free) == ("m1", True, "39.605")
    expected = base64.b64encode("admin:密码:1".encode()).decode()
    assert device[0].logins == {f"Basic {expected}"}


async def test_every_call_goes_where_the_standard_says(
    client: DeviceClient, device: tuple[NotingDevice, int]
) -> None:
    await client.push_file_package({"algoFilePackageId": 1})
    await client.install("A-B-1.0.0", "max_batch=4")
    assert [item.algo_package_code for item in await client.algorithm_packages()] == ["A-B-1.0.0"]
    assert (await client.algorithm_package("A-B-1.0.0")).algo_package_version == "1.0.0"
    assert (await client.file_package(1)).received_bytes == 5
    await client.uninstall("A-B-1.0.0")
    await client.delete_file_package(1)
    assert device[0].calls == [
        ("POST", "/CAD/machine/algoFilePackages"),
        ("POST", "/CAD/machine/algoPackages"),
        ("GET", "/CAD/machine/algoPackages"),
        ("GET", "/CAD/machine/algoPackages/A-B-1.0.0"),
        ("GET", "/CAD/machine/algoFilePackages/1"),
        ("DELETE", "/CAD/machine/algoPackages/A-B-1.0.0"),
        ("DELETE", "/CAD/machine/algoFilePackages/1"),
    ]


async def test_task_ids_travel_as_one_segment(
    client: DeviceClient, device: tuple[NotingDevice, int]
) -> None:
    created = await client.create_task({})
    assert created.created_streams[0].task_info.id == "t1"
    await client.pause_task("a/b:c")
    await client.resume_task("t1")
    assert (await client.search_tasks()).total == 0
    await client.delete_task("t1")
    assert [path for _, path in device[0].calls] == [
        "/CAP/AlgoTasks",
        "/CAP/AlgoTasks/a%2Fb%3Ac:pause",
        "/CAP/AlgoTasks/t1:resume",
        "/CAP/AlgoTasks:search",
        "/CAP/AlgoTasks/t1",
    ]


async def test_a_refusal_has_the_code(client: DeviceClient) -> None:
    with pytest.raises(DeviceRefusedError, match="no such task") as caught:
        await client.task("missing")
    assert caught.value.answer_code == 40401


async def test_a_certificate_other_than_the_pinned_one_is_refused(
    device: tuple[NotingDevice, int], other: Identity
) -> None:
    trust = Trust.pinned(other.certificate.read_text())
    async with DeviceClient(machine(device[1]), trust) as client:
        with pytest.raises(aiohttp.ServerFingerprintMismatch):
            await client.status()


async def test_a_private_authority_is_trusted(
    device: tuple[NotingDevice, int], tmp_path: Path
) -> None:
    trust = Trust(ssl.create_default_context(cafile=tmp_path / "ca.pem"))
    async with DeviceClient(machine(device[1]), trust) as client:
        assert (await client.status()).is_online


class OtherSpelling(NotingDevice):
    """A device that serves the spelling of clause I.7 only, and reads the bodies of GET."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[bytes] = []

    @override
    async def answer(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        self.calls.append((request.method, request.path))
        if "/algoPackages" in request.path:
            return web.Response(status=404, text="404: Not Found")
        return web.json_response({"code": "0", "message": "success", "data": [PACKAGE]})


@pytest.fixture
async def other_spelling(identity: Identity) -> AsyncIterator[tuple[OtherSpelling, int]]:
    async with serving(OtherSpelling(), identity) as served:
        yield served


@pytest.mark.row("COM-05")
@pytest.mark.row("COM-14")
async def test_the_other_spelling_is_tried_once_and_remembered(
    other_spelling: tuple[OtherSpelling, int], identity: Identity
) -> None:
    device, port = other_spelling
    trust = Trust.pinned(identity.certificate.read_text())
    dialect = Dialect(name="body", get_reading=Reading.BODY)
    async with DeviceClient(machine(port), trust, dialect) as client:
        for status in ("RUNNING", "STOPPED"):
            assert len(await client.algorithm_packages(status)) == 1
    spelled = ["algoPackages", "algorithmPackages", "algorithmPackages"]
    assert device.calls == [("GET", f"/CAD/machine/{name}") for name in spelled]
    assert device.bodies[1:] == [b'{"status": "RUNNING"}', b'{"status": "STOPPED"}']


async def test_a_filter_travels_in_the_query_otherwise(
    client: DeviceClient, device: tuple[NotingDevice, int]
) -> None:
    await client.algorithm_packages("RUNNING")
    assert device[0].calls == [("GET", "/CAD/machine/algoPackages?status=RUNNING")]
