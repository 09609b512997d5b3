"""One algorithm as a worker serves it."""

import math

from cad.analysis.pipeline.shares import Account
from cad.domain.ids import ServiceId
from cad.domain.models import Engine
from cad.domain.packages import ServiceOrder

CPU_PROVIDER = "CPUExecutionProvider"


class Service:
    """A loaded engine, what its order says about results, and what it has done so far.

    Loading an algorithm again makes a new one; frames that are with the old engine stay with it.
    The counts are kept by the scheduler under its lock.
    """

    def __init__(self, order: ServiceOrder, engine: Engine) -> None:
        self.service_id: ServiceId = order.service_id
        self.engine = engine
        self.labels = engine.labels
        settings, model = order.settings, order.model
        threshold, keep = settings.score_threshold, settings.keep
        self.reporting: tuple[float, tuple[str, ...], tuple[str, ...]] = (
            model.score_threshold if threshold is None else threshold,
            engine.labels,
            model.keep if keep is None else keep,
        )
        """Score from which an object is reported, names of the classes, those that are kept."""
        self.account = Account(order.prepared.cpu_seconds_per_frame)
        """Its share of the engines' time, and what a frame costs."""
        self.last_offered = -math.inf
        """Monotonic time at which a frame last came for it."""
        self.running = 0
        """Calls of the engine that have not returned."""
        self.frames = 0
        self.batches = 0
        self.busy_seconds = 0.0

    @property
    def batch_limit(self) -> int:
        """Most pictures for one call.

        On a CPU a batch of n takes n times as long as one picture: it would only delay the first.
        """
        return 1 if self.engine.provider == CPU_PROVIDER else self.engine.max_batch
