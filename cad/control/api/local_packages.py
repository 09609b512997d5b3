"""What `cadctl package` orders over the local socket."""

from pathlib import Path

from aiohttp import web

from cad.base.errors import InsufficientError
from cad.control.api import annex_i_packages
from cad.control.api.contract import Contract
from cad.control.api.http import parse, reply
from cad.control.api.routing import Route
from cad.control.api.services import PACKAGES
from cad.control.api.subject import concern
from cad.wire import local_packages as wire
from cad.wire.envelope import LOCAL
from cad.wire.local import PACKAGES as PACKAGES_PATH


async def push_file(request: web.Request) -> web.Response:
    """Copy an archive that lies on this device, and take it like one that was pushed."""
    wanted = await parse(request, wire.PushFileRequest)
    number = await request.app[PACKAGES].push_file(Path(wanted.path))
    concern(request, {"algoFilePackageId": number})
    return reply(request, wire.PushedItem(algo_file_package_id=number).to_wire())


_PACKAGE = f"{PACKAGES_PATH}/{{algoPackageCode}}"

ROUTES = (
    Route("GET", _PACKAGE, annex_i_packages.show_package, LOCAL, annex_i_packages.DETAIL),
    Route("POST", PACKAGES_PATH, annex_i_packages.install, LOCAL, annex_i_packages.INSTALL),
    Route("DELETE", _PACKAGE, annex_i_packages.uninstall, LOCAL, annex_i_packages.UNINSTALL),
    Route("POST", f"{_PACKAGE}:start", annex_i_packages.start, LOCAL, annex_i_packages.SWITCH),
    Route("POST", f"{_PACKAGE}:stop", annex_i_packages.stop, LOCAL, annex_i_packages.SWITCH),
    Route(
        "DELETE",
        f"{wire.FILE_PACKAGES}/{{algoFilePackageId}}",
        annex_i_packages.delete_file_package,
        LOCAL,
        annex_i_packages.DELETE,
    ),
)
SOCKET_ROUTES = (
    Route(
        "POST",
        wire.FILE_PACKAGES,
        push_file,
        LOCAL,
        Contract(
            takes=(wire.PushFileRequest,),
            subject=("path",),
            answers=wire.PushedItem,
            refuses=(InsufficientError,),
        ),
    ),
)
"""Not for the network: it reads a file of the device."""
