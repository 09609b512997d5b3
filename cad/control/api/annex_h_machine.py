"""State and resources of the machine (Annex H; H.5 is the device's part)."""

from aiohttp import web

from cad.base.errors import NotFoundError
from cad.control.api.contract import Contract
from cad.control.api.http import parse, reply
from cad.control.api.routing import Route
from cad.control.api.services import DEVICE, HOST, LINK, PACKAGES, TASKS, WORKERS
from cad.domain.views import LinkState, WorkerState
from cad.wire.annex_h_machine import STATUS, DeviceInfo, MachineStatusRequest
from cad.wire.annex_i_packages import MachineAlgoPackage
from cad.wire.envelope import ANNEX_H


async def status(request: web.Request) -> web.Response:
    """Tell how the machine is (H.5)."""
    check_device(request, (await parse(request, MachineStatusRequest)).device_code)
    device, packages = request.app[DEVICE], request.app[PACKAGES].packages(None)
    tasks = request.app[TASKS].search(task_ids=(), service_ids=(), event_types=())
    info = DeviceInfo.from_figures(
        device.code,
        request.app[HOST].figures(),
        is_online=_is_online(request.app),
        packages=[MachineAlgoPackage.from_package(package, device.zone) for package in packages],
        tasks=len(tasks),
    )
    return reply(request, info.to_wire())


def check_device(request: web.Request, code: str) -> None:
    """Raise `NotFoundError` unless `code` is this device."""
    if code != request.app[DEVICE].code:
        raise NotFoundError("expected the code of this machine", field="deviceCode", given=code)


def _is_online(app: web.Application) -> bool:
    """Whether the machine is ready for work and its lease valid (AM-115)."""
    linked = app[LINK].view().state in {LinkState.ONLINE, LinkState.DISABLED}
    return linked and any(w.state is WorkerState.READY for w in app[WORKERS].workers())


_STATUS = Contract(clause="H.5", takes=(MachineStatusRequest,), answers=DeviceInfo)

ROUTES = (Route("GET", f"{STATUS}/{{deviceCode}}", status, ANNEX_H, _STATUS),)
