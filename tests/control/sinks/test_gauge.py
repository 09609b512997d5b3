"""What is shown of the outbox."""

import pytest

from cad.control.sinks.gauge import OutboxGauge
from cad.domain.deliveries import QueueKey
from cad.domain.destinations import HttpDestination
from cad.domain.ids import TaskId

ONE, OTHER = (QueueKey(TaskId(f"task-{n}"), HttpDestination("http://host/")) for n in (1, 2))


def test_the_last_error_that_lasts_is_shown() -> None:
    gauge = OutboxGauge()
    gauge.failed(ONE, "first")
    gauge.failed(OTHER, "second")
    gauge.failed(ONE, "first again")
    assert gauge.view.last_error == "first again"
    gauge.succeeded(ONE)
    assert gauge.view.last_error == "second"


def test_a_task_that_is_gone_has_no_errors() -> None:
    gauge = OutboxGauge()
    gauge.failed(ONE, "first")
    gauge.forget(TaskId("task-1"))
    assert gauge.view.last_error == ""


def test_latencies_are_those_of_the_last_events() -> None:
    gauge = OutboxGauge()
    assert gauge.view.latency_p50 is None
    for hundredth in range(101):
        gauge.stored(hundredth / 100)
    assert gauge.view.latency_p50 == pytest.approx(0.5)
    assert gauge.view.latency_p95 == pytest.approx(0.95)
