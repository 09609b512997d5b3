"""Annex I: requests read, items written."""

import pytest

from cad.base.errors import BadValueError
from cad.domain.packages import PackageState
from cad.wire.annex_i_packages import (
    AlgoFilePackageRequest,
    AlgoPackageInstallRequest,
    AlgoPackageListRequest,
    MachineAlgoPackage,
)
from cad.wire.envelope import read_envelope
from tests.spec import example


def test_the_printed_push_is_read() -> None:
    order = AlgoFilePackageRequest.read(example("I.2-push-algo-file-package.request")).to_order()
    assert (order.file_package_id, order.auth_address) == (1, "127.0.0.1:8080")
    assert (order.license_file, order.url, order.md5) == ("/auth_license.txt", "", "")


@pytest.mark.parametrize("package_id", ["x", -1, 2**63, 1.5])
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


def test_the_printed_install_is_read() -> None:
    request = AlgoPackageInstallRequest.read(example("I.4-install-algo-package.request"))
    assert request.args == "xpuType=NVIDIA_T4"


@pytest.mark.parametrize(
    ("body", "state"),
    [({}, None), ({"status": ""}, None), ({"status": "STOPPED"}, PackageState.STOPPED)],
)
def test_a_list_is_of_one_state_or_of_all(body: object, state: PackageState | None) -> None:
    assert AlgoPackageListRequest.read(body).status is state


def test_the_printed_package_is_read() -> None:
    package = MachineAlgoPackage.read(read_envelope(example("I.7-get-algo-package.response")).data)
    assert package.algo_package_code == "BAIDU-HUMAN_ATTR_ALERT-1.0.0"
    assert package.status is PackageState.RUNNING
