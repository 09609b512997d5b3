"""The kernel's count of processes that it killed for want of memory."""

from pathlib import Path

import pytest

from cad.control.tasks.oom import count_oom_kills


def written(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_the_control_group_goes_before_the_machine(tmp_path: Path) -> None:
    own = written(tmp_path / "own", "4:memory:/old\n0::/system.slice/cadd.service\n")
    machine = written(tmp_path / "vmstat", "pgfault 1\noom_kill 9\n")
    assert count_oom_kills(own, tmp_path / "groups", machine) == 9
    group = tmp_path / "groups" / "system.slice" / "cadd.service"
    written(group / "memory.events", "low 0\nhigh 0\nmax 3\noom 2\noom_kill 2\n")
    assert count_oom_kills(own, tmp_path / "groups", machine) == 2


def test_a_kernel_that_tells_nothing_has_killed_nobody(tmp_path: Path) -> None:
    assert count_oom_kills(tmp_path / "a", tmp_path / "b", tmp_path / "c") == 0


@pytest.mark.parametrize("text", ["", "oom_kill", "oom_kill x", "oom_kill 1 2", "\n\n", "\x00"])
def test_what_is_no_count_is_passed_over(tmp_path: Path, text: str) -> None:
    machine = written(tmp_path / "vmstat", text)
    assert count_oom_kills(tmp_path / "a", tmp_path / "b", machine) == 0


def test_this_machine_answers() -> None:
    assert count_oom_kills() >= 0
