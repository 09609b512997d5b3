"""The outbox over a real database and real receivers."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from cad.control.sinks.outbox import Outbox
from cad.domain.events import Target, UnmakeableEventError
from cad.domain.ids import TaskId
from cad.domain.views import OutboxView
from tests.control.sinks.conftest import opened
from tests.control.sinks.examples import event, event_id, task
from tests.control.sinks.receiver import (
    Fault,
    Receiver,
    answer,
    receiving,
    reset,
    silence,
)

FIRST_FIVE = [event_id(number) for number in range(1, 6)]


async def store(outbox: Outbox, *numbers: int, url: str) -> None:
    for number in numbers:
        await outbox.store(event(number), task(url))


async def until_settled(outbox: Outbox) -> OutboxView:
    async with asyncio.timeout(20):
        while outbox.view().waiting:  # noqa: ASYNC110 - it tells nobody when it is empty
            await asyncio.sleep(0.005)
    return outbox.view()


async def next_of(tail: AsyncIterator[bytes]) -> bytes:
    return await anext(tail)


async def test_events_arrive_in_order_and_leave_the_outbox(
    outbox: Outbox, receiver: Receiver
) -> None:
    await store(outbox, 1, 2, 3, url=receiver.url)
    view = await until_settled(outbox)
    assert receiver.ids == FIRST_FIVE[:3]
    assert [document.sequence for document in receiver.taken] == [1, 2, 3]
    assert (view.delivered, view.stored_bytes, view.oldest_waiting) == (3, 0, None)


@pytest.mark.parametrize(
    "fault",
    [answer(500), answer(429, Retry_After="0"), answer(413), reset],
    ids=["500", "429", "413", "reset"],
)
@pytest.mark.row("IO-07")
async def test_faults_lose_nothing_and_keep_the_order(
    outbox: Outbox, receiver: Receiver, fault: Fault
) -> None:
    receiver.faults += [fault, fault, fault]
    await store(outbox, 1, 2, 3, 4, 5, url=receiver.url)
    await until_settled(outbox)
    assert receiver.ids == FIRST_FIVE
    assert receiver.attempts == [event_id(1)] * 3 + FIRST_FIVE


async def test_events_wait_for_a_receiver_that_is_away(outbox: Outbox) -> None:
    async with receiving() as gone:
        url = gone.url
    await store(outbox, 1, 2, 3, url=url)
    assert outbox.view().waiting == 3
    async with receiving(port=int(url.rpartition(":")[2])) as back:
        await back.until(lambda receiver: len(receiver.taken) == 3)
        assert back.ids == FIRST_FIVE[:3]


async def test_what_was_delivered_late_is_seen_as_an_error_until_then(
    outbox: Outbox, receiver: Receiver
) -> None:
    receiver.always["/"] = answer(500)
    await store(outbox, 1, url=receiver.url)
    await receiver.until(lambda receiver: len(receiver.attempts) > 2)
    assert "500" in outbox.view().last_error
    receiver.always.clear()
    assert (await until_settled(outbox)).last_error == ""


async def test_a_slow_receiver_does_not_delay_another(outbox: Outbox, receiver: Receiver) -> None:
    async with receiving() as slow:
        slow.always["/"] = silence
        for number in range(1, 9):  # more queues than posts to one receiver
            record = task(slow.url, task_id=f"slow-{number}")
            await outbox.store(event(number, task_id=f"slow-{number}"), record)
        await slow.until(lambda slow: len(slow.attempts) == 4)
        await store(outbox, 11, 12, url=receiver.url)
        await receiver.until(lambda receiver: len(receiver.taken) == 2)
        assert (receiver.ids, slow.taken) == ([event_id(11), event_id(12)], [])


async def test_what_is_refused_for_good_is_put_aside_and_the_next_ones_flow(
    outbox: Outbox, receiver: Receiver
) -> None:
    receiver.faults += [answer(413)] * 5
    await store(outbox, 1, 2, url=receiver.url)
    view = await until_settled(outbox)
    assert receiver.attempts == [event_id(1)] * 5 + [event_id(2)]
    assert (view.dead, view.delivered) == (1, 1)
    assert view.stored_bytes > 0


async def test_what_was_put_aside_can_be_sent_again(outbox: Outbox, receiver: Receiver) -> None:
    receiver.always["/"] = answer(404)
    await store(outbox, 1, url=receiver.url)
    await until_settled(outbox)
    receiver.always.clear()
    await outbox.resend([event_id(1), event_id(99)])
    view = await until_settled(outbox)
    assert (receiver.ids, view.dead, view.delivered) == ([event_id(1)], 0, 1)


async def test_each_destination_gets_every_event(outbox: Outbox, receiver: Receiver) -> None:
    async with receiving() as other:
        record = task(receiver.url, other.url, receiver.url)
        for number in range(1, 6):
            await outbox.store(event(number), record)
        view = await until_settled(outbox)
        assert (receiver.ids, other.ids, view.delivered) == (FIRST_FIVE, FIRST_FIVE, 10)


async def test_an_event_offered_again_is_not_stored_again(
    outbox: Outbox, receiver: Receiver
) -> None:
    await store(outbox, 1, url=receiver.url)
    await until_settled(outbox)
    await store(outbox, 1, 2, url=receiver.url)
    await until_settled(outbox)
    assert receiver.ids == FIRST_FIVE[:2]
    assert outbox.counts(TaskId("task-1")) == 2


async def test_sequences_and_events_survive_a_restart(tmp_path: Path, receiver: Receiver) -> None:
    receiver.always["/"] = answer(500)
    async with opened(tmp_path / "cad.db") as outbox:
        await store(outbox, 1, 2, url=receiver.url)
    receiver.always.clear()
    async with opened(tmp_path / "cad.db") as outbox:
        assert outbox.counts(TaskId("task-1")) == 2
        await store(outbox, 3, url=receiver.url)
        await until_settled(outbox)
    assert [document.sequence for document in receiver.taken] == [1, 2, 3]


async def test_a_full_outbox_drops_the_oldest_and_says_so(
    tmp_path: Path, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.always["/"] = answer(500)
    async with opened(tmp_path / "cad.db", limit_mb=1) as outbox:
        for number in range(1, 6):
            await outbox.store(event(number, image=bytes(300_000)), task(receiver.url))
        assert (outbox.view().dropped, outbox.view().waiting) == (2, 3)
        await receiver.until(lambda receiver: receiver.attempts[-1] == FIRST_FIVE[2])
        receiver.always.clear()
        await until_settled(outbox)
    assert receiver.ids == FIRST_FIVE[2:]
    assert [FIRST_FIVE[0] in caplog.text, FIRST_FIVE[2] in caplog.text] == [True, False]


async def test_a_deleted_task_has_its_backlog_delivered(outbox: Outbox, receiver: Receiver) -> None:
    receiver.faults += [answer(500)] * 3
    await store(outbox, 1, 2, url=receiver.url)
    await outbox.forget_task(TaskId("task-1"), force=False)
    await until_settled(outbox)
    assert receiver.ids == FIRST_FIVE[:2]
    assert outbox.counts(TaskId("task-1")) == 0


async def test_a_task_deleted_by_force_takes_its_backlog_along(
    outbox: Outbox, receiver: Receiver
) -> None:
    receiver.always["/"] = answer(500)
    await store(outbox, 1, 2, url=receiver.url)
    await receiver.until(lambda receiver: bool(receiver.attempts))
    await outbox.forget_task(TaskId("task-1"), force=True)
    assert (outbox.view().waiting, outbox.view().stored_bytes) == (0, 0)


async def test_a_tail_gets_what_is_stored_from_now_on_without_images(
    outbox: Outbox, receiver: Receiver
) -> None:
    async with aclosing(outbox.tail()) as tail, asyncio.TaskGroup() as group:
        first = group.create_task(next_of(tail))
        await asyncio.sleep(0)
        await store(outbox, 1, 2, url=receiver.url)
        documents = [json.loads(await first), json.loads(await anext(tail))]
    assert [document["sequence"] for document in documents] == [1, 2]
    assert all("data" not in document["images"].get("full", {}) for document in documents)


async def test_a_slow_tail_loses_the_oldest_events(outbox: Outbox) -> None:
    async with aclosing(outbox.tail()) as tail, asyncio.TaskGroup() as group:
        first = group.create_task(next_of(tail))
        await asyncio.sleep(0)
        for number in range(1, 104):
            await outbox.store(event(number), task())
        await first
        assert json.loads(await anext(tail))["sequence"] == 4


async def test_no_log_line_holds_a_password(
    outbox: Outbox, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.faults += [answer(500), reset, *[answer(404)] * 5]
    await store(outbox, 1, 2, url=receiver.url.replace("://", "://user:pass-word@"))
    await until_settled(outbox)
    assert "put aside" in caplog.text
    assert "pass-word" not in caplog.text


async def test_an_event_that_no_json_can_say_is_refused_and_takes_no_sequence(
    outbox: Outbox,
) -> None:
    unsayable = Target(track_id=1, label="\ud800", score=0.9, box=(0.1, 0.1, 0.1, 0.1))
    with pytest.raises(UnmakeableEventError, match="no document"):
        await outbox.store(replace(event(1), targets=(unsayable,)), task())
    await outbox.store(event(2), task())
    assert outbox.counts(TaskId("task-1")) == 1
