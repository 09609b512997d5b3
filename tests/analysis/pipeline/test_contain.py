"""Errors of one task or service become its fault, and stay there."""

import asyncio
import logging

import pytest

from cad.analysis.pipeline.contain import Contained
from cad.base.clock import SystemClock
from cad.base.errors import UnavailableError
from cad.domain.faults import Fault, FaultClass


def fault_of(error: Exception) -> Fault:
    faults: list[Fault] = []
    with Contained("rules", faults.append, SystemClock()):
        raise error
    return faults[0]


def test_a_bug_is_named_with_its_kind() -> None:
    fault = fault_of(KeyError("area"))
    assert fault.kind is FaultClass.ENGINE
    assert fault.message == "rules: KeyError: 'area'"


def test_a_known_error_speaks_for_itself(caplog: pytest.LogCaptureFixture) -> None:
    assert fault_of(UnavailableError("no device")).message == "rules: no device"
    assert "Traceback" not in caplog.text


def test_secrets_do_not_get_into_the_fault(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    fault = fault_of(UnavailableError("rtsp://user:hunter2@camera.example/1 is away"))
    assert "hunter2" not in fault.message + caplog.text


def test_a_block_without_error_has_no_fault() -> None:
    faults: list[Fault] = []
    with Contained("rules", faults.append, SystemClock()):
        pass
    assert faults == []


def test_cancellation_is_no_fault() -> None:
    with pytest.raises(asyncio.CancelledError), Contained("rules", print, SystemClock()):
        raise asyncio.CancelledError
