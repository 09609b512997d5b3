"""Which annex a path belongs to: the envelope of its answers, and its name if it is not served."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from cad.wire.envelope import ANNEX_D, ANNEX_G, ANNEX_H, ANNEX_I, LOCAL
from cad.wire.oauth import OAUTH, AnswerStyle

_ANY = "*"


@dataclass(frozen=True, slots=True)
class Annex:
    """The calls whose paths begin with `prefix`, in which `*` stands for any one segment."""

    prefix: str
    style: AnswerStyle
    unserved: str = ""
    """Its name, if this version serves none of its calls."""

    def has(self, segments: Sequence[str]) -> bool:
        """Whether the path of these segments, in lower case and without verbs, belongs to it."""
        own = _segments(self.prefix)
        pairs = zip(own, segments, strict=False)
        return len(segments) >= len(own) and all(mine in {_ANY, given} for mine, given in pairs)


_CLUSTERS = "Annex A (computing clusters)"
_WORKLOADS = "Annex B (workloads of computing clusters)"
_MONITORS = "Annex C (monitors of computing clusters)"
_CAPABILITY_DEVICE = "Annex D (registration and state of a capability device)"
_CAPABILITY_PACKAGES = "Annex E (algorithm packages of a capability device)"

# The first that fits counts. A to C print the envelope of I, E and F that of G (AM-01, AM-02).
ANNEXES = (
    Annex("/CCP/clusters", ANNEX_I, _CLUSTERS),
    Annex("/CCP/cluster/nodes", ANNEX_I, _CLUSTERS),
    Annex("/CCP/algoservice", ANNEX_I, _WORKLOADS),
    Annex("/CCP/cluster/monitors", ANNEX_I, _MONITORS),
    Annex("/CCP/node/monitors", ANNEX_I, _MONITORS),
    Annex("/ACP", ANNEX_D, _CAPABILITY_DEVICE),
    Annex("/CAP/Status", ANNEX_D, _CAPABILITY_DEVICE),
    Annex("/CAP/AlgoFilePackages", ANNEX_G, _CAPABILITY_PACKAGES),
    Annex("/CAP/AlgoPackages", ANNEX_G, _CAPABILITY_PACKAGES),
    Annex("/CAP/AlgoServices", ANNEX_G, "Annex F (algorithm services)"),
    Annex("/CAP", ANNEX_G),
    Annex("/CAD/machine/algoTasks", ANNEX_G),
    Annex("/CAD/machine/status", ANNEX_H),
    Annex("/VIID", ANNEX_I, "GA/T 1400 (VIID)"),
    Annex("/v2/*/algorithm", ANNEX_I, "the Huawei Cloud VIAS interface"),
    Annex("/zstack", ANNEX_I, "the ZStack interface"),
    Annex("/local", LOCAL),
    Annex("/oauth2", OAUTH),
)
_OTHER = Annex("", ANNEX_I)


def annex_of(raw_path: str) -> Annex:
    """Return the annex that a path belongs to, whether it is served or not; never fails."""
    segments = [unquote(segment).partition(":")[0] for segment in _segments(raw_path)]
    return next((annex for annex in ANNEXES if annex.has(segments)), _OTHER)


def _segments(path: str) -> tuple[str, ...]:
    return tuple(path.lower().strip("/").split("/"))
