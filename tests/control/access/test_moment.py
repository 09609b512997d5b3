"""How long ago something was, on a device whose clock jumps."""

import math
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cad.domain.access import Moment

walls = st.floats(0, 4e9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
uptimes = st.floats(0, 1e9)


@given(walls, walls, uptimes, st.floats(0, 1e9))
def test_within_one_run_the_wall_clock_does_not_matter(
    then: datetime, now: datetime, uptime: float, elapsed: float
) -> None:
    later = Moment("boot", uptime + elapsed, now)
    assert later.since(Moment("boot", uptime, then)) == uptime + elapsed - uptime


@given(walls, st.floats(0, 1e9), uptimes, uptimes)
def test_across_runs_it_decides(then: datetime, elapsed: float, a: float, b: float) -> None:
    later = Moment("next", a, then + timedelta(seconds=elapsed))
    assert math.isclose(later.since(Moment("boot", b, then)), elapsed, abs_tol=1e-5)


@given(walls, st.floats(1e-3, 1e9), uptimes)
def test_a_clock_that_was_set_back_ends_every_life(
    then: datetime, back: float, uptime: float
) -> None:
    wrong = Moment("next", uptime, then - timedelta(seconds=back))
    assert wrong.since(Moment("boot", uptime, then)) == math.inf
