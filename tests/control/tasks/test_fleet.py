"""Workers die, hang and babble; the fleet goes on. With real processes."""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cad.base.clock import SystemClock
from cad.base.errors import UnavailableError
from cad.control.tasks.fleet import Fleet, FleetPlan, ServiceNotServedError
from cad.control.tasks.machine import Patience
from cad.control.tasks.pulse import PulseLimits
from cad.control.tasks.worker import WorkerTiming
from cad.control.tasks.worker_process import WorkerProgram
from cad.domain.events import RaisedEvent
from cad.domain.ids import TaskId
from cad.domain.packages import ServiceOrder
from cad.domain.tasks import TaskRecord
from cad.domain.views import WorkerState
from tests.control.tasks.values import PERSON, SETTINGS, TASK, VEHICLE, order, record, service_order
from tests.waiting import until

pytestmark = pytest.mark.peer

QUICK = WorkerTiming(
    pulse=PulseLimits(hello=20.0, report=1.5, inference=30.0), first_delay=0.1, longest_delay=0.2
)


class GatedEvents:
    """An `EventStore` whose disk refuses until it is mended."""

    def __init__(self) -> None:
        self.stored: list[str] = []
        self.refuses = False
        self.tries = 0

    async def store(self, event: RaisedEvent, record: TaskRecord) -> None:
        assert record.task_id == event.task_id
        self.tries += 1
        if self.refuses:
            raise UnavailableError("disk is full")
        await asyncio.sleep(0)
        self.stored.append(event.event_id)


class Site:
    """A fleet of stand-ins, and what they noted."""

    def __init__(self, folder: Path, workers: int = 1, *flags: str) -> None:
        self.notes, self.events = folder / "notes", GatedEvents()
        self.notes.touch()
        self.records = {TASK: record()}
        script = [sys.executable, "-m", "tests.control.tasks.stand_in"]
        command = [*script, "--notes", str(self.notes), *flags]
        program = WorkerProgram(command=command, settings=SETTINGS)
        plan = FleetPlan(program=program, workers=workers, timing=QUICK, serve_timeout=20.0)
        self.fleet = Fleet(plan, events=self.events, records=self.raised_under, clock=SystemClock())

    def raised_under(self, event: RaisedEvent) -> TaskRecord | None:
        return self.records.get(event.task_id)

    def noted(self, what: str) -> list[str]:
        lines = self.notes.read_text().splitlines()
        return [line for line in lines if line.split(" ", 1)[1].startswith(what)]

    def pid(self, worker: int = 0) -> int:
        pid = self.fleet.workers()[worker].pid
        assert pid is not None
        return pid

    def analyses(self, task_id: TaskId = TASK) -> bool:
        sight = self.fleet.sighting(task_id)
        return sight.obstacle is None and sight.report is not None

    def has_finished(self) -> bool:
        report = self.fleet.sighting(TASK).report
        return report is not None and report.finished

    async def replaced(self, pid: int) -> float:
        """Wait until another process than `pid` analyses the task; return the seconds it took."""
        start = time.monotonic()
        await until(lambda: self.fleet.workers()[0].pid not in {pid, None} and self.analyses())
        return time.monotonic() - start


@asynccontextmanager
async def at_work(site: Site, url: str = "rtsp://camera/1") -> AsyncIterator[Site]:
    async with site.fleet.running():
        await site.fleet.serve(service_order())
        site.fleet.start(order(url=url))
        yield site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_a_task_is_analysed_by_a_worker_that_can_be_seen(site: Site) -> None:
    async with at_work(site):
        await until(site.analyses)
        (worker,) = site.fleet.workers()
        assert (worker.state, worker.restarts, worker.threads) == (WorkerState.READY, 0, 2)
        await until(lambda: [stream.stream_id for stream in site.fleet.streams()] == ["s1"])


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV])
async def test_a_dead_or_stopped_worker_is_replaced_and_its_task_goes_on(
    site: Site, sign: signal.Signals
) -> None:
    async with at_work(site):
        await until(site.analyses)
        before = site.pid()
        os.kill(before, sign)
        assert await site.replaced(before) < 5.0
        assert site.fleet.workers()[0].restarts == 1
        assert not is_alive(before)
    assert len(site.noted(f"load {PERSON}")) == len(site.noted("start t1")) == 2


@pytest.mark.parametrize(
    ("scheme", "reason"),
    [
        ("die", "signal SIGABRT"),
        ("hang", "it has reported nothing"),
        ("garbage", "it says what is no message"),
        ("stuck", "an inference has taken 31 s"),
    ],
)
async def test_a_worker_that_misbehaves_is_replaced(
    site: Site, tmp_path: Path, scheme: str, reason: str
) -> None:
    async with at_work(site, f"{scheme}://x{tmp_path}/done"):
        await until(lambda: site.fleet.workers()[0].restarts == 1 and site.analyses())
        assert reason in site.fleet.workers()[0].last_end


async def test_a_worker_with_stranded_streams_is_replaced_and_no_algorithm_blamed(
    site: Site, tmp_path: Path
) -> None:
    async with at_work(site, f"stranded://x{tmp_path}/done"):
        await until(lambda: site.fleet.workers()[0].restarts == 1 and site.analyses())
        assert "a stream has hung for 301 s" in site.fleet.workers()[0].last_end
        assert site.fleet.deaths(PERSON) == 0


async def test_a_worker_that_does_not_read_is_replaced_and_nobody_waits_for_it(
    site: Site, tmp_path: Path
) -> None:
    async with at_work(site, f"deaf://x{tmp_path}/done"):
        await until(lambda: bool(site.noted("start t1")))
        for number in range(30):
            site.fleet.start(order("big", "s2", url="rtsp://c/" + "x" * 400_000 + str(number)))
        await until(lambda: site.fleet.workers()[0].restarts == 1 and site.analyses())
        assert "does not read its orders" in site.fleet.workers()[0].last_end


async def test_crashes_back_off_and_are_visible(site: Site) -> None:
    async with at_work(site, "die://always"):
        await until(lambda: site.fleet.workers()[0].restarts >= 2)
        sight = site.fleet.sighting(TASK)
        assert sight.obstacle is not None


async def test_an_algorithm_that_kills_its_workers_is_isolated_then_held(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.records[TaskId("t2")] = record(order("t2", "s2", service_id=VEHICLE))
    async with at_work(site):
        await site.fleet.serve(service_order(VEHICLE))
        site.fleet.start(order("t2", "s2", service_id=VEHICLE, url="die://always"))
        await until(lambda: site.fleet.sighting(TaskId("t2")).patience is Patience.NONE, 30)
        await until(site.analyses)
        [call_for_help] = [one for one in caplog.records if one.levelno >= logging.ERROR]
        assert call_for_help.getMessage().endswith("it is held")
        restarts = site.fleet.workers()[0].restarts
        site.fleet.release(VEHICLE)
        await until(lambda: site.fleet.workers()[0].restarts > restarts)


async def test_a_refused_algorithm_says_why_and_is_served_no_longer(site: Site) -> None:
    async with site.fleet.running():
        with pytest.raises(ServiceNotServedError, match="output has rank 7"):
            await site.fleet.serve(service_order(threshold=0.99))
        site.fleet.start(order())
        sight = site.fleet.sighting(TASK)
        assert sight.obstacle is not None
        assert (sight.patience, "not served" in sight.obstacle.message) == (Patience.ENDLESS, True)


async def test_a_refused_replacement_leaves_the_one_before(site: Site) -> None:
    async with at_work(site):
        with pytest.raises(ServiceNotServedError):
            await site.fleet.serve(service_order(threshold=0.99))
        await until(site.analyses)


async def test_an_algorithm_that_kills_every_worker_is_refused(site: Site) -> None:
    async with site.fleet.running():
        with pytest.raises(ServiceNotServedError, match="kills its analysis worker"):
            await site.fleet.serve(service_order(threshold=0.98))


async def test_a_good_algorithm_that_loads_beside_a_deadly_one_is_served(site: Site) -> None:
    async with site.fleet.running():
        async with asyncio.TaskGroup() as calls:
            bad = calls.create_task(refusal(site, service_order(VEHICLE, threshold=0.98)))
            calls.create_task(site.fleet.serve(service_order()))
        assert "kills its analysis worker" in bad.result()
        site.fleet.start(order())
        await until(site.analyses)


async def refusal(site: Site, bad: ServiceOrder) -> str:
    with pytest.raises(ServiceNotServedError) as refused:
        await site.fleet.serve(bad)
    return str(refused.value)


async def test_a_withdrawn_algorithm_is_unloaded_after_its_tasks(site: Site) -> None:
    async with at_work(site):
        await site.fleet.withdraw(PERSON)
        await until(lambda: bool(site.noted(f"unload {PERSON}")))
        assert site.noted("stop t1")


async def test_redirected_tasks_move_to_the_other_algorithm_and_back(site: Site) -> None:
    async with at_work(site):
        await site.fleet.serve(service_order(VEHICLE))
        site.fleet.redirect({PERSON: VEHICLE})
        await until(lambda: bool(site.noted(f"move {PERSON} {VEHICLE}")))
        await site.fleet.withdraw(PERSON)
        await until(lambda: bool(site.noted(f"unload {PERSON}")) and site.analyses())
        await site.fleet.serve(service_order())
        site.fleet.redirect({})
        await until(lambda: bool(site.noted(f"move {VEHICLE} {PERSON}")) and site.analyses())
        assert (len(site.noted("start t1")), site.noted("stop t1")) == (1, [])


async def test_deaths_and_faults_of_an_algorithm_are_known_until_it_is_withdrawn(
    site: Site, tmp_path: Path
) -> None:
    async with at_work(site, f"die://x{tmp_path}/done"):
        await until(lambda: site.fleet.deaths(PERSON) == 1)
        assert (site.fleet.deaths(VEHICLE), site.fleet.fault(PERSON)) == (0, "")
        await site.fleet.withdraw(PERSON)
        assert site.fleet.deaths(PERSON) == 0


async def test_tasks_of_one_stream_share_a_worker_and_others_are_spread(tmp_path: Path) -> None:
    site = Site(tmp_path, 2)
    tasks = [order(f"t{n}", f"s{n % 2}") for n in range(4)]
    async with site.fleet.running():
        await site.fleet.serve(service_order())
        for task in tasks:
            site.fleet.start(task)
        await until(lambda: all(site.analyses(task.task_id) for task in tasks))
    starters = [{line.split()[0] for line in site.noted(f"start t{n}")} for n in range(4)]
    assert starters[0] == starters[2] != starters[1] == starters[3]


async def test_adding_a_task_disturbs_no_other(site: Site) -> None:
    async with at_work(site):
        await until(site.analyses)
        site.fleet.start(order("t2", "s2"))
        await until(lambda: site.analyses(TaskId("t2")))
        site.fleet.stop(TaskId("t2"))
        await until(lambda: bool(site.noted("stop t2")))
    assert (len(site.noted("start t1")), len(site.noted("stop t1"))) == (1, 0)


async def test_no_event_is_acknowledged_before_it_is_stored(site: Site) -> None:
    site.events.refuses = True
    async with at_work(site, "events://3"):
        await until(lambda: site.events.tries >= 2)
        assert site.noted("ack") == []
        site.events.refuses = False
        await until(lambda: len(site.noted("ack")) == 3)
        assert site.events.stored == ["e0", "e1", "e2"]
        assert site.fleet.tally.stored == 3


async def test_a_run_has_not_finished_before_its_events_are_stored(site: Site) -> None:
    site.events.refuses = True
    async with at_work(site, "events://3"):
        await until(lambda: site.events.tries >= 2 and site.analyses())
        sight = site.fleet.sighting(TASK)
        assert sight.report is not None
        assert not sight.report.finished
        site.events.refuses = False
        await until(
            lambda: (seen := site.fleet.sighting(TASK).report) is not None and seen.finished
        )


async def test_a_flood_of_events_waits_for_the_disk_without_costing_the_worker(site: Site) -> None:
    site.events.refuses = True
    async with at_work(site, "events://300"):
        await until(lambda: site.events.tries >= 4)
        await asyncio.sleep(QUICK.pulse.report + 1.0)
        site.events.refuses = False
        await until(lambda: len(site.noted("ack")) == 300, 30)
        assert site.events.stored == [f"e{n}" for n in range(300)]
        assert site.fleet.workers()[0].restarts == 0


async def test_events_read_from_a_worker_that_died_are_stored(site: Site) -> None:
    site.events.refuses = True
    async with at_work(site, "events://3"):
        await until(lambda: site.events.tries >= 1)
        os.kill(site.pid(), signal.SIGKILL)
        await until(lambda: site.fleet.workers()[0].restarts == 1)
        site.events.refuses = False
        await until(lambda: site.events.stored[:3] == ["e0", "e1", "e2"])


async def test_events_of_a_task_that_is_no_more_are_acknowledged_and_counted(site: Site) -> None:
    site.records.clear()
    async with at_work(site, "events://2"):
        await until(lambda: len(site.noted("ack")) == 2)
        assert (site.events.stored, site.fleet.tally.orphaned) == ([], 2)


async def test_a_stopped_task_settles_when_its_events_are_stored(site: Site) -> None:
    async with at_work(site, "events://5"):
        await until(lambda: bool(site.noted("start t1")))
        site.fleet.stop(TASK)
        await site.fleet.settle(TASK)
        assert len(site.events.stored) == 5


async def test_old_reports_do_not_speak_for_a_new_run(site: Site) -> None:
    async with at_work(site, "file:///recording.mp4"):
        await until(site.analyses)
        site.fleet.stop(TASK)
        site.fleet.start(order(url="file:///recording.mp4"))
        sight = site.fleet.sighting(TASK)
        assert sight.report is None


async def test_leaving_ends_every_process_in_good_order(tmp_path: Path) -> None:
    site = Site(tmp_path, 2)
    async with at_work(site):
        await until(site.analyses)
        pids = [site.pid(0), site.pid(1)]
    assert len(site.noted("shutdown")) == 2
    assert not any(is_alive(pid) for pid in pids)


async def test_a_worker_that_will_not_leave_is_killed(tmp_path: Path) -> None:
    site = Site(tmp_path, 1, "--stubborn")
    async with at_work(site):
        await until(site.analyses)
        pid = site.pid()
    assert not is_alive(pid)


async def test_a_worker_that_cannot_be_started_is_tried_again(tmp_path: Path) -> None:
    site = Site(tmp_path)
    program = WorkerProgram(command=["/nonexistent"], settings=SETTINGS)
    plan = FleetPlan(program=program, workers=1, timing=QUICK)
    fleet = Fleet(plan, events=site.events, records=site.raised_under, clock=SystemClock())
    async with fleet.running():
        await until(lambda: fleet.workers()[0].restarts >= 2)
        assert "cannot start /nonexistent" in fleet.workers()[0].last_end


async def test_what_a_worker_writes_is_logged_without_secrets(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        async with at_work(site, f"die://x{tmp_path}/done"):
            await until(lambda: "segmentation fault soon" in caplog.text)
    assert "hunter2" not in caplog.text
