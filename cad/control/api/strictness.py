"""What is done about a caller that deviates from the standard in a way that can be understood."""

import logging
from collections import OrderedDict

from cad.base.errors import RefusedError

logger = logging.getLogger(__name__)

REMEMBERED = 256
"""Deviations that are known to have been reported; a caller can make up any number."""


class Strictness:
    """Strict mode refuses a deviation, lenient mode reports it once in the log (AM-20)."""

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self._reported: OrderedDict[str, None] = OrderedDict()

    def object_to(self, deviation: RefusedError, call: str) -> None:
        """Raise `deviation` in strict mode; else report it, unless it has been for this `call`."""
        if self._strict:
            raise deviation
        sentence = f"{call}: {deviation}"
        if sentence not in self._reported:
            logger.warning("%s (tolerated; machine.strict would refuse it)", sentence)
        self._reported[sentence] = None
        self._reported.move_to_end(sentence)
        if len(self._reported) > REMEMBERED:
            self._reported.popitem(last=False)
