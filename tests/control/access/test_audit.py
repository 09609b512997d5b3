"""The audit log on the disk."""

import asyncio
import logging
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from cad.control.access.audit import AuditLog
from cad.control.access.repeats import KINDS, WINDOW, Repeats
from cad.control.access.trail import AuditTrail
from cad.domain.access import Means
from cad.domain.audit import AuditEntry
from tests.control.access.world import TurnedClock
from tests.waiting import until

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
ENTRY = AuditEntry(
    time=NOON,
    who="admin",
    means=Means.BASIC,
    source="192.0.2.1",
    method="POST",
    path="/CAD/machine/algoPackages",
    status=200,
    code=0,
    request_id="r-1",
)
REFUSAL = replace(ENTRY, status=401, code=40101, means=Means.NONE)


def entry(number: int) -> AuditEntry:
    return replace(ENTRY, request_id=f"r-{number}", time=NOON + timedelta(seconds=number))


def numbers(entries: list[AuditEntry]) -> list[int]:
    return [int(entry.request_id.removeprefix("r-")) for entry in entries]


@pytest.mark.row("SEC-11")
async def test_what_is_recorded_is_read_again_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    for number in (1, 2):
        async with AuditLog.open(path, TurnedClock()) as log:
            await log.record(entry(number))
    async with AuditLog.open(path, TurnedClock()) as log:
        assert await log.entries(None, 10) == [entry(1), entry(2)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_an_entry_is_handed_over_before_its_call_is_answered(tmp_path: Path) -> None:
    async with AuditLog.open(tmp_path / "audit.log", TurnedClock()) as log:
        await log.record(ENTRY)
        assert b'"admin"' in (tmp_path / "audit.log").read_bytes()


@pytest.fixture
def trail(tmp_path: Path) -> AuditTrail:
    return AuditTrail(tmp_path / "audit.log", file_bytes=1000, files=3)


def test_full_files_make_room_and_the_oldest_goes(trail: AuditTrail, tmp_path: Path) -> None:
    for number in range(40):
        trail.write(entry(number))
    trail.close()
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(sizes) == {"audit.log", "audit.log.1", "audit.log.2"}
    assert max(sizes.values()) <= 1000
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


@given(st.integers(0, 40), st.integers(1, 12), st.integers(0, 40))
def test_the_last_entries_are_read_across_files(count: int, limit: int, since: int) -> None:
    with TemporaryDirectory() as folder:
        trail = AuditTrail(Path(folder) / "audit.log", file_bytes=1500, files=50)
        for number in range(count):
            trail.write(entry(number))
        found = trail.entries(NOON + timedelta(seconds=since), limit)
        trail.close()
    assert numbers(found) == list(range(since, count))[-limit:]


def test_a_clock_that_jumped_back_hides_nothing(trail: AuditTrail) -> None:
    early = replace(ENTRY, time=datetime(1970, 1, 1, tzinfo=UTC), request_id="r-2")
    for written in (entry(1), early, entry(3)):
        trail.write(written)
    assert numbers(trail.entries(NOON, 10)) == [1, 3]
    trail.close()


@pytest.mark.parametrize("torn", [b'{"time":', b"\xff\xfe", b"{}\n"])
def test_what_a_power_cut_left_is_passed_over(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "audit.log"
    for number in (1, 2):
        trail = AuditTrail(path)
        trail.write(entry(number))
        trail.close()
        with path.open("ab") as file:
            file.write(torn)
    trail = AuditTrail(path)
    trail.write(entry(3))
    assert numbers(trail.entries(None, 10)) == [1, 2, 3]
    trail.close()


def test_a_link_in_place_of_the_log_is_refused(tmp_path: Path) -> None:
    (tmp_path / "audit.log").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        AuditTrail(tmp_path / "audit.log")


class FullDisk(AuditTrail):
    """A log on a disk that is full until it is not."""

    is_full = True

    @override
    def write(self, entry: AuditEntry) -> None:
        if self.is_full:
            raise OSError(28, "No space left on device")
        super().write(entry)


async def test_a_full_disk_stops_no_call_and_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("cad.control.access.audit.AuditTrail", FullDisk)
    async with AuditLog.open(tmp_path / "audit.log", TurnedClock()) as log:
        for number in range(3):
            await log.record(entry(number))
        monkeypatch.setattr(FullDisk, "is_full", False)
        await log.record(entry(3))
        assert numbers([*await log.entries(None, 9)]) == [3]
    said = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert said == [
        "audit log: cannot be written: No space left on device",
        "audit log: 3 entries are missing",
    ]


async def test_a_flood_of_refusals_is_two_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cad.control.access.audit.SYNC_INTERVAL", 0.01)
    clock, found = TurnedClock(), list[AuditEntry]()
    async with AuditLog.open(tmp_path / "audit.log", clock) as log:
        for _ in range(100):
            await log.record(REFUSAL)
        clock.turn(WINDOW)
        async with asyncio.timeout(10):
            while len(found) < 2:
                found = [*await log.entries(None, 10)]
    assert [e.repeated for e in found] == [0, 98]


async def test_what_was_counted_is_listed_when_the_device_stops(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    async with AuditLog.open(path, TurnedClock()) as log:
        for _ in range(5):
            await log.record(REFUSAL)
    async with AuditLog.open(path, TurnedClock()) as log:
        assert [e.repeated for e in await log.entries(None, 9)] == [0, 3]


@given(st.lists(st.tuples(st.integers(0, 3 * KINDS), st.floats(0, 50)), max_size=200))
def test_every_refusal_is_listed_or_counted(refusals: list[tuple[int, float]]) -> None:
    repeats, now, listed = Repeats(), 0.0, list[AuditEntry]()
    for kind, pause in refusals:
        now += pause
        listed += repeats.take(replace(REFUSAL, source=str(kind)), now)
    listed += repeats.rest()
    assert sum(1 + entry.repeated for entry in listed) == len(refusals)


def test_the_kinds_that_are_counted_are_bounded() -> None:
    repeats = Repeats()
    for number in range(KINDS + 100):
        repeats.take(replace(REFUSAL, source=str(number)), 0.0)
    assert len(repeats._windows) == KINDS


async def test_entries_are_on_disk_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr("cad.control.access.audit.SYNC_INTERVAL", 0.01)
    monkeypatch.setattr("cad.control.access.trail.os.fsync", synced.append)
    async with AuditLog.open(tmp_path / "audit.log", TurnedClock()) as log:
        await log.record(ENTRY)
        await until(lambda: synced)
