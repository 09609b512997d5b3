"""Readers against a real RTSP server, and against what only looks like one."""

import logging
import os
import socket
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import closing, contextmanager
from itertools import pairwise

import pytest
import pytest_asyncio

from cad.base.clock import SystemClock
from cad.domain.faults import FaultClass
from cad.domain.streams import StreamPhase, StreamSource, Transport
from cad.sim.camera import Mount, MountKind, RtspCamera, unavailable
from tests.analysis.ingest.rig import (
    Collector,
    has_fault,
    is_open,
    limits,
    message,
    reading,
)
from tests.waiting import until

PASSWORD = "p@ss:w%rd"
MOUNTS = {
    "/stream": Mount(),
    "/short": Mount(pictures=15),
    "/h265": Mount(codec="h265", pictures=30),
    "/once": Mount(pictures=20, loop=False),
    "/frozen": Mount(kind=MountKind.FROZEN),
    "/audio": Mount(kind=MountKind.AUDIO),
}

missing = unavailable()
if missing and os.environ.get("CI"):
    pytest.fail(f"no RTSP server can be run: {missing}", pytrace=False)
pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(bool(missing), reason=missing),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def camera() -> AsyncGenerator[RtspCamera]:
    async with RtspCamera(mounts=MOUNTS, user="admin", password=PASSWORD) as running:
        yield running


@pytest.mark.parametrize("transport", list(Transport))
async def test_pictures_come_over_either_transport(
    camera: RtspCamera, transport: Transport
) -> None:
    sink = Collector()
    async with reading(StreamSource(url=camera.url(), transport=transport), limits(), sink) as it:
        await until(lambda: len(sink.frames) >= 10)
        status = it.status()
    assert (status.phase, status.fault) == (StreamPhase.OPEN, None)
    assert (status.width, status.height, status.codec) == (768, 576, "h264")
    assert status.frame_rate == pytest.approx(10, rel=0.2)
    assert status.received >= status.decoded >= 10
    assert status.last_frame_age is not None


async def test_h265_is_decoded(camera: RtspCamera) -> None:
    async with reading(camera.url("/h265"), limits()) as it:
        await until(lambda: is_open(it))
        assert it.status().codec == "hevc"


async def test_a_password_may_be_written_as_it_is(camera: RtspCamera) -> None:
    url = f"rtsp://admin:{PASSWORD}@{camera.host}:{camera.port}/stream"
    async with reading(url, limits()) as it:
        await until(lambda: is_open(it))


async def test_the_loop_of_a_camera_is_one_time_line(camera: RtspCamera) -> None:
    sink = Collector()
    async with reading(camera.url("/short"), limits(), sink):
        await until(lambda: len(sink.frames) >= 40)
    steps = [later - earlier for earlier, later in pairwise(sink.times)][2:]
    assert steps == pytest.approx([0.1] * len(steps), abs=0.02)


@pytest.mark.parametrize(
    ("path", "kind", "says"),
    [
        ("/absent", FaultClass.NOT_FOUND, "404"),
        ("/frozen", FaultClass.TIMEOUT, "no media for 1.5 s"),
        ("/audio", FaultClass.CODEC, "no video"),
        ("/once", FaultClass.CONNECTION, "ended the stream"),
    ],
)
async def test_a_fault_is_named(camera: RtspCamera, path: str, kind: FaultClass, says: str) -> None:
    async with reading(camera.url(path), limits()) as it:
        await until(lambda: has_fault(it, kind))
        assert says in message(it)
        assert f"{camera.host}:{camera.port}" in message(it)


@pytest.mark.parametrize("userinfo", ["admin:wrong@", "nobody:x@", ""])
async def test_a_wrong_password_is_an_auth_fault(camera: RtspCamera, userinfo: str) -> None:
    url = f"rtsp://{userinfo}{camera.host}:{camera.port}/stream"
    async with reading(url, limits()) as it:
        await until(lambda: has_fault(it, FaultClass.AUTH))
        assert it.status().phase is StreamPhase.WAITING


async def test_credentials_stay_inside(
    camera: RtspCamera, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    urls = [camera.url(path) for path in ("/stream", "/absent", "/audio")]
    urls += [f"rtsp://admin:{PASSWORD}x@{camera.host}:{camera.port}/", "rtsp://a:p@ss@[::1/x"]
    for url in urls:
        async with reading(url, limits()) as it:
            await until(lambda: is_open(it) or it.status().fault)
            said = repr(it.status()) + caplog.text + "".join(capfd.readouterr())
            assert "p@ss" not in said
            assert "p%40ss" not in said


async def test_a_stream_comes_back_when_its_camera_does() -> None:
    camera, sink = RtspCamera(mounts={"/stream": Mount(pictures=20)}), Collector()
    async with camera:
        url = camera.url()
        async with reading(url, limits(), sink) as it:
            await until(lambda: is_open(it))
            await camera.__aexit__(None, None, None)
            await until(lambda: has_fault(it, FaultClass.CONNECTION))
            seen = len(sink.frames)
            async with camera:
                await until(lambda: is_open(it) and len(sink.frames) > seen + 5, 20)
            assert it.status().connects >= 2
    assert all(later > earlier for earlier, later in pairwise(sink.times))


async def test_the_last_picture_of_a_camera_that_falls_silent_is_not_shown_as_a_new_one() -> None:
    clock, sink = SystemClock(), Collector()
    async with RtspCamera() as camera, reading(camera.url(), limits(), sink) as it:
        await until(lambda: len(sink.frames) >= 5)
        camera.fall_silent()
        silent = clock.monotonic()
        await until(lambda: has_fault(it, FaultClass.TIMEOUT))
        last, age = sink.frames[-1].received, it.status().last_frame_age
        camera.go_on()
    assert last < silent + 0.5
    assert age is not None
    assert age > 1


async def test_a_refused_port_is_a_connection_fault() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    async with reading(f"rtsp://u:p@127.0.0.1:{port}/x", limits()) as it:
        await until(lambda: has_fault(it, FaultClass.CONNECTION))
        assert message(it) == f"127.0.0.1:{port}: Connection refused"


async def test_a_host_without_address_is_a_connection_fault() -> None:
    async with reading("rtsp://camera.invalid/x", limits()) as it:
        await until(lambda: has_fault(it, FaultClass.CONNECTION))
        assert "camera.invalid" in message(it)


Behaviour = Callable[[socket.socket, threading.Event], None]


def keep_silent(_: socket.socket, over: threading.Event) -> None:
    over.wait()


def hang_up(connection: socket.socket, _: threading.Event) -> None:
    connection.recv(1000)


def talk_garbage(connection: socket.socket, over: threading.Event) -> None:
    connection.recv(1000)
    connection.sendall(bytes(range(256)) * 100)
    over.wait(0.2)


def talk_http(connection: socket.socket, over: threading.Event) -> None:
    connection.recv(1000)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    over.wait(0.2)


def drip(connection: socket.socket, over: threading.Event) -> None:
    connection.recv(1000)
    while not over.wait(0.1):
        connection.sendall(b"R")


def describe_nothing(connection: socket.socket, over: threading.Event) -> None:
    while not over.is_set() and (request := connection.recv(2000)):
        number = request.split(b"CSeq: ")[1].split(b"\r\n")[0]
        connection.sendall(
            b"RTSP/1.0 200 OK\r\nCSeq: " + number + b"\r\nContent-Length: 4\r\n"
            b"Content-Type: application/sdp\r\n\r\nv=0?"
        )


@contextmanager
def impostor(behaviour: Behaviour) -> Iterator[str]:
    """Listen, treat every caller so, and give the URL."""
    over, threads = threading.Event(), []

    def treat(connection: socket.socket) -> None:
        with closing(connection):
            try:
                behaviour(connection, over)
            except OSError:
                return

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=treat, args=(connection,)))
            threads[-1].start()

    server = socket.create_server(("127.0.0.1", 0))
    threads.append(threading.Thread(target=accept))
    threads[0].start()
    try:
        yield f"rtsp://u:p@127.0.0.1:{server.getsockname()[1]}/x"
    finally:
        over.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        for thread in threads:
            thread.join(5)


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        (keep_silent, FaultClass.TIMEOUT),
        (drip, FaultClass.TIMEOUT),
        (hang_up, FaultClass.CONNECTION),
        (talk_garbage, FaultClass.PROTOCOL),
        (talk_http, FaultClass.PROTOCOL),
        (describe_nothing, FaultClass.CODEC),
    ],
)
async def test_an_impostor_is_found_out_within_the_deadline(
    behaviour: Behaviour, kind: FaultClass
) -> None:
    clock = SystemClock()
    with impostor(behaviour) as url:
        begun = clock.monotonic()
        async with reading(url, limits(open_timeout=2, silence_timeout=1.5)) as it:
            await until(lambda: it.status().fault)
            assert clock.monotonic() - begun < 3
            assert has_fault(it, kind), it.status().fault
            assert "127.0.0.1" in message(it)
