"""`python -m cad.sim.platform` as an integrator runs it."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cad.config.settings import PlatformSettings
from cad.control.platform.client import PlatformClient
from cad.control.platform.http import PlatformHttp
from cad.control.platform.tokens import Anonymous
from cad.wire.annex_h_machine import RegisterRequest

pytestmark = pytest.mark.peer


@asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "cad.sim.platform", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line_with(process: asyncio.subprocess.Process, word: str) -> str:
    """Return the next printed line that holds `word`."""
    assert process.stdout is not None
    async with asyncio.timeout(30):
        while word not in (line := (await process.stdout.readline()).decode()):
            assert line, "the platform ended"
    return line


async def test_it_prints_who_registers_and_ends_when_asked(tmp_path: Path) -> None:
    async with running("--port", "0", "--folder", str(tmp_path)) as process:
        url = (await line_with(process, "platform")).split()[1]
        settings = PlatformSettings(url=url, ca_file=str(tmp_path / "ca.pem"))
        async with PlatformHttp(settings) as http:
            request = RegisterRequest(code="m7", ip="10.1.1.1", port=1, password="s3cret")
            await PlatformClient(http, Anonymous()).register(request)
        assert "10.1.1.1:1" in await line_with(process, "m7")
        process.send_signal(signal.SIGINT)
        rest, _ = await process.communicate()
        assert (process.returncode, b"s3cret" in rest) == (0, False)


@pytest.mark.parametrize(
    "arguments", [["--client", "no-secret"], ["--package", "x=y"], ["--package", "1=/missing"]]
)
async def test_a_bad_option_is_named(arguments: list[str]) -> None:
    async with running(*arguments) as process:
        printed, _ = await process.communicate()
        assert process.returncode == 2
        assert arguments[0].removeprefix("--") in printed.decode()
