"""How long the tests with many rounds run: briefly, or as `make soak` wants it."""

import os

SOAKING = bool(os.environ.get("SOAK"))


def rounds(briefly: int, soaking: int) -> int:
    """Return how many rounds a test is to run."""
    return soaking if SOAKING else briefly
