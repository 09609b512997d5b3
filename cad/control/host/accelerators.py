"""How many accelerator cards the machine has, by the device files of their driver."""

import re
from pathlib import Path

CARD = re.compile(r"nvidia\d+")
"""`/dev/nvidia0` and so on: one for each card, made by NVIDIA's driver when it takes the card."""


def count_accelerators(devices: Path = Path("/dev")) -> int:
    """Return the number of cards that a driver serves; whether inference loads there is not asked.

    Blocks, but not for long. Integrated accelerators have no such file and are not counted.
    """
    try:
        return sum(CARD.fullmatch(entry.name) is not None for entry in devices.iterdir())
    except OSError:
        return 0
