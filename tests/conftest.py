"""Fixtures for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx
from hypothesis import settings

# A busy machine must not fail a property; pytest's own time limit stays.
settings.register_profile("cad", deadline=None)
settings.load_profile("cad")


@pytest.fixture(autouse=True)
def no_blocking_on_the_loop() -> Iterator[None]:
    """Fail a test in which our code blocks the event loop."""
    with blockbuster_ctx("cad"):
        yield


@pytest.fixture
def models() -> Path:
    """The folder of algorithm packages that ship."""
    return Path(__file__).parent.parent / "plugins"
