"""What `cadd check-package --json` finds about a package, for `cadctl package check`."""

from pydantic import Field

from cad.wire.model import Number, WireModel


class CheckedAlgorithm(WireModel):
    """One algorithm package after its dry run."""

    algo_package_code: str
    problem: str | None = None
    """Why it could not be installed here; absent = it could."""
    provider: str | None = None
    """The execution provider that it was compiled for."""
    seconds_per_frame: Number | None = None
    """Processor or device seconds for one picture."""
    sample_boxes: int | None = None
    """Objects found on the package's own sample, or on a grey picture."""


class PackageCheck(WireModel):
    """A file package as this device sees it."""

    path: str
    name: str | None = None
    version: str | None = None
    problem: str | None = None
    """Why the device would not take it; absent = it would."""
    algorithms: list[CheckedAlgorithm] = Field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether all of it could be installed."""
        return self.problem is None and all(each.problem is None for each in self.algorithms)
