"""Serves the calls of profiles: further interfaces of the device (AM-30)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aiohttp import web
from typing_extensions import override

from cad.base.errors import ConflictError, InsufficientError, NotFoundError, UnavailableError
from cad.control.api.contract import Contract
from cad.control.api.http import gather, reply
from cad.control.api.routing import Handler, Route
from cad.control.api.services import DEVICE, HOST, PACKAGES, TASKS
from cad.domain.ids import ServiceId, TaskId
from cad.domain.packages import AlgoPackage
from cad.domain.profiles import DeviceProfile, Machine, ProfileCall
from cad.domain.tasks import NewTask
from cad.domain.views import HostFigures, TaskView
from cad.wire.envelope import ANNEX_H
from cad.wire.model import WireModel


def routes_of(profiles: Iterable[DeviceProfile]) -> tuple[Route, ...]:
    """Return the routes of all calls of `profiles`."""
    return tuple(_route(call) for profile in profiles for call in profile.calls)


def _route(call: ProfileCall) -> Route:
    contract = Contract(
        clause=call.clause,
        takes=(WireModel,),
        answers=object | None,
        refuses=(NotFoundError, ConflictError, InsufficientError, UnavailableError),
        summary=call.summary,
    )
    return Route(call.method, call.path, _handler(call), ANNEX_H, contract)


def _handler(call: ProfileCall) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        parameters = await gather(request, WireModel)
        return reply(request, await call.answer(parameters, _ServedMachine(request.app)))

    return handle


@dataclass(frozen=True, slots=True)
class _ServedMachine(Machine):
    """The device, by the services of the application."""

    app: web.Application

    @property
    @override
    def code(self) -> str:
        return self.app[DEVICE].code

    @override
    def figures(self) -> HostFigures:
        return self.app[HOST].figures()

    @override
    def packages(self) -> Sequence[AlgoPackage]:
        return self.app[PACKAGES].packages(None)

    @override
    async def install(self, code: ServiceId, args: str) -> None:
        await self.app[PACKAGES].install(code, args)

    @override
    def tasks(self) -> Sequence[TaskView]:
        return self.app[TASKS].search(task_ids=(), service_ids=(), event_types=())

    @override
    async def create_task(self, new: NewTask) -> TaskView:
        view, _ = await self.app[TASKS].create(new)
        return view

    @override
    async def delete_task(self, task_id: TaskId) -> None:
        await self.app[TASKS].delete(task_id, force=False)
