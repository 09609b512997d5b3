"""A worker that is silent, or stuck in an inference, is replaced; a daemon that slept is not."""

from cad.control.tasks.pulse import Pulse, PulseLimits
from cad.protocols.worker.messages import Report

LIMITS = PulseLimits(hello=20.0, report=3.0, inference=30.0)


def a_report(oldest_inference: float = 0.0) -> Report:
    return Report(
        monotonic=0.0,
        streams=(),
        tasks=(),
        services=(),
        oldest_inference=oldest_inference,
        cpu_seconds=0.0,
        resident_bytes=0,
    )


def look_until(pulse: Pulse, start: float, end: float) -> str:
    """Ask four times a second, as the daemon does; return the last verdict."""
    verdict = ""
    for tick in range(int((end - start) * 4) + 1):
        verdict = pulse.verdict(start + tick / 4)
    return verdict


def test_a_worker_may_take_its_time_to_come_up_but_not_for_ever() -> None:
    pulse = Pulse(LIMITS, 0.0)
    assert look_until(pulse, 0, 20) == ""
    assert "did not come up" in look_until(pulse, 20, 20.5)


def test_a_worker_that_stops_reporting_is_replaced_after_three_seconds() -> None:
    pulse = Pulse(LIMITS, 0.0)
    pulse.greeted(0.0)
    pulse.reported(a_report(), 1.0)
    assert look_until(pulse, 1, 4) == ""
    assert "reported nothing" in look_until(pulse, 4, 4.5)


def test_a_hung_inference_is_the_end_of_the_worker() -> None:
    pulse = Pulse(LIMITS, 0.0)
    pulse.greeted(0.0)
    pulse.reported(a_report(oldest_inference=31.0), 0.5)
    assert pulse.verdict(0.5) == "an inference has taken 31 s"


def test_silence_means_nothing_while_nobody_listens() -> None:
    pulse = Pulse(LIMITS, 0.0)
    pulse.greeted(0.0)
    pulse.deafened()
    assert look_until(pulse, 0, 60) == ""
    pulse.listening(60.0)
    assert look_until(pulse, 60, 63) == ""
    assert look_until(pulse, 63, 64) != ""


def test_the_daemons_own_sleep_is_not_the_workers_silence() -> None:
    pulse = Pulse(LIMITS, 0.0)
    pulse.greeted(0.0)
    assert pulse.verdict(0.25) == ""
    assert pulse.verdict(500.0) == ""
    assert look_until(pulse, 500.25, 504) != ""
