"""`cadctl package …`: what is made, pushed, installed and watched."""

import json
import shutil
from pathlib import Path

import pytest

from cad.ctl.commands import package_watch
from cad.domain.packages import FilePackageState, PackageState, PackageType
from cad.wire.annex_i_packages import MachineAlgoFilePackage, MachineAlgoPackage
from cad.wire.local import PackagesItem
from tests.ctl.conftest import Daemon, Technician

CODE = "OPEN-PERSON-1.0.0"
GET, FILES = "GET /local/v1/packages", "POST /local/v1/filePackages"


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_watch, "LOOK_INTERVAL", 0.01)


def download(received: int, state: FilePackageState) -> MachineAlgoFilePackage:
    return MachineAlgoFilePackage(
        algo_file_package_id=7,
        status=state,
        status_text=state.name.lower(),
        received_bytes=received,
        total_bytes=4096,
        created_date="2026-11-22 10:00:00.000",
        algo_package_codes=[],
    )


def installation(operation: str, step: str | None = None) -> MachineAlgoPackage:
    return MachineAlgoPackage(
        algo_package_name="persons",
        algo_package_type=PackageType.BIN,
        algo_package_version="1.0.0",
        algo_package_code=CODE,
        status=PackageState.RUNNING if operation == "done" else PackageState.STOPPED,
        status_reason="rolled back" if operation == "failed" else None,
        operation=operation,
        step=step,
    )


def seen(*packages: MachineAlgoPackage, files: list[MachineAlgoFilePackage]) -> object:
    return PackagesItem(packages=list(packages), file_packages=files).to_wire()


@pytest.fixture
def coming(daemon: Daemon) -> Daemon:
    """A download and an installation that end well."""
    daemon.series[GET] = [
        seen(files=[download(1024, FilePackageState.DOWNLOADING)]),
        seen(files=[download(1024, FilePackageState.DOWNLOADING)]),
        seen(files=[download(4096, FilePackageState.VERIFYING)]),
        seen(installation("working", "compile"), files=[download(4096, FilePackageState(0))]),
    ]
    daemon.answers[GET] = seen(installation("done"), files=[download(4096, FilePackageState(0))])
    return daemon


@pytest.mark.row("CAD-15")
def test_each_change_is_one_line_of_json(coming: Daemon, technician: Technician) -> None:
    result = technician.types("package", "watch", "--json")
    lines = [json.loads(line) for line in result.output.splitlines()]
    assert [(line["name"], line["state"]) for line in lines] == [
        ("7", "downloading"),
        ("7", "verifying"),
        ("7", "available"),
        (CODE, "STOPPED (working: compile)"),
        (CODE, "RUNNING (done)"),
    ]
    assert (lines[0]["receivedBytes"], lines[0]["totalBytes"]) == (1024, 4096)
    assert result.exit_code == 0


def test_people_see_bars(coming: Daemon, technician: Technician) -> None:
    shown = technician.types("package", "watch").output
    assert "available" in shown
    assert "RUNNING (done)" in shown


def test_one_that_failed_is_a_finding(daemon: Daemon, technician: Technician) -> None:
    daemon.answers[GET] = seen(installation("failed", "watch"), files=[])
    result = technician.types("package", "watch", CODE)
    assert (result.exit_code, "rolled back" in result.output) == (1, True)


def test_one_that_failed_long_ago_is_none(daemon: Daemon, technician: Technician) -> None:
    failed = [download(0, FilePackageState.FAILED)]
    daemon.answers[GET] = seen(installation("done"), files=failed)
    assert technician.types("package", "watch").exit_code == 0
    assert technician.types("package", "watch", "7").exit_code == 1


def test_one_that_fails_during_the_watch_is_a_finding(
    daemon: Daemon, technician: Technician
) -> None:
    daemon.series[GET] = [seen(files=[download(1, FilePackageState.DOWNLOADING)])]
    daemon.answers[GET] = seen(files=[download(1, FilePackageState.FAILED)])
    assert technician.types("package", "watch").exit_code == 1


def test_what_is_at_rest_has_no_bytes(daemon: Daemon, technician: Technician) -> None:
    daemon.answers[GET] = seen(installation("done"), files=[])
    assert "bytes" not in technician.types("package", "watch").output


def test_watching_what_is_not_there_is_refused(daemon: Daemon, technician: Technician) -> None:
    daemon.answers[GET] = seen(files=[])
    result = technician.types("package", "watch", "NO-SUCH")
    assert (result.exit_code, "NO-SUCH" in result.stderr) == (1, True)


def test_an_archive_is_pushed_by_its_absolute_path(
    daemon: Daemon, technician: Technician, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.answers[FILES] = {"algoFilePackageId": 12}
    monkeypatch.chdir(tmp_path)
    shown = technician.types("package", "push", "stick.tar.gz").output
    body = {"path": str(tmp_path / "stick.tar.gz")}
    assert daemon.asked == [("POST", "/local/v1/filePackages", body)]
    assert "cadctl package watch 12" in shown


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (
            ["install", CODE, "--args", "keep=person", "--replaces", "OLD-1"],
            (
                "POST",
                "/local/v1/packages",
                {"algoPackageCode": CODE, "args": "keep=person", "replaces": "OLD-1"},
            ),
        ),
        (
            ["uninstall", CODE, "--force"],
            ("DELETE", f"/local/v1/packages/{CODE}", {"force": True}),
        ),
        (["start", CODE], ("POST", f"/local/v1/packages/{CODE}:start", None)),
        (["stop", CODE], ("POST", f"/local/v1/packages/{CODE}:stop", None)),
        (["rm", "7"], ("DELETE", "/local/v1/filePackages/7", None)),
    ],
)
def test_orders_reach_the_daemon(
    daemon: Daemon, technician: Technician, words: list[str], asked: tuple[str, str, object]
) -> None:
    assert technician.types("package", *words).exit_code == 0
    assert daemon.asked == [asked]


def test_a_package_is_begun_and_built_with_the_daemon_down(tmp_path: Path) -> None:
    technician = Technician(tmp_path / "no.sock")
    (tmp_path / "yolo.onnx").write_bytes(b"model")
    assert (
        technician.types("package", "init", f"{tmp_path}/yolo.onnx", f"{tmp_path}/p.1").exit_code
        == 0
    )
    result = technician.types("package", "build", f"{tmp_path}/p.1", "--json")
    built = json.loads(result.output)
    assert (built["path"], len(built["md5"])) == (f"{tmp_path}/p.1.tar.gz", 32)


def test_what_cannot_be_built_is_named(tmp_path: Path) -> None:
    result = Technician(tmp_path / "no.sock").types("package", "build", str(tmp_path))
    assert (result.exit_code, "manifest.json: missing" in result.stderr) == (1, True)


@pytest.mark.peer
@pytest.mark.row("PKG-01")
def test_a_package_that_ships_is_found_good(models: Path, tmp_path: Path) -> None:
    technician = Technician(tmp_path / "no.sock")
    result = technician.types("package", "check", str(models / "person_detect"), "--json")
    found = json.loads(result.output)
    (algorithm,) = found["algorithms"]
    assert (result.exit_code, algorithm["provider"]) == (0, "CPUExecutionProvider")
    assert algorithm["sampleBoxes"] > 0


@pytest.mark.peer
def test_a_model_that_is_none_is_found_with_its_reason(models: Path, tmp_path: Path) -> None:
    folder = tmp_path / "package"
    shutil.copytree(models / "person_detect", folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "files": []}))
    (folder / manifest["algoPackages"][0]["bin"]["local_uri"]).write_text("text")
    result = Technician(tmp_path / "no.sock").types("package", "check", str(folder))
    assert (result.exit_code, "OPEN-PERSON_DETECT-1.0.0" in result.output) == (1, True)
    assert "ONNX" in result.output
