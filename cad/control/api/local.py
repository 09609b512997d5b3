"""What `cadctl` asks over the local socket (/local/v1)."""

from collections import Counter

from aiohttp import web

from cad.control.api import annex_g_tasks, local_events, local_packages
from cad.control.api.contract import Contract
from cad.control.api.http import parse, reply
from cad.control.api.routing import Effect, Route
from cad.control.api.services import ACCESS, DEVICE, HOST, LINK, OUTBOX, PACKAGES, TASKS, WORKERS
from cad.domain.ids import TaskId
from cad.wire import local as wire
from cad.wire.annex_g_tasks import AlgoTask, AlgoTaskIdRequest, AlgoTaskPage
from cad.wire.annex_i_packages import MachineAlgoFilePackage, MachineAlgoPackage
from cad.wire.envelope import LOCAL


async def status(request: web.Request) -> web.Response:
    """Tell everything about the device at a glance."""
    app, zone = request.app, request.app[DEVICE].zone
    item = wire.StatusItem(
        machine=_machine(app),
        link=wire.LinkItem.from_view(app[LINK].view(), zone),
        host=wire.HostItem.from_figures(app[HOST].figures()),
        workers=[wire.WorkerItem.from_view(view) for view in app[WORKERS].workers()],
        outbox=wire.OutboxItem.from_view(app[OUTBOX].view(), zone),
        events=wire.EventsItem.from_view(app[WORKERS].intake()),
        counts=_counts(app),
    )
    return reply(request, item.to_wire())


def _machine(app: web.Application) -> wire.MachineItem:
    device = app[DEVICE]
    uptime = device.clock.monotonic() - device.started
    return wire.MachineItem(
        code=device.code, version=device.version, uptime_seconds=round(uptime, 3)
    )


def _counts(app: web.Application) -> wire.Counts:
    tasks = app[TASKS].search(task_ids=(), service_ids=(), event_types=())
    return wire.Counts(
        packages=len(app[PACKAGES].packages(None)),
        tasks=len(tasks),
        tasks_by_state=dict(Counter(view.state.value for view in tasks)),
        streams=sum(len(view.streams) for view in app[WORKERS].workers()),
    )


async def packages(request: web.Request) -> web.Response:
    """List the algorithm packages and the file packages."""
    service, zone = request.app[PACKAGES], request.app[DEVICE].zone
    item = wire.PackagesItem(
        packages=[MachineAlgoPackage.from_package(p, zone) for p in service.packages(None)],
        file_packages=[
            MachineAlgoFilePackage.from_file_package(p, zone) for p in service.file_packages()
        ],
    )
    return reply(request, item.to_wire())


async def tasks(request: web.Request) -> web.Response:
    """List all tasks, as one page."""
    found = request.app[TASKS].search(task_ids=(), service_ids=(), event_types=())
    zone = request.app[DEVICE].zone
    page = AlgoTaskPage(
        total=len(found),
        page_number=1,
        page_size=max(1, len(found)),
        records=[AlgoTask.from_view(view, zone) for view in found],
    )
    return reply(request, page.to_wire())


async def history(request: web.Request) -> web.Response:
    """List the last steps of one task, oldest first."""
    task_id = TaskId((await parse(request, AlgoTaskIdRequest)).id)
    zone = request.app[DEVICE].zone
    steps = request.app[TASKS].history(task_id)
    return reply(request, [wire.TaskStepItem.from_step(step, zone).to_wire() for step in steps])


async def streams(request: web.Request) -> web.Response:
    """List the streams of all workers."""
    zone = request.app[DEVICE].zone
    items = [
        wire.StreamItem.from_status(stream, view.name, zone).to_wire()
        for view in request.app[WORKERS].workers()
        for stream in view.streams
    ]
    return reply(request, items)


async def workers(request: web.Request) -> web.Response:
    """List the analysis workers."""
    items = [wire.WorkerItem.from_view(view).to_wire() for view in request.app[WORKERS].workers()]
    return reply(request, items)


async def credentials(request: web.Request) -> web.Response:
    """Tell what the platform logs in at this device with."""
    login = request.app[ACCESS].login
    item = wire.CredentialsItem(username=login.name, password=login.secret)
    return reply(request, item.to_wire())


_TASK = f"{wire.TASKS}/{{id}}"

ROUTES = (
    Route("GET", wire.STATUS, status, LOCAL, Contract(answers=wire.StatusItem)),
    Route("GET", wire.PACKAGES, packages, LOCAL, Contract(answers=wire.PackagesItem)),
    Route("GET", wire.TASKS, tasks, LOCAL, Contract(answers=AlgoTaskPage)),
    Route("POST", wire.TASKS, annex_g_tasks.create, LOCAL, annex_g_tasks.CREATE),
    Route("GET", _TASK, annex_g_tasks.show, LOCAL, annex_g_tasks.SHOW),
    Route(
        "GET",
        f"{_TASK}/history",
        history,
        LOCAL,
        Contract(takes=(AlgoTaskIdRequest,), answers=list[wire.TaskStepItem]),
    ),
    Route("DELETE", _TASK, annex_g_tasks.delete, LOCAL, annex_g_tasks.DELETE),
    Route("POST", f"{_TASK}:pause", annex_g_tasks.pause, LOCAL, annex_g_tasks.PAUSE),
    Route("POST", f"{_TASK}:resume", annex_g_tasks.resume, LOCAL, annex_g_tasks.RESUME),
    Route("GET", wire.STREAMS, streams, LOCAL, Contract(answers=list[wire.StreamItem])),
    Route("GET", wire.WORKERS, workers, LOCAL, Contract(answers=list[wire.WorkerItem])),
    *local_events.ROUTES,
    *local_packages.ROUTES,
)
SOCKET_ROUTES = (
    Route(
        "GET",
        wire.PLATFORM_CREDENTIALS,
        credentials,
        LOCAL,
        Contract(answers=wire.CredentialsItem),
        effect=Effect.REVEALS,
    ),
    *local_packages.SOCKET_ROUTES,
)
"""Not for the network: a client must neither learn the password of another account nor have files
read."""
