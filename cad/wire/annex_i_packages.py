"""Algorithm file packages and algorithm packages on a machine (Annex I)."""

from typing import Annotated, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, field_validator

from cad.base.clock import local_text
from cad.base.redact import redact
from cad.domain.ids import FilePackageId
from cad.domain.packages import (
    AlgoPackage,
    FilePackage,
    FilePackageState,
    PackageState,
    PackageType,
    PushOrder,
)
from cad.wire.model import AlsoRead, Long, Name, Text, WireModel

FILE_PACKAGES = "/CAD/machine/algoFilePackages"
PACKAGES = "/CAD/machine/algoPackages"

PackageCode = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,126}$")]
"""`algoPackageCode` (I.4, AM-121): suggested form provider-NAME-version."""


def _absent_if_empty(given: object) -> object:
    return None if given == "" else given


class AlgoFilePackageRequest(WireModel):
    """Has the machine fetch a file package (Table I.8)."""

    algo_file_package_id: Long
    auth_address: Text = ""
    license_file: Text = ""
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
    args: Text = ""
    replaces: Text = ""
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

    algo_package_name: Text
    algo_package_type: PackageType
    algo_package_version: Text
    algo_package_code: Name
    status: PackageState | None = None
    created_date: Text | None = None
    """Local time with milliseconds (AM-14)."""
    status_reason: Text | None = None
    """Extension: why it is STOPPED."""
    operation: Text | None = None
    """Extension: `working`, `done` or `failed` — the last installation or removal."""
    step: Text | None = None
    """Extension: the step at work, or the one that failed."""
    algo_file_package_id: Long | None = None
    """Extension: the file package it came with."""
    replaced_by: Text | None = None
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


class MachineAlgoFilePackage(WireModel):
    """A file package on the machine (extension, AM-124; states of AM-89)."""

    algo_file_package_id: Long
    status: FilePackageState
    status_text: Text
    reason: Text | None = None
    received_bytes: Long
    total_bytes: Long | None = None
    """Absent = not known yet."""
    name: Text | None = None
    version: Text | None = None
    created_date: Text
    algo_package_codes: list[Name]

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
