"""Marks and what every end-to-end test needs of the machine."""

import os
from pathlib import Path

import pytest

from cad.sim.camera import unavailable

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These tests are made of real processes; with CI set none of them may be left out."""
    ours = [item for item in items if HERE in item.path.parents]
    missing = unavailable() if ours else ""
    if missing and os.environ.get("CI"):
        pytest.fail(f"no RTSP server can be run: {missing}", pytrace=False)
    for item in ours:
        item.add_marker(pytest.mark.peer)
        item.add_marker(pytest.mark.timeout(180))
        item.add_marker(pytest.mark.skipif(bool(missing), reason=missing))
