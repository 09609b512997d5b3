"""A simulated RTSP camera: `python -m cad.sim.camera FILE --port 8554`, or `RtspCamera` in code."""

import argparse
import asyncio
import json
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from cad.base.errors import CadError
from cad.sim.elementary import write_elementary

CLIP = Path(__file__).parent / "media" / "pedestrians.mp4"
SCRIPT = Path(__file__).parent / "rtsp_camera.py"
SYSTEM_PYTHON = "/usr/bin/python3"
"""The interpreter for which Debian's `python3-gi` is built."""
PACKAGES = (
    "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good "
    "gstreamer1.0-plugins-bad"
)
PROBE = (
    "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
)
START_TIMEOUT = 10.0
STOP_TIMEOUT = 3.0


class CameraFailedError(CadError):
    """The simulated camera did not start; the message has what it said."""


class MountKind(StrEnum):
    """What a path of the camera gives."""

    VIDEO = "video"
    FROZEN = "frozen"
    """Accepts viewers, sends one picture and then nothing."""
    AUDIO = "audio"
    """A tone, and no video."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One path of a camera."""

    kind: MountKind = MountKind.VIDEO
    codec: str = "h264"
    """`h264` or `h265`."""
    loop: bool = True
    """Whether the clip is sent over and over on one time line, or once to each viewer."""
    pictures: int = 0
    """How many pictures of the clip are used; 0 = all."""


def unavailable() -> str:
    """Return why no camera can be run on this machine, empty if one can."""
    try:
        probe = subprocess.run([SYSTEM_PYTHON, "-c", PROBE], capture_output=True, check=False)
    except OSError as error:
        return f"{SYSTEM_PYTHON}: {error.strerror}"
    return "" if probe.returncode == 0 else f"needs the packages {PACKAGES}"


class RtspCamera:
    """An RTSP server on this machine, in a process of its own, open as long as its context.

    With `user` set it asks for Digest authentication. `port` 0 is any free one; the real one is
    `port` afterwards, and is taken again when the camera is entered again.
    """

    def __init__(  # noqa: PLR0913 - keyword-only: each is a property of the camera
        self,
        clip: Path = CLIP,
        *,
        mounts: dict[str, Mount] | None = None,
        user: str = "",
        password: str = "",
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.host, self.port = host, port
        self._clip, self._mounts = clip, mounts or {"/stream": Mount()}
        self._user, self._password = user, password
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: asyncio.subprocess.Process | None = None

    def url(self, path: str = "/stream", *, credentials: bool = True) -> str:
        """Return the URL of `path`, with user and password unless there are none to give."""
        userinfo = ""
        if credentials and self._user:
            userinfo = f"{quote(self._user, safe='')}:{quote(self._password, safe='')}@"
        return f"rtsp://{userinfo}{self.host}:{self.port}{path}"

    async def __aenter__(self) -> Self:
        """Prepare the clip, start the server and wait until it listens.

        Raises:
            CameraFailedError: it did not start.
        """
        try:
            order = await asyncio.to_thread(self._prepare)
            self._process = await _spawn()
            self.port = await _announced_port(self._process, order)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the server and remove its files."""
        await self._stop()

    def fall_silent(self) -> None:
        """Send and answer nothing from now on, and keep every connection open."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """End the silence."""
        self._signal(signal.SIGCONT)

    async def wait(self) -> int:
        """Wait until the server ends by itself, and return its exit code."""
        if self._process is None:
            raise CameraFailedError("the camera is not running")
        return await self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            raise CameraFailedError("the camera is not running")
        self._process.send_signal(number)

    async def _stop(self) -> None:
        if self._process is not None:
            await _end(self._process)
            self._process = None
        await asyncio.to_thread(self._clean_up)

    def _clean_up(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _prepare(self) -> bytes:
        """Write the elementary streams and return the server's order."""
        self._folder = tempfile.TemporaryDirectory(prefix="camera-")
        folder = Path(self._folder.name)
        order = {
            "host": self.host,
            "port": self.port,
            "user": self._user,
            "password": self._password,
            "mounts": {
                path: self._mount(mount, folder / f"{number}.{mount.codec}")
                for number, (path, mount) in enumerate(self._mounts.items())
            },
        }
        return json.dumps(order).encode() + b"\n"

    def _mount(self, mount: Mount, file: Path) -> dict[str, object]:
        rate = 25.0  # means nothing to audio
        if mount.kind is not MountKind.AUDIO:
            rate = float(write_elementary(self._clip, mount.codec, file, mount.pictures))
        return {
            "kind": mount.kind.value,
            "file": str(file),
            "codec": mount.codec,
            "fps": rate,
            "loop": mount.loop,
        }


async def _spawn() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        SYSTEM_PYTHON,
        str(SCRIPT),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


async def _announced_port(process: asyncio.subprocess.Process, order: bytes) -> int:
    """Give the server its order and return the port that it announces."""
    if process.stdin is None or process.stdout is None:
        raise CameraFailedError("the camera has no standard streams")
    process.stdin.write(order)  # not as an argument: those are seen by every user
    try:
        async with asyncio.timeout(START_TIMEOUT):
            line = await process.stdout.readline()
        return int(json.loads(line)["port"])
    except (TimeoutError, ValueError) as error:
        message = f"the camera did not start; it needs the packages {PACKAGES}, and its port free"
        raise CameraFailedError(message) from error


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask the process to end, and make it end if it does not."""
    if process.returncode is None:
        process.terminate()
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(STOP_TIMEOUT):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def _serve(arguments: argparse.Namespace) -> int:
    task = asyncio.current_task()
    if task is not None:  # as asyncio does on SIGINT: the default would leave the server behind
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    camera = RtspCamera(
        arguments.file,
        mounts={arguments.path: Mount(codec=arguments.codec, loop=not arguments.once)},
        user=arguments.user,
        password=arguments.password,
        host=arguments.host,
        port=arguments.port,
    )
    async with camera:
        print(camera.url(arguments.path, credentials=False), flush=True)
        return await camera.wait()


def main() -> int:
    """Serve a clip until told to end."""
    parser = argparse.ArgumentParser(description="A simulated RTSP camera")
    parser.add_argument("file", type=Path, nargs="?", default=CLIP, help="any video clip")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8554, help="0 = any free one")
    parser.add_argument("--path", default="/stream")
    parser.add_argument("--codec", choices=["h264", "h265"], default="h264")
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--once", action="store_true", help="end with the clip")
    try:
        return asyncio.run(_serve(parser.parse_args()))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0
    except CadError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
