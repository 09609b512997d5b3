"""A receiver of events over HTTP: keeps them, counts what came twice, can be told to refuse."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable

from aiohttp import web

from cad.base.errors import BadValueError, ContradictionError, MissingFieldError
from cad.wire.event import IDEMPOTENCY_HEADER, EventDocument

EVENTS = "/events"


class EventReceiver:
    """What the platform got of events, in the order of their arrival."""

    def __init__(self, on_event: Callable[[EventDocument], None] | None = None) -> None:
        self.events: list[EventDocument] = []
        """Each once, the first time it came."""
        self.deliveries = Counter[str]()
        """How often each was delivered, by its id."""
        self._refusals: deque[int] = deque()
        self._delay = 0.0
        self._on_event = on_event

    @property
    def duplicates(self) -> int:
        """Deliveries beyond the first of each event."""
        return self.deliveries.total() - len(self.deliveries)

    def reject(self, status: int, times: int) -> None:
        """Answer the next `times` deliveries with `status`."""
        self._refusals.extend([status] * times)

    def delay(self, seconds: float) -> None:
        """Answer every delivery `seconds` late from now on."""
        self._delay = seconds

    async def receive(self, request: web.Request) -> web.Response:
        """Take one event.

        Raises:
            RefusedError: it is no event, or its idempotency key is not its id.
        """
        body = await request.read()
        await asyncio.sleep(self._delay)
        if self._refusals:
            return web.Response(status=self._refusals.popleft())
        self._keep(EventDocument.parse(body), request.headers.get(IDEMPOTENCY_HEADER))
        return web.Response(status=204)

    def _keep(self, event: EventDocument, key: str | None) -> None:
        if key is None:
            raise MissingFieldError(IDEMPOTENCY_HEADER)
        if key != event.event_id:
            raise ContradictionError(
                f"expected the id of the event, {event.event_id}",
                field=IDEMPOTENCY_HEADER,
                given=key,
            )
        _check_images(event)
        self.deliveries[key] += 1
        if self.deliveries[key] == 1:
            self.events.append(event)
            if self._on_event is not None:
                self._on_event(event)


def _check_images(event: EventDocument) -> None:
    for name, image in (("full", event.images.full), ("crop", event.images.crop)):
        jpeg = image.jpeg()
        if jpeg and not jpeg.startswith(b"\xff\xd8"):
            raise BadValueError("expected a JPEG", field=f"images.{name}.data")
