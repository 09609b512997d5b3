"""The simulated camera as a tool."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import av
import pytest

from cad.sim.camera import CLIP, CameraFailedError, Mount, RtspCamera, unavailable
from cad.sim.elementary import write_elementary
from tests.waiting import until

missing = unavailable()
peer = pytest.mark.skipif(bool(missing) and not os.environ.get("CI"), reason=missing)


@pytest.mark.parametrize(("codec", "name"), [("h264", "h264"), ("h265", "hevc")])
def test_an_elementary_stream_has_the_pictures_of_its_clip(
    tmp_path: Path, codec: str, name: str
) -> None:
    rate = write_elementary(CLIP, codec, tmp_path / "raw", pictures=12)
    with av.open(str(tmp_path / "raw"), "r") as raw:
        video = raw.streams.video[0]
        assert video.codec_context.name == name
        assert sum(1 for _ in raw.decode(video)) == 12
        assert not video.codec_context.has_b_frames
    assert rate == 10


def test_urls_hold_credentials_only_on_demand() -> None:
    camera = RtspCamera(user="admin", password="p@ss/", port=554)
    assert camera.url("/a") == "rtsp://admin:p%40ss%2F@127.0.0.1:554/a"
    assert camera.url("/a", credentials=False) == "rtsp://127.0.0.1:554/a"


@peer
@pytest.mark.peer
async def test_a_taken_port_is_said() -> None:
    mounts = {"/stream": Mount(pictures=5)}
    async with RtspCamera(mounts=mounts) as first:
        second = RtspCamera(mounts=mounts, port=first.port)
        with pytest.raises(CameraFailedError, match="port"):
            async with second:
                pass


@peer
@pytest.mark.peer
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)]
)
async def test_the_command_serves_until_told_to_end_and_nothing_outlives_it(
    number: signal.Signals, code: int
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cad.sim.camera", "--port", "0"), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode()
    assert url.startswith("rtsp://127.0.0.1:")
    process.send_signal(number)
    assert await process.wait() == code
    await until(lambda: not listens(url))


def listens(url: str) -> bool:
    parts = urlsplit(url.strip())
    try:
        socket.create_connection((str(parts.hostname), int(parts.port or 0)), 1).close()
    except OSError:
        return False
    return True
