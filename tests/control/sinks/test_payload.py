"""The event as its receivers get it."""

import asyncio
import json

from cad.control.sinks.payload import event_body
from cad.domain.deliveries import Delivery, QueueKey
from cad.domain.destinations import HttpDestination
from cad.domain.ids import TaskId
from cad.wire.event import EventDocument
from tests.control.sinks.examples import ORIGIN, event, event_id, task

RECORD = task("http://receiver/")


def delivery(image: bytes) -> Delivery:
    made = EventDocument.from_event(event(1), RECORD, ORIGIN, sequence=1)
    return Delivery(
        number=1,
        event_id=event_id(1),
        queue=QueueKey(TaskId("task-1"), HttpDestination("http://receiver/")),
        document=made.to_json(),
        full_image=image,
        crop_image=b"",
    )


async def test_a_large_picture_arrives_whole() -> None:
    image = bytes(range(256)) * 4000
    body = json.loads(await event_body(delivery(image)))
    assert EventDocument.read(body).images.full.jpeg() == image


async def test_the_loop_turns_while_a_large_picture_is_encoded() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        counting = group.create_task(count())
        await event_body(delivery(bytes(3_000_000)))
        counting.cancel()
    assert turns >= 15
