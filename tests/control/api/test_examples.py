"""The examples of the standard against the served API."""

from typing import Any

import pytest

from tests.control.api.conftest import Caller, Fakes
from tests.spec import example
from tests.spec.orders import order

CODE = "BAIDU-HUMAN_ATTR_ALERT-1.0.0"


def assert_has(answer: Any, wanted: Any, at: str = "") -> None:
    """Assert that `answer` has every member of `wanted`, of the same JSON type."""
    if isinstance(wanted, dict) and isinstance(answer, bool):
        return  # data {} of G.3 and G.5 is a Boolean in the tables (AM-05)
    assert type(answer) is type(wanted), at
    if isinstance(wanted, dict):
        for name, value in wanted.items():
            assert name in answer, f"{at}.{name}"
            assert_has(answer[name], value, f"{at}.{name}")
    if isinstance(wanted, list) and wanted:
        assert_has(answer[0], wanted[0], f"{at}[0]")


async def prepare(call: Caller) -> None:
    await call("POST", "/CAD/machine/algoFilePackages", {"algoFilePackageId": 1})
    await call("POST", "/CAD/machine/algoPackages", {"algoPackageCode": CODE})
    await call("POST", "/CAP/AlgoTasks", order(url="rtsp://10.0.0.9/prepared"))


CALLS = [
    ("H.5-get-machine-status", "GET", "/CAD/machine/status/machine_code"),
    ("I.2-push-algo-file-package", "POST", "/CAD/machine/algoFilePackages"),
    ("I.4-install-algo-package", "POST", "/CAD/machine/algoPackages"),
    ("I.5-uninstall-algo-package", "DELETE", f"/CAD/machine/algopackages/{CODE}"),
    ("I.6-list-algo-packages", "GET", "/CAD/machine/algoPackages"),
    ("I.6-list-algo-packages", "POST", "/CAD/machine/algoPackages"),
    ("I.7-get-algo-package", "GET", f"/CAD/machine/algorithmPackages/{CODE}"),
    ("I.7-get-algo-package", "POST", f"/CAD/machine/algoPackages/{CODE}"),
    ("I.7-get-algo-package", "GET", f"/CAD/algoPackage/devices/machine_code/{CODE}"),
    ("G.3-delete-task", "DELETE", "/CAP/AlgoTasks/task-1"),
    ("G.4-resume-task", "POST", "/CAP/AlgoTasks/task-1:resume"),
    ("G.5-pause-task", "POST", "/CAP/AlgoTasks/task-1:pause"),
    ("G.6-search-tasks", "POST", "/CAP/AlgoTasks:search"),
    ("G.7-get-task", "GET", "/CAP/AlgoTasks/task-1"),
]
WITH_BODY = {"H.5", "I.2", "I.4", "I.6", "G.5", "G.6"}


@pytest.mark.parametrize(("name", "method", "path"), CALLS)
@pytest.mark.row("CAD-22")
@pytest.mark.row("CAD-23")
@pytest.mark.row("COM-15", part="Annexes A to F")
async def test_the_example_is_answered_with_at_least_its_members(
    call: Caller, name: str, method: str, path: str
) -> None:
    await prepare(call)
    body = example(f"{name}.request") if name[:3] in WITH_BODY else None
    answer = await call(method, path, body)
    assert answer.status == 200
    assert_has(answer.json, example(f"{name}.response"))
    assert answer.json["requestId"]


async def test_deleting_a_file_package_is_answered_as_printed(call: Caller) -> None:
    await call("POST", "/CAD/machine/algoFilePackages", {"algoFilePackageId": "1"})
    answer = await call("DELETE", "/CAD/machine/algoFilePackages/1")
    assert_has(answer.json, example("I.3-delete-algo-file-package.response"))


@pytest.mark.parametrize("path", ["/CAP/AlgoTasks", "/CAD/machine/algoTasks"])
@pytest.mark.row("CAD-25")
async def test_a_created_task_is_answered_as_printed(call: Caller, path: str) -> None:
    answer = await call("POST", path, order())
    assert answer.status == 200
    assert_has(answer.json, example("G.2-create-task.response"))
    [task] = answer.data["createdStreams"]
    assert task["taskInfo"]["status"] == task["status"] == "PENDING"
    assert answer.data["updatedStreams"] == answer.data["updateStreams"] == []


async def test_the_printed_order_is_understood_and_refused_by_name(call: Caller) -> None:
    answer = await call("POST", "/CAP/AlgoTasks", example("G.2-create-task.request"))
    assert answer.code == 40002
    assert "iot://) is not served" in answer.json["msg"]


@pytest.mark.row("CAD-08")
async def test_figures_are_decimal_strings_of_gigabytes(call: Caller, fakes: Fakes) -> None:
    answer = await call("GET", "/CAD/machine/status/machine_code")
    wanted = example("H.5-get-machine-status.response")["data"]
    for name in ("cpuUtilization", "memUsage", "memFree", "diskUsage", "diskFree"):
        assert float(answer.data[name]) == pytest.approx(float(wanted[name]))
    assert answer.data["deviceCode"] == answer.data["code"] == "machine_code"
    assert answer.data["isOnline"] is True
