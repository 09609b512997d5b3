"""The receiver of events."""

import base64
from typing import Any

import aiohttp
import pytest

from cad.sim.platform.server import ReferencePlatform


def event(event_id: str = "e1", **members: Any) -> dict[str, Any]:
    return {
        "eventId": event_id,
        "sequence": 1,
        "deviceCode": "m",
        "taskId": "t",
        "algoServiceId": "s",
        "algoPackageCode": "s",
        "eventType": "INTRUSION",
        "ruleIndex": 0,
        "eventTime": "2026-11-22 10:00:00.123",
        "eventTimeUtc": "2026-11-22T02:00:00.123Z",
        "clockSynchronised": True,
        "streamUrl": "rtsp://camera/",
        "frame": {"width": 640, "height": 360, "pts": 1.0},
        "targets": [],
        **members,
    }


async def deliver(http: aiohttp.ClientSession, body: object, key: str | None = "e1") -> int:
    headers = {} if key is None else {"Idempotency-Key": key}
    async with http.post("/events", json=body, headers=headers) as response:
        return response.status


async def test_an_event_that_comes_twice_is_kept_once_and_counted(
    platform: ReferencePlatform, http: aiohttp.ClientSession
) -> None:
    assert [await deliver(http, event()) for _ in range(2)] == [204, 204]
    assert [kept.event_id for kept in platform.receiver.events] == ["e1"]
    assert platform.receiver.duplicates == 1


@pytest.mark.parametrize("key", [None, "another"])
async def test_the_idempotency_key_must_be_the_event_id(
    platform: ReferencePlatform, http: aiohttp.ClientSession, key: str | None
) -> None:
    assert await deliver(http, event(), key) == 400
    assert platform.receiver.events == []


async def test_it_refuses_as_often_as_it_is_told(
    platform: ReferencePlatform, http: aiohttp.ClientSession
) -> None:
    platform.receiver.reject(503, times=2)
    assert [await deliver(http, event()) for _ in range(3)] == [503, 503, 204]


async def test_a_slow_receiver_loses_nothing(
    platform: ReferencePlatform, http: aiohttp.ClientSession
) -> None:
    platform.receiver.delay(0.05)
    assert await deliver(http, event()) == 204


async def test_a_picture_must_be_a_jpeg(http: aiohttp.ClientSession) -> None:
    for data, status in ((b"GIF89a", 400), (b"\xff\xd8\xff", 204)):
        image = {"contentType": "image/jpeg", "data": base64.b64encode(data).decode()}
        assert await deliver(http, event(images={"full": image})) == status


@pytest.mark.parametrize("body", [[], {"eventId": "e1"}, event(targets=[{"trackId": 1}])])
async def test_what_is_no_event_is_refused(http: aiohttp.ClientSession, body: object) -> None:
    assert await deliver(http, body) == 400
