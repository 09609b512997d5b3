"""Algorithm file packages and algorithm packages (Annex I)."""

from aiohttp import web

from cad.base.errors import ConflictError, InsufficientError, NotFoundError, UnavailableError
from cad.control.api.annex_h_machine import check_device
from cad.control.api.contract import Contract
from cad.control.api.http import MATCH, gather, parse, reply
from cad.control.api.routing import Effect, Route
from cad.control.api.services import DEVICE, PACKAGES
from cad.control.api.subject import READS
from cad.domain.ids import FilePackageId, ServiceId
from cad.wire.annex_i_packages import (
    FILE_PACKAGES,
    AlgoFilePackageIdRequest,
    AlgoFilePackageRequest,
    AlgoPackageCodeRequest,
    AlgoPackageInstallRequest,
    AlgoPackageListRequest,
    MachineAlgoFilePackage,
    MachineAlgoPackage,
    MachineAlgoPackageDetail,
)
from cad.wire.annex_i_packages import PACKAGES as PACKAGES_PATH
from cad.wire.envelope import ANNEX_I


async def push(request: web.Request) -> web.Response:
    """Fetch a file package in the background (I.2)."""
    wanted = await parse(request, AlgoFilePackageRequest)
    await request.app[PACKAGES].push(wanted.to_order())
    return reply(request)


async def delete_file_package(request: web.Request) -> web.Response:
    """Remove a file package (I.3)."""
    await request.app[PACKAGES].delete_file_package(await _file_package_id(request))
    return reply(request)


async def list_file_packages(request: web.Request) -> web.Response:
    """List the file packages with the state of their download (extension, AM-124)."""
    zone = request.app[DEVICE].zone
    found = request.app[PACKAGES].file_packages()
    items = [MachineAlgoFilePackage.from_file_package(package, zone) for package in found]
    return reply(request, [item.to_wire() for item in items])


async def show_file_package(request: web.Request) -> web.Response:
    """Show one file package (extension, AM-124)."""
    found = request.app[PACKAGES].file_package(await _file_package_id(request))
    item = MachineAlgoFilePackage.from_file_package(found, request.app[DEVICE].zone)
    return reply(request, item.to_wire())


async def install(request: web.Request) -> web.Response:
    """Install an algorithm package in the background (I.4)."""
    wanted = await parse(request, AlgoPackageInstallRequest)
    code = ServiceId(wanted.algo_package_code)
    await request.app[PACKAGES].install(code, wanted.args, wanted.replaces)
    return reply(request)


async def install_or_list(request: web.Request) -> web.Response:
    """Install if a package is named, else list: Tables I.4 and I.6 print one call (AM-118)."""
    members = await gather(request, AlgoPackageInstallRequest)
    named = members.get("algoPackageCode") is not None
    if named:
        return await install(request)
    request[READS] = True
    return await list_packages(request)


async def uninstall(request: web.Request) -> web.Response:
    """Remove an algorithm package in the background (I.5)."""
    wanted = await parse(request, AlgoPackageCodeRequest)
    code = ServiceId(wanted.algo_package_code)
    await request.app[PACKAGES].uninstall(code, force=wanted.force)
    return reply(request)


async def list_packages(request: web.Request) -> web.Response:
    """List the algorithm packages (I.6)."""
    wanted = await parse(request, AlgoPackageListRequest)
    zone = request.app[DEVICE].zone
    found = request.app[PACKAGES].packages(wanted.status)
    return reply(request, [MachineAlgoPackage.from_package(p, zone).to_wire() for p in found])


async def show_package(request: web.Request) -> web.Response:
    """Show one algorithm package (I.7)."""
    found = request.app[PACKAGES].package(await _code(request))
    item = MachineAlgoPackageDetail.from_package(found, request.app[DEVICE].zone)
    return reply(request, item.to_wire())


async def show_package_of_device(request: web.Request) -> web.Response:
    """Show one algorithm package under the path that the example of I.7 prints (AM-117)."""
    check_device(request, request[MATCH].variables["deviceCode"])
    return await show_package(request)


async def start(request: web.Request) -> web.Response:
    """Serve a stopped algorithm package again (extension, AM-122)."""
    await request.app[PACKAGES].start(await _code(request))
    return reply(request)


async def stop(request: web.Request) -> web.Response:
    """Serve an algorithm package no more, keep it installed (extension, AM-122)."""
    await request.app[PACKAGES].stop(await _code(request))
    return reply(request)


async def _code(request: web.Request) -> ServiceId:
    return ServiceId((await parse(request, AlgoPackageCodeRequest)).algo_package_code)


async def _file_package_id(request: web.Request) -> FilePackageId:
    wanted = await parse(request, AlgoFilePackageIdRequest)
    return FilePackageId(wanted.algo_file_package_id)


_BUSY = (ConflictError, UnavailableError)
_PUSH = Contract(
    clause="I.2",
    takes=(AlgoFilePackageRequest,),
    subject=("algoFilePackageId", "url", "authAddress"),
    refuses=(*_BUSY, InsufficientError),
)
DELETE = Contract(
    clause="I.3", takes=(AlgoFilePackageIdRequest,), subject=("algoFilePackageId",), refuses=_BUSY
)
_FILE_LIST = Contract(answers=list[MachineAlgoFilePackage])
_FILE_DETAIL = Contract(takes=(AlgoFilePackageIdRequest,), answers=MachineAlgoFilePackage)
_INSTALLED = ("algoPackageCode", "replaces", "args")
INSTALL = Contract(
    clause="I.4",
    takes=(AlgoPackageInstallRequest,),
    subject=_INSTALLED,
    refuses=(*_BUSY, InsufficientError, NotFoundError),
)
_INSTALL_OR_LIST = Contract(
    clause="I.4",
    takes=(AlgoPackageInstallRequest, AlgoPackageListRequest),
    subject=_INSTALLED,
    answers=list[MachineAlgoPackage] | None,
    refuses=(*_BUSY, InsufficientError, NotFoundError),
)
UNINSTALL = Contract(
    clause="I.5",
    takes=(AlgoPackageCodeRequest,),
    subject=("algoPackageCode", "force"),
    refuses=_BUSY,
)
_LIST = Contract(clause="I.6", takes=(AlgoPackageListRequest,), answers=list[MachineAlgoPackage])
DETAIL = Contract(clause="I.7", takes=(AlgoPackageCodeRequest,), answers=MachineAlgoPackageDetail)
SWITCH = Contract(takes=(AlgoPackageCodeRequest,), subject=("algoPackageCode",), refuses=_BUSY)

_FILE_PACKAGE = f"{FILE_PACKAGES}/{{algoFilePackageId}}"
_SPELLINGS = (PACKAGES_PATH, "/CAD/machine/algorithmPackages")
"""Clause I.7 prints the second (AM-117)."""
_OF_DEVICE = "/CAD/algoPackage/devices/{deviceCode}/{algoPackageCode}"


def _package_routes(path: str) -> tuple[Route, ...]:
    one = f"{path}/{{algoPackageCode}}"
    return (
        Route("POST", path, install_or_list, ANNEX_I, _INSTALL_OR_LIST),
        Route("GET", path, list_packages, ANNEX_I, _LIST),
        Route("DELETE", one, uninstall, ANNEX_I, UNINSTALL),
        Route("GET", one, show_package, ANNEX_I, DETAIL),
        Route("POST", one, show_package, ANNEX_I, DETAIL, effect=Effect.READS),
        Route("POST", f"{one}:start", start, ANNEX_I, SWITCH),
        Route("POST", f"{one}:stop", stop, ANNEX_I, SWITCH),
    )


ROUTES = (
    Route("POST", FILE_PACKAGES, push, ANNEX_I, _PUSH),
    Route("GET", FILE_PACKAGES, list_file_packages, ANNEX_I, _FILE_LIST),
    Route("GET", _FILE_PACKAGE, show_file_package, ANNEX_I, _FILE_DETAIL),
    Route("DELETE", _FILE_PACKAGE, delete_file_package, ANNEX_I, DELETE),
    *(route for path in _SPELLINGS for route in _package_routes(path)),
    Route("GET", _OF_DEVICE, show_package_of_device, ANNEX_I, DETAIL),
    Route("POST", _OF_DEVICE, show_package_of_device, ANNEX_I, DETAIL, effect=Effect.READS),
)
