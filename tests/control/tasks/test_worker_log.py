"""The log of a worker is cut into lines of bounded length, at a bounded rate."""

import asyncio
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.base.clock import SystemClock
from cad.control.tasks.worker_log import BURST, LINE_LIMIT, LineBudget, LineCutter, relay


@given(st.binary(max_size=3000), st.integers(1, 700))
def test_lines_are_the_same_wherever_the_pipe_cuts_them(data: bytes, size: int) -> None:
    whole, pieces = LineCutter(), LineCutter()
    expected = [*whole.feed(data), *whole.end()]
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    lines = [line for chunk in chunks for line in pieces.feed(chunk)]
    assert [*lines, *pieces.end()] == expected
    assert all(0 < len(line) <= LINE_LIMIT + 1 for line in lines)


def test_a_line_without_an_end_takes_no_memory() -> None:
    cutter = LineCutter()
    for _ in range(1000):
        assert cutter.feed(b"x" * 1000) == []
    assert cutter.feed(b"\nnext\n") == ["x" * LINE_LIMIT + "…", "next"]


def test_a_burst_passes_and_a_flood_is_counted() -> None:
    budget = LineBudget(0.0)
    admitted = [budget.admit(0.0) for _ in range(BURST + 50)]
    assert sum(admitted) == BURST
    assert budget.take_withheld() == 50
    assert budget.admit(1.0)


async def test_a_flood_leaves_its_count_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(b"spam token=abc\n" * 500)
    stream.feed_eof()
    with caplog.at_level(logging.INFO):
        await relay("worker-1[7]", stream, SystemClock())
    assert len(caplog.messages) <= BURST + 10
    assert caplog.messages[0] == "worker-1[7]: spam token=***"


@pytest.mark.parametrize(
    ("line", "level", "message"),
    [
        ("level=warning logger=cad.x late", logging.WARNING, "w: logger=cad.x late"),
        ("level=error logger=cad.x lost", logging.ERROR, "w: logger=cad.x lost"),
        ("level=info logger=cad.x level=error", logging.INFO, "w: logger=cad.x level=error"),
        ("level=loud logger=cad.x", logging.INFO, "w: level=loud logger=cad.x"),
        ("free(): invalid pointer", logging.INFO, "w: free(): invalid pointer"),
    ],
)
async def test_a_line_keeps_the_level_that_the_worker_gave_it(
    caplog: pytest.LogCaptureFixture, line: str, level: int, message: str
) -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(line.encode())
    stream.feed_eof()
    with caplog.at_level(logging.INFO):
        await relay("w", stream, SystemClock())
    [record] = caplog.records
    assert (record.levelno, record.getMessage()) == (level, message)
