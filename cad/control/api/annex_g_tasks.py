"""Analysis tasks (Annex G), under the standard's path and the machine's own (AM-31)."""

from collections.abc import Sequence

from aiohttp import web

from cad.base.errors import ConflictError, InsufficientError, NotFoundError, UnavailableError
from cad.control.api.contract import Contract
from cad.control.api.http import gather, parse, reply
from cad.control.api.routing import Effect, Route
from cad.control.api.services import DEVICE, TASKS
from cad.control.api.subject import concern
from cad.domain.access import Scope
from cad.domain.ids import ServiceId, TaskId
from cad.domain.views import TaskView
from cad.wire.annex_g_tasks import (
    MACHINE_TASKS,
    AlgoTask,
    AlgoTaskCreateData,
    AlgoTaskCreateRequest,
    AlgoTaskIdRequest,
    AlgoTaskPage,
    AlgoTaskSearchRequest,
)
from cad.wire.annex_g_tasks import TASKS as TASKS_PATH
from cad.wire.envelope import ANNEX_G, ANNEX_G_QUERY
from cad.wire.new_task import read_new_task


async def create(request: web.Request) -> web.Response:
    """Make a task, or replace the rules of the one it repeats (G.2, AM-106)."""
    zone = request.app[DEVICE].zone
    members = await gather(request, AlgoTaskCreateRequest)
    new = read_new_task(members, zone, request.app[DEVICE].dialect)
    concern(request, {"url": new.source.url})
    view, made = await request.app[TASKS].create(new)
    concern(request, {"id": view.record.order.task_id})
    task = AlgoTask.from_view(view, zone)
    data = AlgoTaskCreateData(
        created_streams=[task] if made else [], updated_streams=[] if made else [task]
    )
    return reply(request, data.to_wire())


async def delete(request: web.Request) -> web.Response:
    """End a task (G.3); `force` drops the events that wait for delivery."""
    wanted = await parse(request, AlgoTaskIdRequest)
    await request.app[TASKS].delete(TaskId(wanted.id), force=wanted.force)
    return reply(request)


async def resume(request: web.Request) -> web.Response:
    """Let a task run again (G.4)."""
    await request.app[TASKS].resume(await _id(request))
    return reply(request)


async def pause(request: web.Request) -> web.Response:
    """Hold a task (G.5)."""
    await request.app[TASKS].pause(await _id(request))
    return reply(request)


async def search(request: web.Request) -> web.Response:
    """List tasks by page (G.6)."""
    wanted = await parse(request, AlgoTaskSearchRequest)
    found = request.app[TASKS].search(
        task_ids=[TaskId(task_id) for task_id in wanted.id],
        service_ids=[ServiceId(service_id) for service_id in wanted.algo_service_id],
        event_types=wanted.event_type,
    )
    start = (wanted.page_number - 1) * wanted.page_size
    page = AlgoTaskPage(
        total=len(found),
        page_number=wanted.page_number,
        page_size=wanted.page_size,
        records=_tasks(request, found[start : start + wanted.page_size]),
    )
    return reply(request, page.to_wire())


async def show(request: web.Request) -> web.Response:
    """Show one task (G.7)."""
    view = request.app[TASKS].get(await _id(request))
    return reply(request, AlgoTask.from_view(view, request.app[DEVICE].zone).to_wire())


async def _id(request: web.Request) -> TaskId:
    return TaskId((await parse(request, AlgoTaskIdRequest)).id)


def _tasks(request: web.Request, views: Sequence[TaskView]) -> list[AlgoTask]:
    return [AlgoTask.from_view(view, request.app[DEVICE].zone) for view in views]


_MISSING = (NotFoundError, UnavailableError)
CREATE = Contract(
    clause="G.2",
    takes=(AlgoTaskCreateRequest,),
    subject=("algoServiceId",),
    answers=AlgoTaskCreateData,
    refuses=(*_MISSING, ConflictError, InsufficientError),
)
DELETE = Contract(
    clause="G.3", takes=(AlgoTaskIdRequest,), subject=("id", "force"), refuses=_MISSING
)
RESUME = Contract(
    clause="G.4",
    takes=(AlgoTaskIdRequest,),
    subject=("id",),
    refuses=(*_MISSING, InsufficientError),
)
PAUSE = Contract(clause="G.5", takes=(AlgoTaskIdRequest,), subject=("id",), refuses=_MISSING)
_SEARCH = Contract(clause="G.6", takes=(AlgoTaskSearchRequest,), answers=AlgoTaskPage)
SHOW = Contract(clause="G.7", takes=(AlgoTaskIdRequest,), answers=AlgoTask)


_SCOPES = frozenset({Scope.CAD, Scope.CAP})
"""The paths are those of a CAP, the machine is a CAD (AM-31)."""


def _routes(path: str) -> tuple[Route, ...]:
    one = f"{path}/{{id}}"
    return (
        Route("POST", path, create, ANNEX_G, CREATE, _SCOPES),
        Route("POST", f"{path}:search", search, ANNEX_G_QUERY, _SEARCH, _SCOPES, Effect.READS),
        Route("GET", one, show, ANNEX_G_QUERY, SHOW, _SCOPES),
        Route("DELETE", one, delete, ANNEX_G, DELETE, _SCOPES),
        Route("POST", f"{one}:resume", resume, ANNEX_G, RESUME, _SCOPES),
        Route("POST", f"{one}:pause", pause, ANNEX_G, PAUSE, _SCOPES),
        # Table G.5 prints DELETE: it pauses and never deletes (AM-101).
        Route("DELETE", f"{one}:pause", pause, ANNEX_G, PAUSE, _SCOPES),
    )


ROUTES = (*_routes(TASKS_PATH), *_routes(MACHINE_TASKS))
