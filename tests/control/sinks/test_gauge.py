"""What is shown of the outbox."""

import pytest

from cad.control.sinks.gauge import OutboxGauge
from cad.domain.deliveries import QueueKey
from cad.domain.destinations import HttpDestination
from cad.domain.ids import TaskId
from cad.domain.views import DestinationView, OutboxView

ONE, OTHER = (QueueKey(TaskId(f"task-{n}"), HttpDestination("http://host/")) for n in (1, 2))


def test_the_last_error_that_lasts_is_shown() -> None:
    gauge = OutboxGauge()
    gauge.failed(ONE, "first")
    gauge.failed(OTHER, "second")
    gauge.failed(ONE, "first again")
    assert gauge.view.last_error == "first again"
    gauge.succeeded(ONE)
    assert gauge.view.last_error == "second"


def counts(*, waiting: int = 0, dead: int = 0) -> OutboxView:
    host = DestinationView(name=ONE.destination.name, waiting=waiting, dead=dead)
    return OutboxView(
        waiting=waiting, delivered=0, dead=dead, dropped=0, stored_bytes=0, destinations=(host,)
    )


def test_an_error_goes_with_the_last_event_that_is_kept() -> None:
    gauge = OutboxGauge()
    gauge.failed(ONE, "first")
    gauge.changed(counts(dead=1))
    assert gauge.view.last_error == "first"
    gauge.changed(counts())
    assert gauge.view.last_error == ""


@pytest.mark.parametrize(("dead", "shown"), [(0, ""), (1, "late")])
def test_an_attempt_that_fails_after_its_event_went_leaves_no_error(dead: int, shown: str) -> None:
    gauge = OutboxGauge()
    gauge.changed(counts(dead=dead))
    gauge.failed(ONE, "late")
    gauge.emptied(ONE)
    assert gauge.view.last_error == shown


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
