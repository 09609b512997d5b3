"""The border at which a bug ends the task or service that has it, and nothing else."""

import logging
from collections.abc import Callable
from types import TracebackType

from cad.base.clock import Clock
from cad.base.errors import CadError
from cad.base.redact import redact
from cad.domain.faults import Fault, FaultClass

logger = logging.getLogger(__name__)


class Contained:
    """A block whose errors become a fault.

    Engines, decoders and rules are code that a package may bring: anything may come out of them.
    """

    def __init__(self, what: str, end: Callable[[Fault], None], clock: Clock) -> None:
        """If the block fails, call `end` with a fault that names `what`, and go on after it."""
        self._what, self._end, self._clock = what, end, clock

    def __enter__(self) -> None:
        """Enter the block."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """Contain any error; cancellation and the end of the process pass."""
        if not isinstance(error, Exception):
            return False
        is_fact = isinstance(error, CadError)
        reason = redact(str(error) if is_fact else f"{type(error).__name__}: {error}")
        logger.error("what=%s error=%s", self._what, reason, exc_info=None if is_fact else error)
        self._end(Fault(FaultClass.ENGINE, f"{self._what}: {reason}", self._clock.now()))
        return True
