"""The event as its receivers get it."""

import asyncio

from cad.domain.deliveries import Delivery
from cad.wire.event import EventDocument


async def event_body(delivery: Delivery) -> bytes:
    """Return the JSON of the event, with the pictures that no store has.

    Raises:
        RefusedError: what is stored is no event.
    """
    document, pieces = EventDocument.parse(delivery.document), list[bytes]()
    for piece in document.json_with(delivery.full_image, delivery.crop_image):
        pieces.append(piece)
        await asyncio.sleep(0)  # pictures may have megabytes, and the loop has other work
    return b"".join(pieces)
