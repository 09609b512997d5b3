"""Bad input from the network: a clear refusal, and the device goes on."""

import gzip
import json
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cad.base.printable import has_controls
from tests.control.api.conftest import MAX_BODY, Caller, Fakes
from tests.spec.orders import TASKS, area, order

DOCUMENTED = {0, 40001, 40002, 40003, 40101, 40401, 40501, 40901, 41301, 50701}


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (
            order(areas=[area("POLYGON", (0, 0), (1, 1))]),
            40002,
            "points: expected at least 3",
        ),
        (order(areas=[area("SINGLE_LINE", (0, 0))]), 40002, "areas[0].points: expected 2 points"),
        (order(areas=[area("POLYGON", (0, 0), (float("nan"), 0), (1, 1))]), 40002, "points[1].x"),
        (order(areas=[area("POLYGON", (0, 0), (float("inf"), 0), (1, 1))]), 40002, "points[1].x"),
        (order(areas=[area("CIRCLE", (0, 0), (1, 0), (1, 1))]), 40002, "areas[0].areaType"),
        (order(masks=[area("SINGLE_LINE", (0, 0), (1, 1))]), 40002, "masks[0].areaType"),
        (order(url="ftp://10.0.0.1/x"), 40002, "videoStreamOptions.url"),
        (order(url="gb28181://a/b/c"), 40002, "GB/T 28181"),
        (order(url="rtmp://10.0.0.1/x"), 40002, "RTMP"),
        (order(destinations={}), 40001, "destinations.HTTPDest"),
        (order(eventType=None), 40001, "rulesParams[0].eventType"),
        ({}, 40001, "algoServiceId"),
        ({"algoServiceId": "x", "restartPolicy": "SOMETIMES"}, 40002, "restartPolicy"),
    ],
)
@pytest.mark.row("COM-11")
async def test_a_bad_order_names_its_member(
    call: Caller, fakes: Fakes, body: Any, code: int, field: str
) -> None:
    answer = await call("POST", TASKS[0], body)
    assert (answer.status, answer.code) == (400, code)
    assert field in answer.json["msg"]
    assert fakes.tasks.views == {}


async def test_an_unknown_service_is_not_found(call: Caller, fakes: Fakes) -> None:
    fakes.tasks.known_services = {"other"}
    answer = await call("POST", TASKS[1], order())
    assert (answer.status, answer.code) == (404, 40401)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b'{"a": 1} x',
        b"\xff\xfe{}",
        b'{"algoServiceId": "\xb9\xe3"}',
        b'{"algoServiceId": "\\ud800"}',
        b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
        b'{"a":' + b"9" * 10_000 + b"}",
        b'{"a":' + b"[" * 100_000,
    ],
)
async def test_a_body_that_is_no_json_object_is_a_bad_value(call: Caller, body: bytes) -> None:
    answer = await call("POST", TASKS[0], body)
    assert (answer.status, answer.code) == (400, 40002)
    assert answer.json["msg"].startswith("body: expected")


async def test_a_body_that_is_not_as_announced_is_a_bad_value(call: Caller) -> None:
    headers = {"Content-Encoding": "gzip"}
    answer = await call("POST", TASKS[0], b"not gzip at all", headers=headers)
    assert answer.status == 400


async def test_a_compressed_bomb_is_too_large(call: Caller) -> None:
    bomb = gzip.compress(b" " * (8 * MAX_BODY))
    answer = await call("POST", TASKS[0], bomb, headers={"Content-Encoding": "gzip"})
    assert (answer.status, answer.code) == (413, 41301)


async def test_a_hundred_megabytes_are_refused_without_being_held(call: Caller) -> None:
    async def endless() -> AsyncIterator[bytes]:
        piece = bytes(64 * 1024)
        for _ in range(1600):
            yield piece

    tracemalloc.start()
    answer = await call("POST", TASKS[0], data=endless())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (answer.status, answer.code) == (413, 41301)
    assert peak < 16 * 1024 * 1024


async def test_the_device_goes_on_after_a_refusal(call: Caller) -> None:
    await call("POST", TASKS[0], b"{")
    assert (await call("POST", TASKS[0], order())).code == 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
members = st.sampled_from(["algoServiceId", "restartPolicy", "taskInfo", "labels", "pageNumber"])


@given(json_values | st.dictionaries(members, json_values))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_json_is_answered_in_the_envelope(call: Caller, value: Any) -> None:
    for path in (TASKS[0], "/CAD/machine/algoPackages", f"{TASKS[0]}:search"):
        answer = await call("POST", path, json.dumps(value).encode())
        assert answer.status < 500
        assert answer.code in DOCUMENTED
        assert answer.json["message"]


@pytest.mark.parametrize(
    "forged", ["%1b%5b2J%0derror%20cad%20forged", "%00", "a%e2%80%a8b", "%c2%9b"]
)
async def test_an_id_with_control_characters_is_refused_and_never_repeated_raw(
    call: Caller, caplog: pytest.LogCaptureFixture, forged: str
) -> None:
    with caplog.at_level("INFO"):
        answer = await call("GET", f"{TASKS[0]}/{forged}")
    assert (answer.status, answer.code) == (400, 40002)
    assert "without control characters" in answer.json["msg"]
    assert not any(has_controls(record.getMessage()) for record in caplog.records)
    assert not has_controls(answer.json["msg"])
