"""Delays between tries: exponential, with jitter, without an end."""

import random
from collections.abc import Iterator


def backoff(
    first: float = 1.0, ceiling: float = 60.0, *, draw: random.Random | None = None
) -> Iterator[float]:
    """Yield delays in seconds: doubling from `first` to `ceiling`, each drawn from its upper half.

    The jitter keeps devices that failed together from coming back together.
    """
    source = draw or random.SystemRandom()
    step = first
    while True:
        yield step * source.uniform(0.5, 1.0)
        step = min(2 * step, ceiling)
