"""Times as callers write them (AM-14)."""

import contextlib
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.base.clock import local_text, utc_text
from cad.wire.times import read_time

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22 10:00:00",
        "2026-11-22 10:00:00.000",
        " 2026-11-22T10:00:00 ",
        "2026-11-22T02:00:00Z",
        "2026-11-22T03:00:00+01:00",
        "1795312800000",
    ],
)
@pytest.mark.row("COM-09")
def test_every_form_names_the_same_moment(text: str) -> None:
    assert read_time(text, ZONE) == datetime(2026, 11, 22, 2, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "now", "2026-13-01", "9" * 30, "2026-11-22 25:00", "²" * 13])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected yyyy-MM-dd"):
        read_time(text, ZONE)


@given(st.integers(10**11, 4 * 10**12))
def test_what_we_print_is_read_again(milliseconds: int) -> None:
    moment = read_time(str(milliseconds), ZONE)
    assert read_time(utc_text(moment), ZONE) == moment
    assert local_text(read_time(local_text(moment, ZONE), ZONE), ZONE) == local_text(moment, ZONE)


@given(st.text())
def test_any_text_is_a_time_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert read_time(text, ZONE).tzinfo is UTC
