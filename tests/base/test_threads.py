"""Blocking work in threads."""

import asyncio
import threading

import pytest

from cad.base import threads
from cad.base.threads import checkpoint, run_long

DEADLINE = 10.0


class Endless:
    """Work that ends at a checkpoint only."""

    def __init__(self) -> None:
        self.begun, self.ended = threading.Event(), threading.Event()

    def __call__(self) -> None:
        try:
            self.begun.set()
            while True:
                checkpoint()
        finally:
            self.ended.set()


async def begun(work: threading.Event) -> None:
    assert await asyncio.to_thread(work.wait, DEADLINE)


async def test_a_long_call_gives_its_result() -> None:
    assert await run_long("sum", sum, [1, 2]) == 3


async def test_a_long_call_gives_its_error() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await run_long("int", int, "x")


async def test_a_long_call_ends_before_its_cancelled_caller_goes_on() -> None:
    work = Endless()
    async with asyncio.TaskGroup() as group:
        caller = group.create_task(run_long("endless", work))
        await begun(work.begun)
        caller.cancel()
    assert work.ended.is_set()


async def test_a_call_that_comes_to_no_checkpoint_holds_nobody_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threads, "ABANDON_DEADLINE", 0.01)
    is_begun, may_end = threading.Event(), threading.Event()

    def hang() -> None:
        is_begun.set()
        may_end.wait(DEADLINE)

    async with asyncio.TaskGroup() as group:
        caller = group.create_task(run_long("hang", hang))
        await begun(is_begun)
        caller.cancel()
    assert not may_end.is_set()
    may_end.set()


def test_a_checkpoint_of_other_work_ends_nothing() -> None:
    checkpoint()
