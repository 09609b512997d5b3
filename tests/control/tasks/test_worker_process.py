"""How a process ended, in words, and by whose doing."""

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from cad.control.tasks.worker_process import WorkerProcess, WorkerProgram, describe_exit
from tests.control.tasks.values import SETTINGS

SLEEP = "import signal; signal.pause()"


@pytest.mark.parametrize(
    ("code", "text"),
    [(0, "exit code 0"), (3, "exit code 3"), (-11, "signal SIGSEGV"), (-127, "signal 127")],
)
def test_an_exit_is_named(code: int, text: str) -> None:
    assert describe_exit(code) == text


@pytest.mark.peer
@pytest.mark.parametrize(
    ("counts", "reason", "blameless"),
    [((4, 4), "signal SIGKILL", True), ((4, 5), "killed by the kernel: out of memory", False)],
)
async def test_a_kill_for_want_of_memory_is_the_workers_own_doing(
    counts: tuple[int, int], reason: str, blameless: bool
) -> None:
    kills: Iterator[int] = iter(counts)
    program = WorkerProgram(command=[sys.executable, "-c", SLEEP], settings=SETTINGS)
    async with WorkerProcess.started(program, lambda: next(kills)) as process:
        os.kill(process.pid, signal.SIGKILL)
        assert await process.ending() == reason
        assert process.is_blameless is blameless
