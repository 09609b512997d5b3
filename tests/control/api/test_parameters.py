"""Where parameters may stand, and under which names (AM-08, AM-09, AM-107, AM-113)."""

from typing import Any

import pytest

from cad.domain.ids import TaskId
from tests.control.api.conftest import Caller, Fakes
from tests.spec.catalogue import CODE
from tests.spec.orders import TASKS, order, rule_of

FILES, PACKAGES = "/CAD/machine/algoFilePackages", "/CAD/machine/algoPackages"


@pytest.fixture(autouse=True)
async def prepared(call: Caller) -> None:
    await call("POST", FILES, {"algoFilePackageId": 1})
    await call("POST", PACKAGES, {"algoPackageCode": CODE})
    await call("POST", TASKS[0], order())


@pytest.mark.row("COM-04")
@pytest.mark.row("CAD-10")
@pytest.mark.parametrize(
    ("method", "path", "body", "contradiction"),
    [
        ("GET", "/CAD/machine/status/machine_code", {"code": "machine_code"}, {"code": "x"}),
        ("GET", f"{PACKAGES}?status=RUNNING", {"status": "RUNNING"}, {"status": "STOPPED"}),
        ("GET", f"{PACKAGES}/{CODE}", {"algoPackageCode": CODE}, {"algoPackageCode": "x"}),
        ("GET", f"{TASKS[0]}/task-1?id=task-1", {"id": "task-1"}, {"id": "x"}),
        ("POST", f"{TASKS[0]}/task-1:resume", {"id": "task-1"}, {"id": "x"}),
        ("DELETE", f"{TASKS[0]}/task-1:pause", {"id": "task-1"}, {"id": "x"}),
        ("DELETE", f"{TASKS[0]}/task-1", {"id": "task-1"}, {"id": "x"}),
        ("DELETE", f"{PACKAGES}/{CODE}", {"algoPackageCode": CODE}, {"algoPackageCode": "x"}),
    ],
)
async def test_a_body_may_repeat_but_not_contradict(
    call: Caller, method: str, path: str, body: Any, contradiction: Any
) -> None:
    refused = await call(method, path, contradiction)
    assert (refused.status, refused.code) == (400, 40003)
    assert refused.json["error"]["field"] in {*body, "deviceCode"}
    assert (await call(method, path, body)).code == 0


@pytest.mark.parametrize("status", ["RUNNING", "STOPPED"])
async def test_the_filter_of_a_get_may_stand_in_its_body(call: Caller, status: str) -> None:
    listed = await call("GET", PACKAGES, {"status": status})
    assert [package["status"] for package in listed.data] == ["RUNNING"] * (status == "RUNNING")


def _renamed(value: Any, old: str, new: str) -> Any:
    if isinstance(value, list):
        return [_renamed(element, old, new) for element in value]
    if isinstance(value, dict):
        return {new if n == old else n: _renamed(m, old, new) for n, m in value.items()}
    return value


@pytest.mark.row("COM-07")
@pytest.mark.parametrize(
    ("printed", "other"),
    [
        ("areaid", "areaId"),
        ("HTTPDest", "httpDest"),
        ("videoStreamOptions", "VideoStreamOptions"),
        ("algoServiceId", "algoPackageCode"),
        ("taskInfo", "TASKINFO"),
    ],
)
async def test_an_order_is_understood_in_other_spellings(
    call: Caller, fakes: Fakes, printed: str, other: str
) -> None:
    before = fakes.tasks.get(TaskId("task-1")).record.order
    answer = await call("POST", TASKS[0], _renamed(order(), printed, other))
    assert [task["taskInfo"]["id"] for task in answer.data["updatedStreams"]] == ["task-1"]
    assert fakes.tasks.get(TaskId("task-1")).record.order == before


@pytest.mark.row("COM-07")
async def test_an_answer_has_every_printed_name(call: Caller) -> None:
    task = (await call("GET", f"{TASKS[0]}/task-1")).json
    status = (await call("GET", "/CAD/machine/status/machine_code")).data
    made = (await call("POST", TASKS[0], order())).data
    options = task["data"]["taskInfo"]["streamOptions"]
    assert options["videoStreamOptions"] == options["VideoStreamOptions"]
    assert task["mgs"] == task["msg"] == task["message"]
    assert task["data"]["status"] == task["data"]["taskInfo"]["status"]
    assert status["code"] == status["deviceCode"]
    assert made["updatedStreams"] == made["updateStreams"]


@pytest.mark.parametrize("place", ["destinations", "taskInfo"])
async def test_members_of_a_rule_may_stand_where_braces_are_missing(
    call: Caller, fakes: Fakes, place: str
) -> None:
    body = order(url="rtsp://10.0.0.1/2")
    rule = rule_of(body)
    elsewhere = {"destinations": rule["destinations"], "taskInfo": body["taskInfo"]}
    elsewhere[place]["eventType"] = rule.pop("eventType")
    assert (await call("POST", TASKS[0], body)).code == 0
    [found] = fakes.tasks.get(TaskId("task-2")).record.order.rules
    assert found.event_type == "ILLEGAL_ADV"


@pytest.mark.row("COM-06")
@pytest.mark.parametrize("verb", [":pause", "%3Apause", "%3apause", ":PAUSE"])
async def test_a_verb_may_be_encoded(call: Caller, fakes: Fakes, verb: str) -> None:
    assert (await call("POST", f"{TASKS[0]}/task-1{verb}")).code == 0
    assert fakes.tasks.get(TaskId("task-1")).state == "PAUSED"


@pytest.mark.parametrize("task_id", ["a%2Fb", "MEGCITY%3A3843938347", "a:b", "%E4%BB%BB"])
async def test_an_encoded_id_stays_whole(call: Caller, task_id: str) -> None:
    for path in (f"{TASKS[0]}/{task_id}:pause", f"{TASKS[1]}/{task_id}%3Aresume"):
        answer = await call("POST", path)
        assert (answer.code, answer.json["error"]["field"]) == (40401, "id")


@pytest.mark.row("COM-08")
@pytest.mark.parametrize(
    ("wanted", "number", "size"),
    [
        ({}, 1, 20),
        ({"pageNumber": 0}, 1, 20),
        ({"pageNumber": "3", "pageSize": "7"}, 3, 7),
        ({"pageSize": 10**9}, 1, 1000),
        ({"pageNumber": None, "pageSize": None}, 1, 20),
    ],
)
async def test_pages_have_defaults_and_limits(
    call: Caller, wanted: Any, number: int, size: int
) -> None:
    page = (await call("POST", f"{TASKS[0]}:search", wanted)).data
    assert (page["pageNumber"], page["pageSize"], page["total"]) == (number, size, 1)


@pytest.mark.row("COM-08")
@pytest.mark.parametrize("wanted", [{"pageNumber": -1}, {"pageSize": 0}, {"pageSize": "x"}])
async def test_a_page_that_there_cannot_be_is_refused(call: Caller, wanted: Any) -> None:
    answer = await call("POST", f"{TASKS[0]}:search", wanted)
    assert (answer.code, answer.json["error"]["field"]) == (40002, next(iter(wanted)))
