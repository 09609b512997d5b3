"""The examples of the standard, and every place that prints a call, against the served API."""

from typing import Any

import pytest

from tests.control.api.conftest import Caller, Fakes
from tests.spec import EXAMPLES, example
from tests.spec.catalogue import CALLED_ON_PLATFORM, CODE, PRINTED, Printed
from tests.spec.orders import TASKS, order, video_of

VARIABLES = {
    "{deviceCode}": "machine_code",
    "{code}": "machine_code",
    "{algoFilePackageId}": "1",
    "{algoPackageCode}": CODE,
    "{id}": "task-1",
}


def assert_has(answer: Any, wanted: Any, at: str = "") -> None:
    """Assert that `answer` has every member of `wanted`, of the same JSON type."""
    if wanted == {} and isinstance(answer, bool):
        return  # data {} of G.3 and G.5 is a Boolean in the tables (AM-05)
    assert type(answer) is type(wanted), at
    if isinstance(wanted, dict):
        for name, value in wanted.items():
            assert name in answer, f"{at}.{name}"
            assert_has(answer[name], value, f"{at}.{name}")
    if isinstance(wanted, list) and wanted:
        assert_has(answer[0], wanted[0], f"{at}[0]")


async def prepare(call: Caller, fakes: Fakes, printed: Printed) -> None:
    """Make what the call names."""
    await call("POST", "/CAD/machine/algoFilePackages", {"algoFilePackageId": 1})
    if "file" not in printed.call:
        await call("POST", "/CAD/machine/algoPackages", {"algoPackageCode": CODE})
    await call("POST", TASKS[0], order(url="rtsp://10.0.0.9/prepared"))


def path_of(printed: Printed) -> str:
    path = printed.path
    for variable, value in VARIABLES.items():
        path = path.replace(variable, value)
    return path


def request_of(printed: Printed) -> Any:
    """Return the example of the request, None if the standard prints none."""
    if printed.call == "G.2-create-task":
        return order()
    name = f"{printed.call}.request"
    return example(name) if (EXAMPLES / f"{name}.json").exists() else None


@pytest.mark.parametrize("printed", PRINTED, ids=lambda printed: f"{printed.where} {printed.call}")
@pytest.mark.row("CAD-22")
@pytest.mark.row("CAD-23")
@pytest.mark.row("COM-05")
@pytest.mark.row("COM-15", part="Annexes A to F, which this version does not serve")
async def test_a_printed_call_is_answered_with_at_least_the_members_of_its_example(
    call: Caller, fakes: Fakes, printed: Printed
) -> None:
    await prepare(call, fakes, printed)
    answer = await call(printed.method, path_of(printed), request_of(printed))
    assert answer.status == 200
    assert_has(answer.json, example(f"{printed.call}.response"))
    assert answer.json["requestId"]


@pytest.mark.parametrize("printed", PRINTED, ids=lambda printed: f"{printed.where} {printed.call}")
async def test_fixed_segments_match_in_any_case(
    call: Caller, fakes: Fakes, printed: Printed
) -> None:
    await prepare(call, fakes, printed)
    spelled = "/".join(
        part if part in VARIABLES.values() else part.swapcase()
        for part in path_of(printed).replace("task-1:", "task-1/:").split("/")
    )
    path = spelled.replace("task-1/:", "task-1:")
    assert (await call(printed.method, path, request_of(printed))).code == 0


@pytest.mark.parametrize(
    "printed",
    [printed for printed in PRINTED if printed.path.startswith("/CAP/")],
    ids=lambda printed: f"{printed.method} {printed.path}",
)
@pytest.mark.row("CAD-25")
async def test_the_machine_serves_the_tasks_of_annex_g_as_its_own(
    call: Caller, fakes: Fakes, printed: Printed
) -> None:
    await prepare(call, fakes, printed)
    path = path_of(printed).replace("/CAP/AlgoTasks", "/CAD/machine/algoTasks")
    answer = await call(printed.method, path, request_of(printed))
    assert_has(answer.json, example(f"{printed.call}.response"))


def test_every_example_is_covered() -> None:
    names = {path.name.rpartition(".re")[0] for path in EXAMPLES.glob("*.json")}
    assert names == {printed.call for printed in PRINTED} | CALLED_ON_PLATFORM


async def test_the_printed_order_is_refused_only_for_its_stream(call: Caller, fakes: Fakes) -> None:
    body = example("G.2-create-task.request")
    refused = await call("POST", TASKS[0], body)
    assert (refused.code, refused.json["error"]["field"]) == (
        40002,
        "taskInfo.streamOptions.videoStreamOptions.url",
    )
    assert "IoT streams (iot://) is not served" in refused.json["msg"]
    video_of(body)["url"] = "rtsp://10.172.198.207/46"
    made = await call("POST", TASKS[0], body)
    assert_has(made.json, example("G.2-create-task.response"))


async def test_a_created_task_is_told_in_every_printed_place(call: Caller) -> None:
    answer = await call("POST", TASKS[0], order())
    [task] = answer.data["createdStreams"]
    assert task["taskInfo"]["status"] == task["status"] == "PENDING"
    assert answer.data["updatedStreams"] == answer.data["updateStreams"] == []


@pytest.mark.row("CAD-08")
async def test_figures_are_decimal_strings_of_gigabytes(call: Caller) -> None:
    answer = await call("GET", "/CAD/machine/status/machine_code")
    wanted = example("H.5-get-machine-status.response")["data"]
    for name in ("cpuUtilization", "memUsage", "memFree", "diskUsage", "diskFree"):
        assert float(answer.data[name]) == pytest.approx(float(wanted[name]))
    assert answer.data["deviceCode"] == answer.data["code"] == "machine_code"
    assert answer.data["isOnline"] is True
