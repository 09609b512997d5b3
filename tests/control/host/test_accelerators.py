"""Cards are counted by the device files of their driver."""

from pathlib import Path

import pytest

from cad.control.host.accelerators import count_accelerators


@pytest.mark.parametrize(
    ("names", "cards"),
    [
        ([], 0),
        (["null", "nvidiactl", "nvidia-uvm", "nvidia-modeset"], 0),
        (["nvidia0", "nvidiactl", "nvidia-uvm"], 1),
        (["nvidia0", "nvidia1", "nvidia10"], 3),
    ],
)
def test_each_card_counts_once_and_the_drivers_own_files_never(
    tmp_path: Path, names: list[str], cards: int
) -> None:
    for name in names:
        (tmp_path / name).touch()
    assert count_accelerators(tmp_path) == cards


def test_a_machine_that_shows_no_devices_has_no_cards(tmp_path: Path) -> None:
    assert count_accelerators(tmp_path / "dev") == 0
