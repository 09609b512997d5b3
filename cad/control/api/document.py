"""Serves the API's own description."""

import asyncio
from typing import Literal

from aiohttp import web

from cad.control.api.contract import Contract
from cad.control.api.http import parse, reply
from cad.control.api.openapi import JSON, Surface, describe
from cad.control.api.routing import Route
from cad.control.api.schemas import Schema
from cad.wire.envelope import LOCAL
from cad.wire.local import OPENAPI
from cad.wire.model import WireModel

PUBLIC_PATH = "/openapi.json"


class ApiDocument:
    """The document of one surface, written when it is first asked for."""

    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._written: Schema | None = None

    async def read(self) -> Schema:
        """Return the document."""
        if self._written is None:
            self._written = await asyncio.to_thread(describe, self._surface)
        return self._written


class DocumentRequest(WireModel):
    """Asks for the document of the calls on the network, or of those on the local socket."""

    surface: Literal["public", "local"] = "public"


PUBLIC: web.AppKey[ApiDocument] = web.AppKey("public_document")
LOCAL_DOCUMENT: web.AppKey[ApiDocument] = web.AppKey("local_document")


async def show(request: web.Request) -> web.Response:
    """Describe this API (OpenAPI 3.1)."""
    return web.json_response(await request.app[PUBLIC].read())


async def show_on_socket(request: web.Request) -> web.Response:
    """Describe the API, or with `surface=local` the calls of this socket."""
    wanted = await parse(request, DocumentRequest)
    key = PUBLIC if wanted.surface == "public" else LOCAL_DOCUMENT
    return reply(request, await request.app[key].read())


PUBLIC_ROUTE = Route("GET", PUBLIC_PATH, show, LOCAL, Contract(content_type=JSON))
LOCAL_ROUTE = Route(
    "GET",
    OPENAPI,
    show_on_socket,
    LOCAL,
    Contract(takes=(DocumentRequest,), answers=dict[str, object]),
)
