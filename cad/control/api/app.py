"""The two applications: the public one of the standard's calls, and that of the local socket."""

from collections.abc import Iterable

from aiohttp import web

from cad.base.errors import ForbiddenError, TooManyError, UnauthorisedError
from cad.control.api import (
    annex_g_tasks,
    annex_h_machine,
    annex_i_packages,
    document,
    local,
    local_access,
    oauth,
)
from cad.control.api.auth import Gate
from cad.control.api.document import LOCAL_DOCUMENT, PUBLIC, ApiDocument
from cad.control.api.http import MATCH
from cad.control.api.middleware import (
    GATE,
    sign,
    with_envelope,
    with_proof,
    with_request_id,
)
from cad.control.api.openapi import Surface
from cad.control.api.profiles import routes_of
from cad.control.api.routing import ROUTE_TABLE, Route, RouteTable
from cad.control.api.services import Device, Services, provide
from cad.control.api.trail import with_audit, with_peer

PUBLIC_ROUTES = (
    *annex_h_machine.ROUTES,
    *annex_i_packages.ROUTES,
    *annex_g_tasks.ROUTES,
    *oauth.ROUTES,
    *local.ROUTES,
    document.PUBLIC_ROUTE,
)
LOCAL_ROUTES = (
    *local.ROUTES,
    *local.SOCKET_ROUTES,
    *local_access.ROUTES,
    document.LOCAL_ROUTE,
)
SECURITY = {
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "basic": {"type": "http", "scheme": "basic"},
}
"""What the gate takes, for the API's document."""


def public_app(services: Services, gate: Gate, *, max_body_bytes: int) -> web.Application:
    """Return the application that the platform calls; only whom `gate` admits is served."""
    surface = public_surface(services.device)
    app = _app(services, surface.routes, max_body_bytes)
    app[PUBLIC] = ApiDocument(surface)
    app[GATE] = gate
    app.middlewares.append(with_proof)
    return app


def local_app(services: Services, *, max_body_bytes: int) -> web.Application:
    """Return the application of the local socket, whose callers are trusted."""
    app = _app(services, LOCAL_ROUTES, max_body_bytes)
    app.middlewares.append(with_peer)
    app[PUBLIC] = ApiDocument(public_surface(services.device))
    app[LOCAL_DOCUMENT] = ApiDocument(local_surface(services.device))
    return app


def public_surface(device: Device) -> Surface:
    """Return what the platform can call."""
    return Surface(
        title="Central analysis device",
        version=device.version,
        routes=(*PUBLIC_ROUTES, *routes_of(device.profiles)),
        dialect=device.dialect,
        security=SECURITY,
        refuses=(UnauthorisedError, ForbiddenError, TooManyError),
    )


def local_surface(device: Device) -> Surface:
    """Return what `cadctl` can call on the local socket."""
    return Surface(
        title="Central analysis device, local socket", version=device.version, routes=LOCAL_ROUTES
    )


def _app(services: Services, routes: Iterable[Route], max_body_bytes: int) -> web.Application:
    app = web.Application(
        middlewares=[with_request_id, with_audit, with_envelope], client_max_size=max_body_bytes
    )
    app[ROUTE_TABLE] = RouteTable(routes)
    provide(app, services)
    app.on_response_prepare.append(sign)
    app.router.add_route("*", "/{path:.*}", _dispatch)
    return app


async def _dispatch(request: web.Request) -> web.StreamResponse:
    """Serve the request by our own table, which the framework's router cannot express (AM-11)."""
    match = request.app[ROUTE_TABLE].find(request.method, request.rel_url.raw_path)
    request[MATCH] = match
    return await match.route.handler(request)
