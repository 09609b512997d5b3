"""The figures of the machine that the tests run on."""

from pathlib import Path

import psutil
import pytest

from cad.control.host.figures import HostSampler, HostUnreadableError, read_figures
from tests.waiting import until


async def test_the_first_figures_are_there_on_entry(tmp_path: Path) -> None:
    async with HostSampler(tmp_path).running() as host:
        figures = host.figures()
    total = figures.memory_used_bytes + figures.memory_free_bytes
    assert total == psutil.virtual_memory().total
    assert 0 <= figures.cpu_utilization <= 1
    assert figures.disk_used_bytes > 0
    assert figures.disk_free_bytes > 0


async def test_the_figures_are_kept_fresh(tmp_path: Path) -> None:
    async with HostSampler(tmp_path, interval=0.01).running() as host:
        first = host.figures()
        await until(lambda: host.figures() is not first)


def test_a_disk_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(HostUnreadableError, match="gone"):
        read_figures(tmp_path / "gone")


async def test_the_last_figures_stay_when_the_disk_goes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home = tmp_path / "data"
    home.mkdir()
    async with HostSampler(home, interval=0.01).running() as host:
        home.rmdir()
        await until(lambda: "host figures" in caplog.text)
        assert host.figures().disk_free_bytes > 0
