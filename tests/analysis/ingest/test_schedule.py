"""When lost streams are opened again, on virtual time."""

import itertools
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cad.analysis.ingest.schedule import ConnectSchedule, Endpoint
from cad.domain.faults import Fault, FaultClass
from cad.domain.ids import StreamId

TICK = 0.25
CONCURRENT = 32

Outcome = FaultClass | None
"""What a try gives; None = it is open."""
World = Callable[[StreamId, float], Outcome]
"""Says what a try of a stream gives at a time; asked again each tick while the stream is open."""


def fault(kind: FaultClass) -> Fault:
    return Fault(kind, kind.value, datetime(2026, 11, 22, tzinfo=UTC))


@dataclass
class Fleet:
    """Streams whose tries take `takes` seconds, in a world that can change."""

    endpoints: dict[StreamId, Endpoint]
    world: World
    takes: float = 0.5
    seed: int = 1
    now: float = 0.0
    tries: list[tuple[float, StreamId]] = field(default_factory=list)
    failures: list[tuple[float, StreamId]] = field(default_factory=list)
    opening: dict[StreamId, float] = field(default_factory=dict)
    live: set[StreamId] = field(default_factory=set)
    most_opening: int = 0

    def __post_init__(self) -> None:
        self.schedule = ConnectSchedule(CONCURRENT, random.Random(self.seed))
        for stream, endpoint in self.endpoints.items():
            self.schedule.add(stream, endpoint)

    def run(self, until: float) -> None:
        while self.now < until:
            self._settle()
            for stream in self.endpoints:
                if stream not in self.opening and stream not in self.live:
                    self._ask(stream)
            self.most_opening = max(self.most_opening, len(self.opening))
            self.now += TICK

    def _ask(self, stream: StreamId) -> None:
        if self.schedule.ask(stream, self.now) is None:
            self.tries.append((self.now, stream))
            self.opening[stream] = self.now + self.takes

    def _settle(self) -> None:
        due = [stream for stream, at in self.opening.items() if at <= self.now]
        for stream in due + [stream for stream in self.live if self.world(stream, self.now)]:
            outcome = self.world(stream, self.now)
            self.opening.pop(stream, None)
            self.live.discard(stream)
            if outcome is None:
                self.schedule.opened(stream)
                self.live.add(stream)
            else:
                self.failures.append((self.now, stream))
                self.schedule.failed(stream, fault(outcome), self.now)

    def tries_between(self, start: float, end: float) -> list[StreamId]:
        return [stream for at, stream in self.tries if start <= at < end]


def cameras(count: int, channels: int = 1, account: str = "admin") -> dict[StreamId, Endpoint]:
    return {
        StreamId(f"{host}/{channel}"): Endpoint(f"cam{host}:554", account)
        for host in range(count)
        for channel in range(channels)
    }


def outage(start: float, end: float, kind: FaultClass = FaultClass.CONNECTION) -> World:
    return lambda _, now: kind if start <= now < end else None


def test_a_hundred_hosts_that_vanish_come_back_soon_and_were_left_in_peace() -> None:
    fleet = Fleet(cameras(100), outage(10, 610))
    fleet.run(10)
    assert len(fleet.live) == 100
    fleet.run(610)
    assert len(fleet.tries_between(60, 610)) < 100 * 20
    assert not fleet.live
    fleet.run(700)
    assert len(fleet.live) == 100


def test_hosts_that_vanished_together_do_not_come_back_together() -> None:
    fleet = Fleet(cameras(100), outage(10, 10_000))
    fleet.run(610)
    busiest = Counter(int(at) for at, _ in fleet.tries if at > 120).most_common(1)[0][1]
    assert busiest <= 15


def test_dead_hosts_leave_room_for_the_living() -> None:
    def world(stream: StreamId, _: float) -> Outcome:
        return FaultClass.TIMEOUT if stream != "100/0" else None

    fleet = Fleet(cameras(100), world, takes=10)
    fleet.run(300)
    fleet.endpoints |= {StreamId("100/0"): Endpoint("cam100:554")}
    fleet.schedule.add(StreamId("100/0"), Endpoint("cam100:554"))
    fleet.run(311)
    assert fleet.live == {"100/0"}


def test_one_channel_asks_for_all_while_their_host_is_dead() -> None:
    fleet = Fleet(cameras(1, channels=32), outage(0, 10_000))
    fleet.run(600)
    assert len(fleet.tries) <= 25


def test_a_success_opens_the_way_for_the_other_channels() -> None:
    fleet = Fleet(cameras(1, channels=32), outage(0, 300))
    fleet.run(300)
    tried = len(fleet.tries)
    fleet.run(375)
    assert len(fleet.live) == 32
    assert len(fleet.tries) - tried == 32


def test_a_wrong_password_wastes_nothing() -> None:
    fleet = Fleet(cameras(1, channels=32), outage(0, 10_000, FaultClass.AUTH))
    fleet.run(3600)
    assert len(fleet.tries) <= 10
    times = [at for at, _ in fleet.tries]
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= 60


def test_another_account_on_the_same_host_is_not_held_back_by_a_wrong_password() -> None:
    wrong, right = StreamId("wrong"), StreamId("right")
    endpoints = {wrong: Endpoint("cam:554", "a"), right: Endpoint("cam:554", "b")}
    fleet = Fleet(endpoints, lambda stream, _: FaultClass.AUTH if stream == wrong else None)
    fleet.run(5)
    assert fleet.live == {right}


@pytest.mark.parametrize("kind", [FaultClass.TIMEOUT, FaultClass.NOT_FOUND, FaultClass.CODEC])
def test_one_bad_channel_does_not_hold_back_the_others(kind: FaultClass) -> None:
    fleet = Fleet(cameras(1, channels=8), lambda stream, _: kind if stream == "0/0" else None)
    fleet.run(60)
    assert len(fleet.live) == 7
    assert fleet.tries_between(30, 60).count(StreamId("0/0")) <= 3


def test_who_waits_for_a_door_learns_what_the_others_met() -> None:
    fleet = Fleet(cameras(1, channels=2), outage(0, 10_000, FaultClass.AUTH))
    fleet.run(30)
    refusal = fleet.schedule.ask(StreamId("0/1"), fleet.now)
    assert refusal is not None
    assert refusal.fault is not None
    assert refusal.fault.kind is FaultClass.AUTH


def test_a_stream_that_is_removed_leaves_no_trace() -> None:
    schedule = ConnectSchedule(CONCURRENT, random.Random(1))
    for _ in range(3):
        schedule.add(StreamId("a"), Endpoint("cam:554", "x"))
        assert schedule.ask(StreamId("a"), 0) is None
        schedule.opened(StreamId("a"))
        schedule.remove(StreamId("a"))
    assert not schedule._doors
    assert not schedule._streams


def test_files_share_nothing() -> None:
    files = {StreamId(str(number)): Endpoint("") for number in range(20)}
    fleet = Fleet(files, lambda stream, _: FaultClass.NOT_FOUND if stream < "2" else None)
    fleet.run(1)
    assert len(fleet.live) == len([name for name in files if name >= "2"])


kinds = st.sampled_from([None, *FaultClass])


@settings(max_examples=50)
@given(
    st.lists(st.lists(kinds, min_size=6, max_size=6), min_size=1, max_size=6), st.integers(0, 1000)
)
def test_bounds_hold_in_any_world(faces: list[list[Outcome]], seed: int) -> None:
    """Each host shows another face every 20 s, to every one of its channels."""

    def world(stream: StreamId, now: float) -> Outcome:
        face = faces[int(stream.split("/")[0])]
        return face[int(now / 20) % len(face)]

    fleet = Fleet(cameras(len(faces), channels=4), world, seed=seed)
    fleet.run(120)
    assert fleet.most_opening <= CONCURRENT
    for host in range(len(faces)):
        unproven_tries_are_spaced(fleet, f"{host}/")


def unproven_tries_are_spaced(fleet: Fleet, host: str) -> None:
    """Between two failures of one host's tries, without a success, lies a second or more."""
    started = [at for at, stream in fleet.tries if stream.startswith(host)]
    failed = [at for at, stream in fleet.failures if stream.startswith(host)]
    for at in failed:
        begun = [start for start in started if at < start < at + 1]
        assert not begun, f"a try at {begun} after the failure at {at}"
