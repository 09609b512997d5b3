"""Algorithm file packages and algorithm packages on a machine (Annex I)."""

import dataclasses
from typing import Annotated, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, field_validator
from typing_extensions import override

from cad.base.clock import local_text
from cad.base.redact import redact
from cad.domain.accelerators import capacities_on
from cad.domain.ids import FilePackageId
from cad.domain.packages import (
    AlgoPackage,
    Capacity,
    FilePackage,
    FilePackageState,
    PackageState,
    PackageType,
    PushOrder,
)
from cad.wire.model import AlsoRead, Long, Name, Number, PlainText, Text, WireModel

FILE_PACKAGES = "/CAD/machine/algoFilePackages"
PACKAGES = "/CAD/machine/algoPackages"

PackageCode = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,126}$")]
"""`algoPackageCode` (I.4, AM-121): suggested form provider-NAME-version."""


def _absent_if_empty(given: object) -> object:
    return None if given == "" else given


class AlgoFilePackageRequest(WireModel):
    """Has the machine fetch a file package (Table I.8)."""

    algo_file_package_id: Long
    auth_address: PlainText = ""
    license_file: PlainText = ""
    url: Text = ""
    """Extension: where the archive is (AM-119)."""
    md5: Text = ""
    """Extension: its digest (AM-119)."""

    @field_validator("url")
    @classmethod
    def _fetchable(cls, url: str) -> str:
        if url and urlsplit(url).scheme.lower() not in {"http", "https"}:
            raise ValueError("expected an http or https URL")
        return url

    def to_order(self) -> PushOrder:
        """Return the order in the domain's terms."""
        return PushOrder(
            file_package_id=FilePackageId(self.algo_file_package_id),
            auth_address=self.auth_address,
            license_file=self.license_file,
            url=self.url,
            md5=self.md5,
        )


class AlgoFilePackageIdRequest(WireModel):
    """Names one file package (Table I.9)."""

    algo_file_package_id: Annotated[Long, AlsoRead("id")]


class AlgoPackageInstallRequest(WireModel):
    """Has the machine install an algorithm package, which also starts it (Table I.10, AM-122)."""

    algo_package_code: PackageCode
    args: PlainText = ""
    replaces: PlainText = ""
    """Extension: the running package whose tasks this one takes over."""


class AlgoPackageCodeRequest(WireModel):
    """Names one algorithm package (Tables I.11, I.15)."""

    algo_package_code: Annotated[Name, AlsoRead("code")]
    force: bool = False
    """Extension of I.5: its tasks go with it."""


class AlgoPackageListRequest(WireModel):
    """Asks for the algorithm packages in one state, or all (Table I.12)."""

    status: Annotated[PackageState | None, BeforeValidator(_absent_if_empty)] = None


class MachineAlgoPackage(WireModel):
    """An algorithm package on the machine (Table I.14; its detail is the same, AM-123)."""

    algo_package_name: str
    algo_package_type: PackageType
    algo_package_version: str
    algo_package_code: str
    status: PackageState | None = None
    created_date: str | None = None
    """Local time with milliseconds (AM-14)."""
    status_reason: str | None = None
    """Extension: why it is STOPPED."""
    operation: str | None = None
    """Extension: `working`, `done` or `failed` — the last installation or removal."""
    step: str | None = None
    """Extension: the step at work, or the one that failed."""
    algo_file_package_id: int | None = None
    """Extension: the file package it came with."""
    replaced_by: str | None = None
    """Extension: the package on which its tasks run since an upgrade."""

    @classmethod
    def from_package(cls, package: AlgoPackage, zone: ZoneInfo) -> Self:
        """Return what the device answers."""
        return cls(
            algo_package_name=package.manifest.name,
            algo_package_type=package.manifest.kind,
            algo_package_version=package.manifest.version,
            algo_package_code=package.code,
            status=package.state,
            created_date=local_text(package.created_at, zone),
            status_reason=redact(package.reason) or None,
            operation=package.operation,
            step=package.step or None,
            algo_file_package_id=package.file_package_id,
            replaced_by=package.replaced_by,
        )


class CapacityItem(WireModel):
    """What one instance carries on one kind of card (`algo_runtime.gpu[]`, AM-88)."""

    vendor: str
    accelerator: str
    resolution: str
    quota: Number
    """Cards for each instance."""
    limit: Number
    """Cards at most; 0 = no limit."""
    stream_video_quota: int
    """Video channels at that resolution."""
    stream_capture_quota: int
    """Picture channels at that resolution."""
    analyze_quota: int
    """Requests per second."""

    @classmethod
    def from_capacity(cls, capacity: Capacity) -> Self:
        """Return what the device answers."""
        return cls(**dataclasses.asdict(capacity))


class MachineAlgoPackageDetail(MachineAlgoPackage):
    """An algorithm package with all that is known of it: extension members of I.7 (AM-123)."""

    algo_cabin_name: str = ""
    event_types: list[str] = Field(default_factory=list)
    """Empty = any event type may be asked for (AM-111)."""
    args: str | None = None
    environment: dict[str, str] = Field(default_factory=dict)
    """What the algorithm gets; values with secret-looking names are masked."""
    capacities: list[CapacityItem] = Field(default_factory=list)
    """On the card that `args` select, or on all."""
    provider: str | None = None
    """The execution provider that it was compiled for."""
    seconds_per_frame: Number | None = None
    """Processor or device seconds, measured at the installation."""
    sample_boxes: int | None = None
    """Objects found on the package's own sample."""

    @override
    @classmethod
    def from_package(cls, package: AlgoPackage, zone: ZoneInfo) -> Self:
        """Return what the device answers."""
        manifest, prepared = package.manifest, package.prepared
        capacities = capacities_on(package.settings.xpu_type, manifest.capacities)
        return cls(
            **MachineAlgoPackage.from_package(package, zone).model_dump(),
            algo_cabin_name=manifest.cabin_name,
            event_types=list(manifest.event_types),
            args=redact(package.args) or None,
            environment={name: _masked(name, text) for name, text in package.environment.items()},
            capacities=[CapacityItem.from_capacity(capacity) for capacity in capacities],
            provider=prepared.provider if prepared else None,
            seconds_per_frame=round(prepared.cpu_seconds_per_frame, 6) if prepared else None,
            sample_boxes=prepared.sample_boxes if prepared else None,
        )


def _masked(name: str, value: str) -> str:
    return redact(f"{name}={value}").removeprefix(f"{name}=")


class MachineAlgoFilePackage(WireModel):
    """A file package on the machine (extension, AM-124; states of AM-89)."""

    algo_file_package_id: int
    status: FilePackageState
    status_text: str
    reason: str | None = None
    received_bytes: int
    total_bytes: int | None = None
    """Absent = not known yet."""
    name: str | None = None
    version: str | None = None
    created_date: str
    algo_package_codes: list[str]

    @classmethod
    def from_file_package(cls, package: FilePackage, zone: ZoneInfo) -> Self:
        """Return what the device answers."""
        return cls(
            algo_file_package_id=package.file_package_id,
            status=package.state,
            status_text=package.state.name.lower(),
            reason=redact(package.reason) or None,
            received_bytes=package.received_bytes,
            total_bytes=package.total_bytes or None,
            name=package.name or None,
            version=package.version or None,
            created_date=local_text(package.created_at, zone),
            algo_package_codes=[algorithm.code for algorithm in package.algorithms],
        )
