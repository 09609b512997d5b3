"""The border at which a bug ends the task or service that has it, and nothing else."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cad.base.clock import Clock
from cad.base.redact import redact
from cad.domain.faults import Fault, FaultClass

logger = logging.getLogger(__name__)


@contextmanager
def contained(what: str, end: Callable[[Fault], None], clock: Clock) -> Iterator[None]:
    """Run the block; if it fails, call `end` with a fault that names `what`, and go on.

    Engines, decoders and rules are code that a package may bring: any error may come out of them.
    """
    try:
        yield
    except Exception as error:
        reason = redact(f"{type(error).__name__}: {error}")
        logger.exception("what=%s error=%s", what, reason)
        end(Fault(FaultClass.ENGINE, f"{what}: {reason}", clock.now()))
