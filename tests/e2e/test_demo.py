"""The demonstration as people start it: interrupted it leaves nothing, and it can be run again."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from cad.sim.bench import until
from tests.e2e.soak import SOAKING

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

INTERRUPTED = 130


@asynccontextmanager
async def demonstrating(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the demonstration with `folder` as the place of all its temporary files."""
    (folder / "temporary").mkdir(exist_ok=True)
    demonstration = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cad.sim.demo", "--output", str(folder / "output")),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(folder / "temporary")},
        start_new_session=True,
    )
    try:
        yield demonstration
    finally:
        if demonstration.returncode is None:
            os.killpg(demonstration.pid, signal.SIGINT)
            await demonstration.wait()


def left_over(folder: Path) -> list[str]:
    """Return the files and processes that are left of demonstrations in `folder`. Blocks."""
    place = str(folder / "temporary")
    processes = [p.info for p in psutil.process_iter(["pid", "environ", "cmdline"])]
    alive = [str(p["cmdline"]) for p in processes if (p["environ"] or {}).get("TMPDIR") == place]
    return [*map(str, (folder / "temporary").iterdir()), *alive]


def seen(folder: Path, sign: str) -> bool:
    return any(folder.glob(sign))


@pytest.mark.parametrize(
    "sign",
    ["temporary/cad-demo-*/device/cadd.log", "output/events/*.json"],
    ids=["starting", "watching"],
)
async def test_an_interrupted_demonstration_leaves_nothing(tmp_path: Path, sign: str) -> None:
    async with demonstrating(tmp_path) as demonstration:

        async def is_there() -> bool:
            return await asyncio.to_thread(seen, tmp_path, sign)

        await until(is_there, 60.0, f"{sign} did not come up")
        os.killpg(demonstration.pid, signal.SIGINT)
        assert await demonstration.wait() == INTERRUPTED
    assert await asyncio.to_thread(left_over, tmp_path) == []


@pytest.mark.skipif(not SOAKING, reason="takes two minutes; run by make soak")
async def test_the_demonstration_succeeds_twice_in_a_row(tmp_path: Path) -> None:
    for _ in range(2):
        async with demonstrating(tmp_path) as demonstration:
            assert await demonstration.wait() == 0
    assert await asyncio.to_thread(left_over, tmp_path) == []
    assert await asyncio.to_thread(seen, tmp_path, "output/events/*.jpg")
