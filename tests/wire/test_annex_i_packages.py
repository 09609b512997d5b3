"""Annex I: requests read, items written."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from cad.base.errors import BadValueError
from cad.domain.ids import FilePackageId, ServiceId
from cad.domain.models import ModelInput, ModelSpec
from cad.domain.packages import (
    AlgoPackage,
    AlgorithmManifest,
    Capacity,
    PackageState,
    PackageType,
    ServiceSettings,
)
from cad.wire.annex_i_packages import (
    AlgoFilePackageRequest,
    AlgoPackageInstallRequest,
    AlgoPackageListRequest,
    MachineAlgoPackage,
    MachineAlgoPackageDetail,
)
from cad.wire.envelope import read_envelope
from tests.spec import example

MODEL = ModelSpec(
    task="detect", decoder="yolox", labels=("person",), input=ModelInput(width=64, height=64)
)
CAPACITIES = tuple(
    Capacity(
        vendor="NVidia",
        accelerator=card,
        quota=0.5,
        limit=0,
        resolution="PIXELS_200W",
        stream_video_quota=6,
        stream_capture_quota=0,
        analyze_quota=0,
    )
    for card in ("A2", "T4")
)
ALGORITHM = AlgorithmManifest(
    code=ServiceId("A-B-1"),
    name="persons",
    version="1.0.0",
    kind=PackageType.BIN,
    cabin_name="b",
    event_types=(),
    model_path="model.onnx",
    model=MODEL,
    capacities=CAPACITIES,
)


def test_the_printed_push_is_read() -> None:
    order = AlgoFilePackageRequest.read(example("I.2-push-algo-file-package.request")).to_order()
    assert (order.file_package_id, order.auth_address) == (1, "127.0.0.1:8080")
    assert (order.license_file, order.url, order.md5) == ("/auth_license.txt", "", "")


@pytest.mark.parametrize("package_id", ["x", -1, 2**63, 1.5, True])
def test_an_id_that_is_no_long_is_refused(package_id: object) -> None:
    with pytest.raises(BadValueError, match="algoFilePackageId"):
        AlgoFilePackageRequest.read({"algoFilePackageId": package_id})


def test_only_http_can_be_fetched() -> None:
    with pytest.raises(BadValueError, match="url: expected an http or https URL"):
        AlgoFilePackageRequest.read({"algoFilePackageId": 1, "url": "file:///etc/passwd"})


@pytest.mark.parametrize("code", ["", "a/b", "../x", ".x", "-x", "a" * 128, "a\n", "包"])
def test_a_code_that_is_not_safe_in_paths_is_refused(code: str) -> None:
    with pytest.raises(BadValueError, match="algoPackageCode"):
        AlgoPackageInstallRequest.read({"algoPackageCode": code})


@pytest.mark.parametrize("args", ["keep=a\0", "keep=\x1b[2J", "keep=a\u2028b=1"])
def test_args_with_controls_are_refused(args: str) -> None:
    with pytest.raises(BadValueError, match="args: expected text without control characters"):
        AlgoPackageInstallRequest.read({"algoPackageCode": "a", "args": args})


def test_args_may_stand_on_several_lines() -> None:
    args = "keep=a,\r\n\tb\nmax_batch=4"
    request = AlgoPackageInstallRequest.read({"algoPackageCode": "a", "args": args})
    assert request.args == args


def test_the_printed_install_is_read() -> None:
    request = AlgoPackageInstallRequest.read(example("I.4-install-algo-package.request"))
    assert request.args == "xpuType=NVIDIA_T4"


@pytest.mark.parametrize(
    ("body", "state"),
    [({}, None), ({"status": ""}, None), ({"status": "STOPPED"}, PackageState.STOPPED)],
)
def test_a_list_is_of_one_state_or_of_all(body: object, state: PackageState | None) -> None:
    assert AlgoPackageListRequest.read(body).status is state


def test_what_is_told_of_a_package_may_be_of_any_length() -> None:
    package = AlgoPackage(
        code=ALGORITHM.code,
        file_package_id=FilePackageId(1),
        manifest=ALGORITHM,
        state=PackageState.STOPPED,
        reason="the model gives " + "n" * 5000,
        args="token=a," * 512,
        settings=ServiceSettings(),
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
    )
    detail = MachineAlgoPackageDetail.from_package(package, ZoneInfo("UTC"))
    assert len(detail.status_reason or "") > 4096
    assert len(detail.args or "") > 4096


def test_the_printed_package_is_read() -> None:
    package = MachineAlgoPackage.read(read_envelope(example("I.7-get-algo-package.response")).data)
    assert package.algo_package_code == "BAIDU-HUMAN_ATTR_ALERT-1.0.0"
    assert package.status is PackageState.RUNNING


def test_the_detail_shows_what_an_algorithm_gets_but_no_secret() -> None:
    package = AlgoPackage(
        code=ALGORITHM.code,
        file_package_id=FilePackageId(7),
        manifest=ALGORITHM,
        state=PackageState.RUNNING,
        settings=ServiceSettings(xpu_type="NVIDIA_A2"),
        environment={"AUTH_ADDRESS": "10.0.0.1:8080", "API_TOKEN": "hunter2"},
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
    )
    wire = MachineAlgoPackageDetail.from_package(package, ZoneInfo("Asia/Shanghai")).to_wire()
    assert wire["environment"] == {"AUTH_ADDRESS": "10.0.0.1:8080", "API_TOKEN": "***"}
    assert wire["capacities"] == [
        {
            "vendor": "NVidia",
            "accelerator": "A2",
            "resolution": "PIXELS_200W",
            "quota": 0.5,
            "limit": 0.0,
            "streamVideoQuota": 6,
            "streamCaptureQuota": 0,
            "analyzeQuota": 0,
        }
    ]
