"""The two applications: the public one of the standard's calls, and that of the local socket."""

from collections.abc import Iterable

from aiohttp import web

from cad.control.api import annex_g_tasks, annex_h_machine, annex_i_packages, local
from cad.control.api.auth import Gate
from cad.control.api.http import MATCH
from cad.control.api.middleware import (
    GATE,
    announce_request_id,
    with_envelope,
    with_proof,
    with_request_id,
)
from cad.control.api.routing import Route, RouteTable
from cad.control.api.services import Services, provide

PUBLIC_ROUTES = (*annex_h_machine.ROUTES, *annex_i_packages.ROUTES, *annex_g_tasks.ROUTES)

ROUTE_TABLE = web.AppKey("route_table", RouteTable)


def public_app(services: Services, gate: Gate, *, max_body_bytes: int) -> web.Application:
    """Return the application that the platform calls; only whom `gate` admits is served."""
    app = _app(services, PUBLIC_ROUTES, max_body_bytes)
    app[GATE] = gate
    app.middlewares.append(with_proof)
    return app


def local_app(services: Services, *, max_body_bytes: int) -> web.Application:
    """Return the application of the local socket, whose callers are trusted."""
    return _app(services, local.ROUTES, max_body_bytes)


def _app(services: Services, routes: Iterable[Route], max_body_bytes: int) -> web.Application:
    app = web.Application(
        middlewares=[with_request_id, with_envelope], client_max_size=max_body_bytes
    )
    app[ROUTE_TABLE] = RouteTable(routes)
    provide(app, services)
    app.on_response_prepare.append(announce_request_id)
    app.router.add_route("*", "/{path:.*}", _dispatch)
    return app


async def _dispatch(request: web.Request) -> web.StreamResponse:
    """Serve the request by our own table, which the framework's router cannot express (AM-11)."""
    match = request.app[ROUTE_TABLE].find(request.method, request.rel_url.raw_path)
    request[MATCH] = match
    return await match.route.handler(request)
