"""What `cadctl event` asks over the local socket: events as they are stored, or put aside."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from cad.base.errors import UnavailableError
from cad.control.api.contract import Contract
from cad.control.api.http import parse, reply
from cad.control.api.routing import Route
from cad.control.api.services import DEVICE, OUTBOX
from cad.wire import local_events as wire
from cad.wire.envelope import LOCAL

NDJSON = "application/x-ndjson"
KEEP_OPEN_INTERVAL = 5.0
"""Seconds between two empty lines on a silent feed; they show that the reader is gone."""


async def tail(request: web.Request) -> web.StreamResponse:
    """Write each event stored from now on as a line of JSON, until the reader goes."""
    response = web.StreamResponse(headers={"Content-Type": NDJSON})
    await response.prepare(request)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_write_lines(response, request.app[OUTBOX].tail()), name="tail")
            group.create_task(_keep_open(response), name="tail-keep-open")
    except* ConnectionResetError:
        pass  # how a reader ends the feed
    return response


async def _write_lines(response: web.StreamResponse, documents: AsyncIterator[bytes]) -> None:
    async for document in documents:
        await response.write(document + b"\n")


async def _keep_open(response: web.StreamResponse) -> None:
    while True:
        await response.write(b"\n")
        await asyncio.sleep(KEEP_OPEN_INTERVAL)


async def dead(request: web.Request) -> web.Response:
    """List the events that were put aside after refusals, oldest first."""
    wanted, zone = await parse(request, wire.DeadRequest), request.app[DEVICE].zone
    letters = await request.app[OUTBOX].dead(wanted.limit)
    return reply(request, [wire.DeadLetterItem.from_letter(e, zone).to_wire() for e in letters])


async def resend(request: web.Request) -> web.Response:
    """Try again to deliver events that were put aside."""
    wanted = (await parse(request, wire.ResendRequest)).wanted()
    return reply(
        request, wire.ResentItem(resent=await request.app[OUTBOX].resend(wanted)).to_wire()
    )


ROUTES = (
    Route("GET", wire.EVENTS_TAIL, tail, LOCAL, Contract(content_type=NDJSON)),
    Route(
        "GET",
        wire.EVENTS_DEAD,
        dead,
        LOCAL,
        Contract(
            takes=(wire.DeadRequest,),
            answers=list[wire.DeadLetterItem],
            refuses=(UnavailableError,),
        ),
    ),
    Route(
        "POST",
        wire.EVENTS_RESEND,
        resend,
        LOCAL,
        Contract(
            takes=(wire.ResendRequest,),
            subject=("eventIds", "all"),
            answers=wire.ResentItem,
            refuses=(UnavailableError,),
        ),
    ),
)
