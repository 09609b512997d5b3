"""One stream for any number of services: decoded once, each at its rate, changed while it runs."""

from cad.analysis.pipeline.hub import StreamHub
from cad.analysis.pipeline.lane import Lane
from cad.analysis.pipeline.scheduler import Scheduler
from tests.analysis.pipeline.conftest import Floor
from tests.analysis.pipeline.stand_ins import Shade, ShadeEngine, frame, service, until


def play(hub: StreamHub, numbers: range) -> list[Shade]:
    """Do what a reader does with pictures of 10 per second; return those that were offered."""
    wanted = [frame(number) for number in numbers if hub.wants(number / 10)]
    for each in wanted:
        hub.offer(each)
    return [each.picture for each in wanted]  # type: ignore[misc]  # all are shades


def lanes(floor: Floor, scheduler: Scheduler, *names: str) -> list[Lane]:
    return [floor.lane(scheduler, service(ShadeEngine(), name)) for name in names]


def test_the_rate_of_a_stream_is_the_highest_of_its_services(floor: Floor) -> None:
    scheduler = floor.scheduler()
    hub = StreamHub(scheduler)
    slow, fast = lanes(floor, scheduler, "slow", "fast")
    hub.set_lane(slow, 2.0)
    hub.set_lane(fast, 5.0)
    assert hub.target_rate == 5.0
    hub.set_lane(slow, 0.0)
    assert hub.target_rate == 0.0
    hub.remove_lane(slow)
    assert hub.target_rate == 5.0


def test_a_picture_is_wanted_when_any_service_is_due(floor: Floor) -> None:
    scheduler = floor.scheduler()
    hub = StreamHub(scheduler)
    slow, fast = lanes(floor, scheduler, "slow", "fast")
    hub.set_lane(slow, 1.0)
    hub.set_lane(fast, 5.0)
    assert [number for number in range(11) if hub.wants(number / 10)] == [0, 2, 4, 6, 8, 10]


def test_every_service_gets_the_same_picture_at_its_own_rate(floor: Floor) -> None:
    scheduler = floor.scheduler()
    hub = StreamHub(scheduler)
    each, second = lanes(floor, scheduler, "each", "second")
    hub.set_lane(each, 0.0)
    hub.set_lane(second, 5.0)
    for number in range(20):
        play(hub, range(number, number + 1))
        until(lambda: scheduler.is_idle(each) and scheduler.is_idle(second))
    assert (each.counts.analysed, second.counts.analysed) == (20, 10)


def test_a_service_joins_and_leaves_while_pictures_come(floor: Floor) -> None:
    scheduler = floor.scheduler()
    hub = StreamHub(scheduler)
    first, second = lanes(floor, scheduler, "first", "second")
    hub.set_lane(first, 0.0)
    for number in range(30):
        if number == 10:
            hub.set_lane(second, 0.0)
        if number == 20:
            hub.remove_lane(second)
        play(hub, range(number, number + 1))
        until(lambda: scheduler.is_idle(first) and scheduler.is_idle(second))
    assert (first.counts.analysed, second.counts.analysed) == (30, 10)


def test_the_same_rate_again_does_not_restart_the_sampling(floor: Floor) -> None:
    scheduler = floor.scheduler()
    hub = StreamHub(scheduler)
    [lane] = lanes(floor, scheduler, "one")
    hub.set_lane(lane, 1.0)
    assert hub.wants(0.0)
    hub.set_lane(lane, 1.0)
    assert not hub.wants(0.1)
    hub.set_lane(lane, 5.0)
    assert hub.wants(0.2)


def test_a_stream_without_services_wants_nothing(floor: Floor) -> None:
    hub = StreamHub(floor.scheduler())
    assert not hub.wants(0.0)
