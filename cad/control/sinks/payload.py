"""The event as its receivers get it."""

from cad.domain.deliveries import Delivery
from cad.wire.event import EventDocument


def event_body(delivery: Delivery) -> bytes:
    """Return the JSON of the event, with the pictures that no store has.

    Raises:
        RefusedError: what is stored is no event.
    """
    document = EventDocument.parse(delivery.document)
    return document.with_images(delivery.full_image, delivery.crop_image).to_json()
