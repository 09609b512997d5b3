"""Annex H: the printed examples, both ways."""

import pytest

from cad.base.errors import RefusedError
from cad.domain.views import HostFigures
from cad.wire.annex_h_machine import (
    DeviceInfo,
    KeepaliveRequest,
    MachineStatusRequest,
    RegisterRequest,
    UnRegisterRequest,
)
from cad.wire.envelope import read_envelope
from cad.wire.model import WireModel
from tests.spec import example

EXAMPLES: list[tuple[str, type[WireModel]]] = [
    ("H.2-register-machine", RegisterRequest),
    ("H.3-unregister-machine", UnRegisterRequest),
    ("H.4-keepalive-machine", KeepaliveRequest),
]


@pytest.mark.parametrize(("name", "model"), EXAMPLES)
def test_the_example_is_read_and_written_with_both_codes(name: str, model: type[WireModel]) -> None:
    printed = example(f"{name}.request")
    written = model.read(printed).to_wire()
    assert written.items() >= printed.items()
    assert written["code"] == written["deviceCode"]


def test_the_status_is_asked_under_either_name() -> None:
    printed = example("H.5-get-machine-status.request")
    assert MachineStatusRequest.read(printed).device_code == "machine_code"


def test_the_printed_status_is_read_without_its_blanks() -> None:
    info = DeviceInfo.read(read_envelope(example("H.5-get-machine-status.response")).data)
    assert (info.device_code, info.mem_free, info.is_online) == ("machine_code", "39.605", True)


def test_figures_that_come_as_numbers_are_read() -> None:
    info = DeviceInfo.read({"code": "m", "isOnline": True, "memUsage": 24.395})
    assert info.mem_usage == "24.395"


def test_figures_are_written_as_decimal_strings() -> None:
    figures = HostFigures(
        cpu_utilization=0.11,
        memory_used_bytes=2**30,
        memory_free_bytes=2**29,
        disk_used_bytes=0,
        disk_free_bytes=10**12,
    )
    written = DeviceInfo.from_figures("m", figures, is_online=True, packages=[], tasks=2).to_wire()
    assert (written["cpuUtilization"], written["memUsage"]) == ("0.1100", "1.000")
    assert (written["memFree"], written["diskFree"]) == ("0.500", "931.323")


@pytest.mark.parametrize(
    "body",
    [
        {"code": "m", "ip": "h", "port": 0},
        {"code": "m", "ip": "", "port": 1},
        {"ip": "h", "port": 1},
    ],
)
def test_a_registration_that_cannot_be_used_is_refused(body: object) -> None:
    with pytest.raises(RefusedError):
        RegisterRequest.read(body)


def test_a_password_is_in_no_representation() -> None:
    request = RegisterRequest(code="m", ip="h", port=1, password="s3cret")
    assert "s3cret" not in repr(request)
