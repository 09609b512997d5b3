"""How often the kernel has killed for want of memory, which looks like any SIGKILL to a parent."""

from pathlib import Path

OWN_GROUP = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")
MACHINE = Path("/proc/vmstat")
COUNTER = "oom_kill"
"""Its name in both files: cgroup-v2.rst (memory.events), proc(5)."""


def count_oom_kills(
    own_group: Path = OWN_GROUP, groups: Path = GROUPS, machine: Path = MACHINE
) -> int:
    """Return the kernel's count: of this control group, else of the machine; 0 = it tells none."""
    for file in (*_events_files(own_group, groups), machine):
        if (count := _read(file)) is not None:
            return count
    return 0


def _events_files(own_group: Path, groups: Path) -> list[Path]:
    """Return the file of the control group that this process and its children are in, if any."""
    try:
        lines = own_group.read_text().splitlines()
    except OSError:
        return []
    paths = [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]
    return [groups / path / "memory.events" for path in paths]


def _read(file: Path) -> int | None:
    try:
        pairs = (line.split() for line in file.read_text().splitlines())
        return next((int(count) for name, count in pairs if name == COUNTER), None)
    except (OSError, ValueError):
        return None
