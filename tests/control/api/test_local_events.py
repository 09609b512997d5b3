"""Events that were put aside, over the local socket."""

import pytest

from cad.domain.deliveries import DeadLetter
from cad.domain.ids import EventId, TaskId
from cad.wire.local import StatusItem
from tests.control.api.conftest import Caller, Fakes
from tests.control.api.fakes import NOON

LETTER = DeadLetter(
    event_id=EventId("e-1"),
    task_id=TaskId("t-1"),
    destination="http://receiver:80",
    reason="http://u:s3cret@receiver: answers 404 Not Found",
    stored_at=NOON,
)


async def test_what_was_put_aside_is_listed_without_secrets(
    call_local: Caller, fakes: Fakes
) -> None:
    fakes.outbox.letters = [LETTER, LETTER]
    answer = await call_local("GET", "/local/v1/events/dead?limit=1")
    [item] = answer.json["data"]
    assert (item["eventId"], item["taskId"], item["destination"]) == (
        "e-1",
        "t-1",
        "http://receiver:80",
    )
    assert item["reason"] == "http://receiver: answers 404 Not Found"


@pytest.mark.parametrize(
    ("body", "wanted"), [({"eventIds": ["e-1", "e-2"]}, ["e-1", "e-2"]), ({"all": True}, None)]
)
async def test_events_are_sent_again(
    call_local: Caller, fakes: Fakes, body: object, wanted: object
) -> None:
    fakes.outbox.letters = [LETTER]
    answer = await call_local("POST", "/local/v1/events/resend", body)
    assert answer.json["data"] == {"resent": 1}
    assert fakes.outbox.resent == [wanted]


@pytest.mark.parametrize("body", [{}, {"eventIds": []}, {"eventIds": "e"}, {"all": False}])
async def test_what_is_to_be_sent_again_must_be_named(
    call_local: Caller, fakes: Fakes, body: object
) -> None:
    answer = await call_local("POST", "/local/v1/events/resend", body)
    assert (answer.status, fakes.outbox.resent) == (400, [])
    assert "eventIds" in answer.json["message"]


async def test_status_shows_each_destination(call_local: Caller) -> None:
    status = StatusItem.read((await call_local("GET", "/local/v1/status")).json["data"])
    [kafka] = status.outbox.destinations
    assert (kafka.name, kafka.waiting, kafka.dead) == ("kafka://k1:9092/E", 1, 3)
    assert kafka.last_error == "away"
