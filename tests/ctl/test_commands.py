import json
from pathlib import Path

import pytest

from cad.domain.packages import FilePackageState, PackageState, PackageType
from cad.domain.tasks import RestartPolicy, TaskState
from cad.wire.annex_g_tasks import AlgoTask, AlgoTaskCreateData, AnsweredTaskInfo
from cad.wire.annex_i_packages import MachineAlgoFilePackage, MachineAlgoPackage
from cad.wire.local import PackagesItem
from tests.ctl.conftest import Daemon, Technician

CODE = "OPEN-PERSON_DETECT-1.0.0"
ADD = f"task add --service {CODE} --stream rtsp://c/1"

TASK = {
    "algoServiceId": CODE,
    "restartPolicy": "NEVER",
    "status": "PENDING",
    "taskInfo": {
        "id": "t-1",
        "status": "PENDING",
        "statusReason": {"class": "auth", "message": "refused", "since": "2026-11-22 10:00:00.000"},
        "frames": {"received": 9, "decoded": 8, "analysed": 7, "dropped": 1, "ageMs": 1500},
        "streamOptions": {"videoStreamOptions": {"url": "rtsp://camera/1"}},
    },
}

PAGE = {"total": 1, "pageNumber": 1, "pageSize": 1, "records": [TASK]}

STATUS = {
    "machine": {"code": "box-1", "version": "1.0", "uptimeSeconds": 93784},
    "link": {
        "state": "offline", "url": "https://platform", "since": "2026-11-22 10:00:00.000",
        "lastError": "connection refused", "registrations": 0,
    },
    "host": {
        "cpuUtilization": 0.25, "memoryUsedBytes": 2**30, "memoryFreeBytes": 2**31,
        "diskUsedBytes": 1, "diskFreeBytes": 2,
    },
    "workers": [
        {
            "name": "w0", "state": "ready", "pid": 7, "restarts": 1, "providers": ["CPU"],
            "threads": 2, "cpuSeconds": 1.5, "residentBytes": 2**20, "streams": 1,
        }
    ],
    "events": {
        "stored": 12, "orphaned": 0, "unmade": 0, "failures": 4, "refusedNow": 2,
        "lastError": "database: disk is full",
    },
    "outbox": {
        "waiting": 3,
        "delivered": 4,
        "dead": 1,
        "dropped": 0,
        "storedBytes": 5,
        "destinations": [{"name": "kafka://k1:9092/E", "waiting": 3, "dead": 1}],
    },
    "counts": {"packages": 1, "tasks": 2, "tasksByState": {"RUNNING": 2}, "streams": 1},
}  # fmt: skip


API = {
    "openapi": "3.1.0",
    "paths": {
        "/CAP/AlgoTasks/{id}": {
            "get": {"summary": "Show one task.", "x-clause": "G.7"},
            "delete": {"summary": "End a task.", "x-clause": "G.3"},
        },
        "/openapi.json": {"get": {"summary": "Describe this API."}},
    },
}


def packages() -> object:
    package = MachineAlgoPackage(
        algo_package_name="person detection",
        algo_package_type=PackageType.BIN,
        algo_package_version="1.0.0",
        algo_package_code=CODE,
        status=PackageState.STOPPED,
        status_reason="the model is text",
        operation="failed",
        step="prepare",
    )
    file_package = MachineAlgoFilePackage(
        algo_file_package_id=7,
        status=FilePackageState.DOWNLOADING,
        status_text="downloading",
        received_bytes=1024,
        total_bytes=4096,
        created_date="2026-11-22 10:00:00.000",
        algo_package_codes=[],
    )
    return PackagesItem(packages=[package], file_packages=[file_package]).to_wire()


def created() -> object:
    task = AlgoTask(
        algo_service_id=CODE,
        restart_policy=RestartPolicy.ALWAYS,
        task_info=AnsweredTaskInfo(id="t-9", status=TaskState.PENDING),
    )
    return AlgoTaskCreateData(created_streams=[task]).to_wire()


def test_status_says_what_is_wrong(daemon: Daemon, technician: Technician) -> None:
    daemon.answers["GET /local/v1/status"] = STATUS

    shown = technician.types("status").output

    for part in (
        "box-1",
        "1 d 2 h",
        "connection refused",
        "25%",
        "2 RUNNING",
        "1 refused for good",
        "12 stored, 4 failed tries, 2 refused by the disk now",
        "database: disk is full",
        "kafka://k1:9092/E",
    ):
        assert part in shown


def test_json_is_the_data_of_the_answer(daemon: Daemon, technician: Technician) -> None:
    daemon.answers["GET /local/v1/status"] = STATUS

    assert json.loads(technician.types("status", "--json").output) == STATUS


def test_packages_are_listed_with_their_reasons(daemon: Daemon, technician: Technician) -> None:
    daemon.answers["GET /local/v1/packages"] = packages()

    shown = technician.types("package", "ls").output

    for part in (CODE, "STOPPED", "failed: prepare", "the model is text", "1.0 KiB of 4.0 KiB"):
        assert part in shown


def test_tasks_are_listed_with_their_reasons(daemon: Daemon, technician: Technician) -> None:
    daemon.answers["GET /local/v1/tasks"] = PAGE

    shown = technician.types("task", "ls").output

    for part in ("t-1", "PENDING", "1.5 s", "auth: refused"):
        assert part in shown


def test_one_task_is_shown_with_its_frames(daemon: Daemon, technician: Technician) -> None:
    daemon.answers["GET /local/v1/tasks/t-1"] = TASK

    shown = technician.types("task", "show", "t-1").output

    assert "rtsp://camera/1" in shown
    assert "analysed        7" in shown


def test_the_steps_of_a_task_are_listed(daemon: Daemon, technician: Technician) -> None:
    step = {"at": "2026-11-22 12:00:00", "event": "failed", "before": "RUNNING", "after": "ERROR"}
    daemon.answers["GET /local/v1/tasks/t-1/history"] = [step]

    shown = technician.types("task", "history", "t-1").output

    assert shown.split()[-4:] == ["failed", "RUNNING", "ERROR", "-"]


def test_a_task_is_ordered_with_options(daemon: Daemon, technician: Technician) -> None:
    daemon.answers["POST /local/v1/tasks"] = created()

    words = (
        f"task add --service {CODE} --stream rtsp://c/1 --event INTRUSION --to https://r/e --fps 2"
    )
    done = technician.types(*words.split(), "--polygon", "0,0 1,0 1,1", "--line", "0,0 1,1")

    assert (done.exit_code, done.output) == (0, "t-9 created\n")
    rule = daemon.asked[0][2]["taskInfo"]["rulesParams"][0]  # type: ignore[index] # JSON
    assert [area["areaType"] for area in rule["areas"]] == ["POLYGON", "SINGLE_LINE"]
    assert rule["areas"][0]["points"][2] == {"x": 1.0, "y": 1.0}


def test_a_task_is_ordered_from_a_file(
    daemon: Daemon, technician: Technician, tmp_path: Path
) -> None:
    daemon.answers["POST /local/v1/tasks"] = created()
    (tmp_path / "order.json").write_text('{"algoServiceId": "x"}')

    technician.types("task", "add", "--file", str(tmp_path / "order.json"))

    assert daemon.asked == [("POST", "/local/v1/tasks", {"algoServiceId": "x"})]


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("task pause a/b", ("POST", "/local/v1/tasks/a%2Fb:pause")),
        ("task resume t-1", ("POST", "/local/v1/tasks/t-1:resume")),
        ("task rm t-1", ("DELETE", "/local/v1/tasks/t-1")),
        ("task rm t-1 --force", ("DELETE", "/local/v1/tasks/t-1?force=true")),
    ],
)
def test_a_task_is_steered(
    daemon: Daemon, technician: Technician, words: str, asked: tuple[str, str]
) -> None:
    assert technician.types(*words.split()).exit_code == 0

    assert daemon.asked == [(*asked, None)]


def test_events_are_followed(daemon: Daemon, technician: Technician) -> None:
    daemon.answers["GET /local/v1/events/tail"] = [
        {
            "eventTime": "2026-11-22 10:00:00.000",
            "taskId": "t-1",
            "eventType": "LINE_CROSSING",
            "direction": "LEFT_TO_RIGHT",
            "targets": [{"trackId": 7, "label": "person"}],
        }
    ]

    assert "LINE_CROSSING  LEFT_TO_RIGHT  person #7" in technician.types("event", "tail").output
    assert json.loads(technician.types("event", "tail", "--json").output)["taskId"] == "t-1"


def test_events_that_were_put_aside_are_listed(daemon: Daemon, technician: Technician) -> None:
    letter = {"eventId": "e-1", "taskId": "t-1", "destination": "http://h", "reason": "404"}
    daemon.answers["GET /local/v1/events/dead"] = [{**letter, "storedAt": "2026-11-22 10:00:00"}]

    assert "e-1" in technician.types("event", "dead").output
    assert json.loads(technician.types("event", "dead", "--json").output)[0]["taskId"] == "t-1"


@pytest.mark.parametrize(
    ("words", "body"),
    [(["e-1", "e-2"], {"eventIds": ["e-1", "e-2"]}), (["--all"], {"all": True})],
)
def test_events_that_were_put_aside_are_sent_again(
    daemon: Daemon, technician: Technician, words: list[str], body: object
) -> None:
    daemon.answers["POST /local/v1/events/resend"] = {"resent": 3}

    assert "3 deliveries" in technician.types("event", "resend", *words).output
    assert daemon.asked == [("POST", "/local/v1/events/resend", body)]


@pytest.mark.parametrize("words", [[], ["--all", "e-1"]])
def test_what_to_send_again_is_said_in_one_way(technician: Technician, words: list[str]) -> None:
    assert technician.types("event", "resend", *words).exit_code == 2


def test_a_refusal_is_one_sentence_and_exit_code_1(daemon: Daemon, technician: Technician) -> None:
    daemon.refusals["GET /local/v1/tasks/t-9"] = (40401, "id: no such task (given: t-9)")

    done = technician.types("task", "show", "t-9")

    assert (done.exit_code, done.stderr) == (1, "cadctl: id: no such task (given: t-9) [40401]\n")


def test_an_answer_of_another_version_is_one_sentence(
    daemon: Daemon, technician: Technician
) -> None:
    daemon.answers["GET /local/v1/status"] = {"machine": "box-1"}

    done = technician.types("status")

    assert done.exit_code == 1
    assert done.stderr.startswith("cadctl: machine: expected an object")


def test_a_daemon_that_is_down_is_exit_code_3(tmp_path: Path) -> None:
    done = Technician(tmp_path / "absent.sock").types("status")

    assert done.exit_code == 3
    assert "no daemon answers" in done.stderr


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["task", "add"], "--service, --stream, --event, --to"),
        (["task", "add", "--file", "/absent"], "/absent"),
        (
            [
                "task",
                "add",
                "--service",
                "s",
                "--stream",
                "u",
                "--event",
                "e",
                "--to",
                "t",
                "--polygon",
                "0;1",
            ],
            "--polygon: expected points",
        ),
        (["frobnicate"], "No such command"),
    ],
)
def test_wrong_words_are_named(technician: Technician, words: list[str], named: str) -> None:
    done = technician.types(*words)

    assert done.exit_code in {1, 2}
    assert named in done.stderr
    assert "Traceback" not in done.stderr


def test_a_configuration_is_checked_without_the_daemon(
    technician: Technician, tmp_path: Path
) -> None:
    (tmp_path / "cad.toml").write_text("[api]\nport = 0.5\n")

    done = technician.types("config", "check", str(tmp_path / "cad.toml"))

    assert done.exit_code == 1
    assert "api.port" in done.output


def test_the_calls_of_the_api_are_listed(daemon: Daemon, technician: Technician) -> None:
    daemon.answers["GET /local/v1/openapi"] = API
    lines = technician.types("api").output.splitlines()
    assert [line.split()[:3] for line in lines if "AlgoTasks" in line] == [
        ["GET", "/CAP/AlgoTasks/{id}", "G.7"],
        ["DELETE", "/CAP/AlgoTasks/{id}", "G.3"],
    ]
    assert json.loads(technician.types("api", "--local", "--json").output) == API
    assert daemon.asked[-1][1] == "/local/v1/openapi?surface=local"
