"""The inference threads, and who works for whom."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial

from cad.analysis.pipeline.contain import Contained
from cad.analysis.pipeline.lane import Lane, Ticket
from cad.analysis.pipeline.service import Service
from cad.analysis.pipeline.shares import Account, Charge, Ledger
from cad.analysis.pipeline.turns import CALL_SECONDS, Claim, Standing, next_turn
from cad.base.clock import Clock
from cad.domain.faults import Fault
from cad.domain.frames import Boxes, Frame, Planes

AWAKE_SECONDS = 2.0
"""How long after its last frame a service is taken to have more; a thread may be kept for it."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """Frames of one service for one call of its engine."""

    service: Service
    places: Sequence[tuple[Lane, Ticket]]
    charge: Charge

    @property
    def is_long(self) -> bool:
        return self.charge.seconds > CALL_SECONDS


class Scheduler:
    """Threads that carry waiting frames through their engines, one call each at a time.

    Any thread may call it. One lock guards the lanes and all counts; engines, rules and trackers
    run outside it.
    """

    def __init__(
        self,
        threads: int,
        clock: Clock,
        *,
        may_start: Callable[[], bool],
        on_failure: Callable[[Service, Fault], None],
    ) -> None:
        """Begin without threads; `start` makes them.

        Args:
            threads: how many calls of engines run at once.
            clock: the time.
            may_start: whether another frame may be taken now; while it says no, frames wait or
                drop. Call `nudge` when the answer may have changed.
            on_failure: takes a service that failed, in the thread in which it did, after its lanes
                were closed.
        """
        self._clock, self._may_start, self._on_failure = clock, may_start, on_failure
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        """There may be a frame to take."""
        self._rest = threading.Condition(self._lock)
        """A service has no call under way."""
        self._lanes: dict[Lane, threading.Condition] = {}
        """Each with the condition that it may have a place for a frame."""
        self._ledger = Ledger()
        self._turns = self._idle = self._long_calls = 0
        self._closing = False
        self._calls: dict[int, float] = {}
        self._threads = [
            threading.Thread(target=self._run, name=f"infer-{number}", daemon=True)
            for number in range(threads)
        ]

    @property
    def threads(self) -> int:
        """How many calls of engines run at once."""
        return len(self._threads)

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Close all lanes and end the threads after the calls that they are in. Blocks."""
        with self._lock:
            self._closing = True
            self._close_lanes(list(self._lanes))
            self._work.notify_all()
        for thread in self._threads:
            thread.join()

    def add(self, lane: Lane) -> None:
        """Let the lane take part; it begins at the end of the round."""
        with self._lock:
            self._lanes[lane] = threading.Condition(self._lock)
            self._end_turn(lane)

    def remove(self, lane: Lane) -> None:
        """Close the lane. What is with the engine is finished; an `offer` that waits returns."""
        with self._lock:
            self._close_lanes([lane])

    def offer(self, lane: Lane, frame: Frame) -> None:
        """Put a frame into the lane; blocks while a lane of a recording has no place."""
        with self._lock:
            lane.service.last_offered = self._clock.monotonic()
            while not lane.put(frame):
                self._lanes[lane].wait()
            self._work.notify()

    def nudge(self) -> None:
        """Ask `may_start` again."""
        with self._lock:
            self._work.notify_all()

    def is_idle(self, lane: Lane) -> bool:
        """Whether every frame that was put into the lane has been analysed."""
        with self._lock:
            return lane.is_idle

    def replace(self, old: Service, new: Service) -> None:
        """Carry what waits for `old`, and all that comes, to `new`; nothing is lost."""
        with self._lock:
            lanes = [lane for lane in self._lanes if lane.service is old]
            for lane in lanes:
                lane.service = new
        for lane in lanes:
            lane.use(new)

    def retire(self, service: Service) -> None:
        """Close the lanes of the service, wait for its calls, then close its engine. Blocks."""
        with self._lock:
            self._close_lanes([lane for lane in self._lanes if lane.service is service])
            self._rest.wait_for(lambda: not service.running)
        service.engine.close()

    def oldest_call(self) -> float:
        """Return the seconds that the longest running call of an engine has taken so far."""
        now = self._clock.monotonic()
        return max((now - started for started in list(self._calls.values())), default=0.0)

    def _run(self) -> None:
        while (batch := self._next_batch()) is not None:
            started = time.perf_counter()
            failed = partial(self._fail, batch)
            with Contained(f"service {batch.service.service_id}", failed, self._clock):
                self._process(batch)
            self._release(batch, time.perf_counter() - started)

    def _next_batch(self) -> _Batch | None:
        """Wait for frames; None = the scheduler closes."""
        with self._lock:
            while not self._closing:
                if self._may_start() and (chosen := self._choose()):
                    return self._take(chosen)
                self._idle += 1
                self._work.wait()
                self._idle -= 1
        return None

    def _choose(self) -> list[Lane]:
        lanes = list(self._lanes)
        services = list(dict.fromkeys(lane.service for lane in lanes))
        numbers = {service: number for number, service in enumerate(services)}
        standings = [Standing(numbers[lane.service], lane.turn, lane.takable) for lane in lanes]
        ready = {services[each.service] for each in standings if each.takable}
        running = {service for service in services if service.running}
        self._ledger.update(_accounts(ready), _accounts(running))
        claims = self._claims(services, ready | running)
        keep = 1 < len(self._threads) <= self._long_calls + 1
        chosen = next_turn(claims, standings, self._idle, keep_thread=keep)
        return [lanes[index] for index in chosen]

    def _claims(self, services: Sequence[Service], busy: AbstractSet[Service]) -> list[Claim]:
        awake_since = self._clock.monotonic() - AWAKE_SECONDS
        return [
            Claim(
                service.account.start,
                service.account.frame_seconds,
                service.batch_limit,
                service in busy or service.last_offered >= awake_since,
            )
            for service in services
        ]

    def _take(self, lanes: list[Lane]) -> _Batch:
        places = [(lane, lane.take()) for lane in lanes]
        for lane in lanes:
            self._end_turn(lane)
            self._lanes[lane].notify()
        service = lanes[0].service
        service.running += 1
        batch = _Batch(service, places, self._ledger.begin(service.account, len(places)))
        self._long_calls += batch.is_long
        return batch

    def _process(self, batch: _Batch) -> None:
        layout = batch.service.engine.layout
        places: list[tuple[Lane, Ticket]] = []
        planes: list[Planes] = []
        for lane, ticket in batch.places:
            with Contained("conversion of a picture", partial(self._fail_lane, lane), self._clock):
                planes.append(ticket.frame.picture.planes(layout))
                places.append((lane, ticket))
        if places:
            results = self._infer(batch.service, places, planes)
            for (lane, ticket), boxes in zip(places, results, strict=True):
                lane.finish(ticket, boxes, batch.service)

    def _infer(
        self, service: Service, places: list[tuple[Lane, Ticket]], planes: list[Planes]
    ) -> list[Boxes]:
        pictures = [ticket.frame.picture for _, ticket in places]
        sizes = [(picture.width, picture.height) for picture in pictures]
        threshold = min(lane.threshold for lane, _ in places)
        thread = threading.get_ident()
        self._calls[thread] = self._clock.monotonic()
        try:
            return service.engine.infer(planes, sizes, threshold)
        finally:
            del self._calls[thread]

    def _release(self, batch: _Batch, seconds: float) -> None:
        with self._lock:
            service = batch.service
            service.running -= 1
            service.batches += 1
            service.frames += len(batch.places)
            service.busy_seconds += seconds
            self._ledger.end(batch.charge, seconds)
            self._end_long(batch)
            for lane, _ in batch.places:
                lane.release()
            if not service.running:
                self._rest.notify_all()

    def _end_long(self, batch: _Batch) -> None:
        if batch.is_long:
            self._long_calls -= 1
            # A thread that was kept from a long call may be the only one that is free for it.
            self._work.notify()

    def _fail_lane(self, lane: Lane, fault: Fault) -> None:
        self.remove(lane)
        lane.fail(fault)

    def _fail(self, batch: _Batch, fault: Fault) -> None:
        with self._lock:
            self._close_lanes([lane for lane in self._lanes if lane.service is batch.service])
        for lane, ticket in batch.places:
            lane.give_up(ticket)
        self._on_failure(batch.service, fault)

    def _close_lanes(self, lanes: list[Lane]) -> None:
        for lane in lanes:
            lane.close()
            has_place = self._lanes.pop(lane, None)
            if has_place is not None:
                has_place.notify_all()

    def _end_turn(self, lane: Lane) -> None:
        self._turns += 1
        lane.turn = self._turns


def _accounts(services: Iterable[Service]) -> set[Account]:
    return {service.account for service in services}
