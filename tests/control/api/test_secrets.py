"""Credentials that callers send never come back, and never reach the log."""

import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from cad.domain.faults import Fault, FaultClass
from tests.control.api.conftest import Caller, Fakes
from tests.spec.orders import TASKS, order

URLS = [
    "rtsp://camera:s3cret@10.1.2.3:554/live",
    "rtsp://camera:s3cret@s3cret@10.1.2.3/live",
    "rtsp://camera:s3cret@s3cret/s3cret@10.1.2.3/live",
    "rtsp://10.1.2.3:554/user=admin&password=s3cret&channel=1",
    "rtsp://10.1.2.3:554/live?token=s3cret",
    "RTSP://camera:s3cret@10.1.2.3/",
]
REFUSED = [
    "iot://camera:s3cret@10.1.2.3/x",
    "camera:s3cret@10.1.2.3/x",
    "rtsp://camera:s3cret/s3cret@10.1.2.3/live",
    "rtsp://camera:s3cret @10.1.2.3/x",
    "rtsp://camera:s3cret@10.1.2.3:99999/x",
    "rtsp://camera:s3cret@",
    "file://camera:s3cret@host/x",
]


@pytest.mark.parametrize("url", URLS)
async def test_no_answer_about_a_task_shows_them(
    call: Caller, caplog: pytest.LogCaptureFixture, url: str
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [
        await call("POST", TASKS[0], order(url=url, labels={"note": "password=s3cret"})),
        await call("GET", f"{TASKS[0]}/task-1"),
        await call("POST", f"{TASKS[1]}:search"),
    ]
    assert {answer.code for answer in answers} == {0}
    assert "s3cret" not in "".join(answer.text for answer in answers) + caplog.text


@pytest.mark.parametrize("url", REFUSED)
@pytest.mark.parametrize("place", ["stream", "destination"])
async def test_no_refusal_shows_them(
    call: Caller, caplog: pytest.LogCaptureFixture, url: str, place: str
) -> None:
    caplog.set_level(logging.DEBUG)
    destinations: dict[str, Any] = {"HTTPDest": {"url": url}}
    body = order(url=url) if place == "stream" else order(destinations=destinations)
    answer = await call("POST", TASKS[0], body)
    assert answer.code == 40002
    assert "s3cret" not in answer.text + caplog.text


async def test_a_fault_does_not_show_them(call: Caller, fakes: Fakes) -> None:
    message = "rtsp://camera:s3cret@10.1.2.3/live refused"
    fakes.tasks.fault = Fault(FaultClass.AUTH, message, datetime(2026, 11, 22, tzinfo=UTC))
    answer = await call("POST", TASKS[0], order())
    [task] = answer.data["createdStreams"]
    assert task["taskInfo"]["statusReason"] == {
        "class": "auth",
        "message": "rtsp://10.1.2.3/live refused",
        "since": "2026-11-22 08:00:00.000",
    }


async def test_a_bug_shows_nothing_but_its_request_id(
    call: Caller, fakes: Fakes, caplog: pytest.LogCaptureFixture
) -> None:
    fakes.tasks.get = None  # type: ignore[method-assign,assignment] # any bug will do
    answer = await call("GET", f"{TASKS[0]}/task-1", headers={"X-Request-Id": "r-1"})
    assert (answer.status, answer.code, answer.json["msg"]) == (500, 50000, "internal error")
    assert answer.json["requestId"] == answer.headers["X-Request-Id"] == "r-1"
    assert "Traceback" in caplog.text
