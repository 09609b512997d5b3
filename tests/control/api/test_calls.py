"""What the calls do to the services, and in how many spellings."""

import pytest

from cad.domain.ids import FilePackageId, ServiceId, TaskId
from cad.domain.packages import PackageState, PushOrder
from cad.domain.tasks import TaskState
from cad.domain.views import LinkState, WorkerState
from tests.control.api.conftest import Caller, Fakes
from tests.spec.orders import TASKS, order

CODE = ServiceId("OPEN-PERSON_DETECT-1.0.0")
PACKAGES = "/CAD/machine/algoPackages"


@pytest.mark.row("CAD-11")
async def test_a_push_hands_over_every_member(call: Caller, fakes: Fakes) -> None:
    body = {
        "algoFilePackageId": "7",
        "authAddress": "h:1",
        "licenseFile": "/l",
        "url": "https://h/p",
    }
    assert (await call("POST", "/CAD/machine/algoFilePackages", body)).status == 200
    assert fakes.packages.orders == [
        PushOrder(
            file_package_id=FilePackageId(7),
            auth_address="h:1",
            license_file="/l",
            url="https://h/p",
        )
    ]


@pytest.mark.row("CAD-15")
async def test_a_download_can_be_watched(call: Caller) -> None:
    await call("POST", "/CAD/machine/algoFilePackages", {"algoFilePackageId": 7})
    for path in ("/CAD/machine/algofilepackages", "/CAD/machine/algoFilePackages/7"):
        data = (await call("GET", path)).data
        item = data[0] if isinstance(data, list) else data
        assert (item["status"], item["statusText"], item["receivedBytes"]) == (1, "downloading", 7)


async def test_the_body_decides_between_install_and_list(call: Caller, fakes: Fakes) -> None:
    installed = await call("POST", PACKAGES, {"algoPackageCode": CODE, "args": "xpuType=CPU"})
    listed = await call("POST", PACKAGES, {"status": "RUNNING"})
    assert "data" not in installed.json
    assert [package["algoPackageCode"] for package in listed.data] == [CODE]
    assert fakes.packages.installed[CODE].args == "xpuType=CPU"


async def test_a_package_is_stopped_started_and_uninstalled(call: Caller, fakes: Fakes) -> None:
    await call("POST", PACKAGES, {"algoPackageCode": CODE})
    await call("POST", f"{PACKAGES}/{CODE}:stop")
    assert fakes.packages.package(CODE).state is PackageState.STOPPED
    await call("POST", f"{PACKAGES}/{CODE}%3Astart")
    assert fakes.packages.package(CODE).state is PackageState.RUNNING
    await call("DELETE", f"/cad/machine/algorithmpackages/{CODE}?force=true")
    assert fakes.packages.forced == [CODE]


@pytest.mark.row("CAD-22")
@pytest.mark.parametrize(("status", "count"), [("RUNNING", 1), ("STOPPED", 0), ("", 1)])
async def test_packages_are_listed_by_state(call: Caller, status: str, count: int) -> None:
    await call("POST", PACKAGES, {"algoPackageCode": CODE})
    assert len((await call("GET", f"{PACKAGES}?status={status}")).data) == count


async def test_a_package_of_another_device_is_not_here(call: Caller) -> None:
    answer = await call("GET", f"/CAD/algoPackage/devices/other/{CODE}")
    assert (answer.status, answer.json["code"]) == (404, "40401")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/CAD/machine/status/other", None),
        ("/CAD/machine/status/other", {"code": "other"}),
    ],
)
async def test_the_status_of_another_machine_is_not_here(
    call: Caller, path: str, body: object
) -> None:
    answer = await call("GET", path, body)
    assert (answer.status, answer.json["code"], answer.json["data"]) == (404, "40401", None)


@pytest.mark.row("CAD-10")
@pytest.mark.parametrize("name", ["code", "deviceCode"])
async def test_the_machine_may_be_named_again_in_query_and_body(call: Caller, name: str) -> None:
    path = f"/cad/Machine/STATUS/machine%5Fcode?{name}=machine_code"
    assert (await call("GET", path, {name: "machine_code"})).code == 0


@pytest.mark.row("CAD-09", part="accelerator use")
async def test_the_status_tells_packages_and_tasks(call: Caller) -> None:
    await call("POST", PACKAGES, {"algoPackageCode": CODE})
    await call("POST", TASKS[1], order())
    data = (await call("GET", "/CAD/machine/status/machine_code")).data
    assert [package["algoPackageCode"] for package in data["algoPackages"]] == [CODE]
    assert data["tasks"] == 1


async def test_a_path_that_contradicts_the_body_is_refused(call: Caller) -> None:
    answer = await call("GET", "/CAD/machine/status/machine_code", {"code": "other"})
    assert (answer.status, answer.code) == (400, 40003)


@pytest.mark.parametrize(
    ("link", "worker", "online"),
    [
        (LinkState.ONLINE, WorkerState.READY, True),
        (LinkState.DISABLED, WorkerState.READY, True),
        (LinkState.OFFLINE, WorkerState.READY, False),
        (LinkState.ONLINE, WorkerState.RESTARTING, False),
    ],
)
async def test_online_is_a_lease_and_a_worker(
    call: Caller, fakes: Fakes, link: LinkState, worker: WorkerState, *, online: bool
) -> None:
    fakes.link.state, fakes.workers.state = link, worker
    assert (await call("GET", "/CAD/machine/status/machine_code")).data["isOnline"] is online


@pytest.mark.parametrize("path", TASKS)
async def test_the_same_order_twice_updates_the_task(call: Caller, path: str) -> None:
    await call("POST", path, order())
    data = (await call("POST", path, order(masks=[]))).data
    assert data["createdStreams"] == []
    assert [task["taskInfo"]["id"] for task in data["updatedStreams"]] == ["task-1"]
    assert data["updateStreams"] == data["updatedStreams"]


@pytest.mark.parametrize("path", TASKS)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.row("CAP-34")
async def test_both_methods_of_pause_pause(
    call: Caller, fakes: Fakes, path: str, method: str
) -> None:
    await call("POST", path, order())
    answer = await call(method, f"{path}/task-1:pause")
    assert answer.data is True
    assert fakes.tasks.get(TaskId("task-1")).state is TaskState.PAUSED
    await call("POST", f"{path}/task-1:resume")
    assert fakes.tasks.get(TaskId("task-1")).state is TaskState.PENDING


@pytest.mark.parametrize(("query", "forced"), [("", []), ("?force=true", ["task-1"])])
async def test_deleting_can_be_forced(
    call: Caller, fakes: Fakes, query: str, forced: list[str]
) -> None:
    await call("POST", TASKS[0], order())
    assert (await call("DELETE", f"{TASKS[0]}/task-1{query}")).data is True
    assert (await call("GET", f"{TASKS[0]}/task-1")).code == 40401
    assert fakes.tasks.forced == forced


@pytest.mark.row("CAP-36")
async def test_a_task_is_shown_with_its_order_and_its_progress(call: Caller) -> None:
    await call("POST", TASKS[0], order(video={"analysisFps": 2}))
    answer = await call("GET", f"{TASKS[1]}/task-1")
    info = answer.data["taskInfo"]
    assert (info["frames"]["analysed"], info["frames"]["ageMs"]) == (9, 250)
    assert info["labels"] == {"algoCabinName": "megcity-a2", "version": "2.0.1"}
    assert info["streamOptions"]["videoStreamOptions"]["analysisFps"] == 2
    assert answer.json["mgs"] == answer.json["msg"] == answer.json["message"] == "success"
    assert answer.data["createdDate"] == "2026-11-22 12:00:00.123"


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ({}, ["task-1", "task-2", "task-3"]),
        ({"pageNumber": 0, "pageSize": 2}, ["task-1", "task-2"]),
        ({"pageNumber": 2, "pageSize": 2}, ["task-3"]),
        ({"pageNumber": 9}, []),
        ({"id": "task-2"}, ["task-2"]),
        ({"id": ["task-2", "task-3"]}, ["task-2", "task-3"]),
        ({"eventType": "ILLEGAL_ADV", "algoServiceId": "none"}, []),
    ],
)
@pytest.mark.row("CAP-35")
@pytest.mark.row("COM-08")
async def test_tasks_are_searched_by_page(call: Caller, wanted: object, ids: list[str]) -> None:
    for number in range(3):
        await call("POST", TASKS[0], order(url=f"rtsp://10.0.0.1/{number}"))
    data = (await call("POST", f"{TASKS[0]}:search", wanted)).data
    assert [record["taskInfo"]["id"] for record in data["records"]] == ids
    assert data["pageNumber"] >= 1


async def test_an_id_with_a_slash_stays_in_one_piece(call: Caller) -> None:
    answer = await call("GET", f"{TASKS[0]}/a%2Fb%3Ac?id=a/b:c")
    assert answer.code == 40401
    assert "given: a/b:c" in answer.json["msg"]
