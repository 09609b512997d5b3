"""Every command against the application that the daemon serves on its socket."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from typing_extensions import override

from cad.control.api.app import local_app
from tests.control.access.world import World
from tests.control.api.conftest import Fakes
from tests.control.api.fakes import FakeLink, FakeOutbox, FakePackages, FakeTasks, FakeWorkers
from tests.ctl.conftest import Daemon, Technician

CODE = "OPEN-PERSON_DETECT-1.0.0"
ORDER = ["--service", CODE, "--stream", "rtsp://camera/1", "--event", "INTRUSION"]
TO = ["--to", "https://receiver/events"]


class RealDaemon(Daemon):
    """Serves the local API with services in memory behind it."""

    @override
    async def application(self) -> web.Application:
        access = await World().open()
        behind = FakePackages(), FakeTasks(), FakeWorkers(), FakeLink(), FakeOutbox()
        await behind[0].install(CODE, "")  # type: ignore[arg-type] # a ServiceId
        return local_app(Fakes(*behind, access).services(), max_body_bytes=65536)


@pytest.fixture
def technician(tmp_path: Path) -> Iterator[Technician]:
    daemon = RealDaemon(tmp_path / "cad.sock")
    daemon.start()
    yield Technician(daemon.socket)
    daemon.stop()


def test_a_task_is_made_looked_at_paused_resumed_and_deleted(technician: Technician) -> None:
    assert technician.types("task", "add", *ORDER, *TO).output == "task-1 created\n"
    assert "task-1" in technician.types("task", "ls").output
    assert "rtsp://camera/1" in technician.types("task", "show", "task-1").output
    for words in (["pause"], ["resume"], ["rm"]):
        assert technician.types("task", *words, "task-1").exit_code == 0
    assert "no task" in technician.types("task", "ls").output


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("status", "machine_code"),
        ("package ls", CODE),
        (f"package show {CODE}", "1.0.0"),
        ("stream ls", "stream-1"),
        ("platform credentials", "password"),
        ("api", "/local/v1/status"),
    ],
)
def test_each_view_is_shown(technician: Technician, words: str, shown: str) -> None:
    done = technician.types(*words.split())

    assert (done.exit_code, done.stderr) == (0, "")
    assert shown in done.output


@pytest.mark.parametrize("words", ["status", "package ls", "task ls", "stream ls", "api"])
def test_each_view_has_its_data_as_json(technician: Technician, words: str) -> None:
    done = technician.types(*words.split(), "--json")

    assert done.exit_code == 0
    assert done.output.lstrip()[0] in "[{"


def test_what_is_not_there_is_said(technician: Technician) -> None:
    assert technician.types("task", "show", "t-9").exit_code == 1
    assert technician.types("package", "show", "X").exit_code == 1
