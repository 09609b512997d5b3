"""How the outbox is, ready to be shown at any moment."""

from collections import deque
from dataclasses import replace

from cad.domain.deliveries import QueueKey
from cad.domain.ids import TaskId
from cad.domain.views import OutboxView

REMEMBERED_LATENCIES = 1000


class OutboxGauge:
    """The last known counts, and what goes wrong now."""

    def __init__(self) -> None:
        self._counts = OutboxView(waiting=0, delivered=0, dead=0, dropped=0, stored_bytes=0)
        self._errors: dict[QueueKey, str] = {}
        self._latencies = deque[float](maxlen=REMEMBERED_LATENCIES)
        self._internal_errors = 0

    @property
    def view(self) -> OutboxView:
        """The outbox as it is now, with the error that came up last among those that last."""
        errors = {queue.destination.name: error for queue, error in self._errors.items()}
        return replace(
            self._counts,
            destinations=tuple(
                replace(each, last_error=errors.get(each.name, ""))
                for each in self._counts.destinations
            ),
            last_error=next(reversed(self._errors.values()), ""),
            internal_errors=self._internal_errors,
            latency_p50=self._latency(0.50),
            latency_p95=self._latency(0.95),
        )

    def stored(self, latency: float) -> None:
        """Take note that an event is on disk `latency` seconds after its picture arrived."""
        self._latencies.append(latency)

    def changed(self, counts: OutboxView) -> None:
        """Take the counts after a change; where nothing is kept, nothing is wrong any more."""
        self._counts = counts
        kept = {each.name for each in counts.destinations if each.waiting or each.dead}
        for queue in [queue for queue in self._errors if queue.destination.name not in kept]:
            del self._errors[queue]

    def failed(self, queue: QueueKey, error: str) -> None:
        """Take note why the last attempt of `queue` had no success."""
        self._errors.pop(queue, None)
        self._errors[queue] = error

    def broke(self) -> None:
        """Take note that a bug of this device ended an attempt."""
        self._internal_errors += 1

    def succeeded(self, queue: QueueKey) -> None:
        """Take note that nothing is wrong with `queue` any more."""
        self._errors.pop(queue, None)

    def emptied(self, queue: QueueKey) -> None:
        """Take note that nothing waits in `queue`; what went wrong lasts while dead ones are left.

        An attempt that was under way when its event went may have failed after that.
        """
        name = queue.destination.name
        if not any(each.dead for each in self._counts.destinations if each.name == name):
            self._errors.pop(queue, None)

    def forget(self, task_id: TaskId) -> None:
        """Drop what went wrong with the queues of a task whose events are gone."""
        for queue in [queue for queue in self._errors if queue.task_id == task_id]:
            del self._errors[queue]

    def _latency(self, share: float) -> float | None:
        """Return the latency that `share` of the last events did not exceed."""
        ordered = sorted(self._latencies)
        return ordered[round(share * (len(ordered) - 1))] if ordered else None
