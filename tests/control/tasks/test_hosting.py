"""Services as the packages' side sees them."""

import sys
from pathlib import Path

import pytest

from cad.base.clock import SystemClock
from cad.control.packages.ports import ServiceHost
from cad.control.tasks.book import TaskBook
from cad.control.tasks.fleet import Fleet, FleetPlan
from cad.control.tasks.hosting import ServiceHosting
from cad.control.tasks.service import TaskPolicy, TaskService
from cad.control.tasks.worker_process import WorkerProgram
from cad.domain.ids import StreamId
from cad.domain.tasks import TaskState
from tests.control.tasks.test_fleet import GatedEvents
from tests.control.tasks.values import (
    PERSON,
    SETTINGS,
    TASK,
    VEHICLE,
    FixedAlgorithms,
    MemoryTaskStore,
    NotedBacklog,
    order,
    record,
    service_order,
)

pytestmark = pytest.mark.peer


async def test_services_come_and_go_with_their_tasks(tmp_path: Path) -> None:
    script = [sys.executable, "-m", "tests.control.tasks.stand_in", f"--notes={tmp_path}/notes"]
    plan = FleetPlan(program=WorkerProgram(command=script, settings=SETTINGS), workers=1)
    ended = record(order("t2", "s2"), TaskState.FINISHED)
    book = TaskBook(MemoryTaskStore(record(), ended))
    fleet = Fleet(plan, events=GatedEvents(), records=book.raised_under, clock=SystemClock())
    tasks = TaskService(
        book=book,
        runner=fleet,
        algorithms=FixedAlgorithms(),
        backlog=NotedBacklog(),
        stream_names=lambda source: StreamId("s1"),
        clock=SystemClock(),
        policy=TaskPolicy(),
    )
    host: ServiceHost = ServiceHosting(fleet, tasks)
    async with fleet.running(), tasks.running():
        await host.serve(service_order())
        assert host.task_ids(PERSON) == [TASK]
        assert list(host.health(PERSON, [PERSON]).tasks) == [TASK]
        await host.serve(service_order(VEHICLE))
        host.redirect({PERSON: VEHICLE})
        await host.hand_over(PERSON, VEHICLE)
        assert (host.task_ids(PERSON), host.task_ids(VEHICLE)) == ([], [TASK])
        await host.drop_tasks(VEHICLE)
        assert tasks.search() == []
        await host.withdraw(PERSON)
        assert fleet.sighting(TASK).report is None
