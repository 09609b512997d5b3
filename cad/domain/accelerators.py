"""Names of AI cards (AM-17): one registry for the styles in which the standard writes them.

`NVIDIA_T4`, `NVidia A2`, and vendor `NVidia` with accelerator `2070` are compared by their letters
and digits only. The list of the standard's Part 5 is not public: a name that is not known here
passes through, and equals another one that is written with the same letters and digits.
"""

from collections.abc import Sequence
from typing import NamedTuple

from cad.domain.packages import Capacity


class Accelerator(NamedTuple):
    """A kind of card."""

    vendor: str
    model: str

    @property
    def xpu_type(self) -> str:
        """The name as `xpuType` has it."""
        return f"{self.vendor}_{self.model}".upper().replace(" ", "_")

    @property
    def gpu_type(self) -> str:
        """The name as `gpuType` has it."""
        return f"{self.vendor} {self.model}"


def _of(vendor: str, *models: str) -> tuple[Accelerator, ...]:
    return tuple(Accelerator(vendor, model) for model in models)


REGISTRY: Sequence[Accelerator] = (
    *_of("NVIDIA", "T4", "P4", "A2", "2070"),
    *_of("NVIDIA", "L4", "L20", "L40", "A10", "A16", "A30", "A40", "A100", "H20", "H100"),
    *_of("NVIDIA", "3060", "3080", "3090", "4060", "4080", "4090"),
    *_of("Huawei", "Ascend 310", "Ascend 310P", "Ascend 910B"),
    *_of("Cambricon", "MLU270", "MLU370"),
    *_of("Hygon", "Z100", "K100"),
)
"""Those that the standard prints come first."""

_FILLERS = ("GEFORCERTX", "GEFORCE", "RTX", "TESLA")
"""Names of product lines that drivers print and platforms leave out."""


def comparable(name: str) -> str:
    """Return what two names of one card have in common."""
    return "".join(letter for letter in name.upper() if letter.isascii() and letter.isalnum())


def find_accelerator(name: str) -> Accelerator | None:
    """Return the card called `name`, None if it is not known."""
    wanted = comparable(name)
    for filler in _FILLERS:
        wanted = wanted.replace(filler, "")
    return next((card for card in REGISTRY if comparable(card.gpu_type) == wanted), None)


def is_same_card(one: str, other: str) -> bool:
    """Return whether two names mean the same card."""
    if comparable(one) == comparable(other):
        return True
    card = find_accelerator(one)
    return card is not None and card == find_accelerator(other)


def capacities_on(card: str, capacities: Sequence[Capacity]) -> list[Capacity]:
    """Return what of a package's capacities (AM-88) holds for `card`; an empty name fits all."""
    return [
        capacity
        for capacity in capacities
        if not card or is_same_card(card, f"{capacity.vendor} {capacity.accelerator}")
    ]
