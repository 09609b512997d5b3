"""Whether a prepared package may take the place of another at all, by what was measured. Pure."""

from cad.base.errors import CadError
from cad.domain.packages import AlgoPackage

CPU_PROVIDER = "CPUExecutionProvider"


class UnfitError(CadError):
    """A package was measured, and could not do what the one that it replaces does."""


def refuse_overload(new: AlgoPackage, former: AlgoPackage, pace: float, cores: int) -> None:
    """Raise UnfitError if `new`, on processors, is too slow for the tasks of `former`.

    Args:
        new: prepared.
        former: prepared.
        pace: pictures that `former` analyses in a second for its tasks.
        cores: processors that there are.
    """
    if new.prepared is None or former.prepared is None or new.prepared.provider != CPU_PROVIDER:
        return
    seconds, before = (p.prepared.cpu_seconds_per_frame for p in (new, former) if p.prepared)
    needed = seconds * pace
    if needed > cores and seconds > before:
        raise UnfitError(
            f"it takes {seconds:.3f} s for a picture ({former.code}: {before:.3f} s); the tasks "
            f"need {pace:.1f} pictures/s, that is {needed:.1f} processors, and there are {cores}"
        )


def refuse_blindness(new: AlgoPackage, former: AlgoPackage) -> None:
    """Raise UnfitError if `new` finds nothing on its own sample, and `former` did on its own."""
    if new.prepared is None or former.prepared is None or not new.manifest.model.sample:
        return
    found, before = new.prepared.sample_boxes, former.prepared.sample_boxes
    if found == 0 and before > 0:
        raise UnfitError(
            f"it finds 0 objects on its own sample at threshold "
            f"{new.manifest.model.score_threshold:g}; {former.code} finds {before} on its own at "
            f"{former.manifest.model.score_threshold:g}; to have it nevertheless, install it with "
            f"replaces = {former.code}"
        )
