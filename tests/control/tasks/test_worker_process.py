"""How a process ended, in words."""

import pytest

from cad.control.tasks.worker_process import describe_exit


@pytest.mark.parametrize(
    ("code", "text"),
    [(0, "exit code 0"), (3, "exit code 3"), (-11, "signal SIGSEGV"), (-127, "signal 127")],
)
def test_an_exit_is_named(code: int, text: str) -> None:
    assert describe_exit(code) == text
