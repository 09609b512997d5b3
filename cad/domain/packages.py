"""File packages (算法封装文件) and algorithm packages (算法包) as they are kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import NamedTuple

from cad.domain.ids import FilePackageId, ServiceId, TaskId
from cad.domain.models import ModelSpec, PreparedModel


class FilePackageState(IntEnum):
    """`status` of a file package (AM-89)."""

    AVAILABLE = 0
    DOWNLOADING = 1
    VERIFYING = 2
    FAILED = 3
    DELETING = 4


class PackageType(StrEnum):
    """`algoPackageType` (Table I.14)."""

    BIN = "BIN"
    ENGINE = "ENGINE"


class PackageState(StrEnum):
    """`status` of an algorithm package (Table I.14)."""

    RUNNING = "RUNNING"
    STOPPED = "STOPPED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What one instance carries on one kind of card (`algo_runtime.gpu[]`, AM-88)."""

    vendor: str
    accelerator: str
    quota: float
    limit: float
    resolution: str
    stream_video_quota: int
    stream_capture_quota: int
    analyze_quota: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlgorithmManifest:
    """One element of `algoPackages` of a manifest, checked."""

    code: ServiceId
    name: str
    version: str
    kind: PackageType
    cabin_name: str
    event_types: tuple[str, ...]
    """Empty = any event type may be asked for (AM-111)."""
    model_path: str
    """`bin.local_uri`: the model inside the archive."""
    model: ModelSpec
    env: Mapping[str, str] = field(default_factory=dict)
    capacities: tuple[Capacity, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFile:
    """One element of `files` of a manifest: what a file of the archive must be."""

    path: str
    """Relative to the root of the archive, `/` between its parts."""
    size_bytes: int
    sha256: str
    """64 hex digits, lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageManifest:
    """The manifest of a file package, checked (AM-91)."""

    id: str
    """The maker's own id, a UUID as a rule; not the number under which it is pushed."""
    name: str
    version: str
    author: str
    description: str
    tags: tuple[str, ...] = ()
    algorithms: tuple[AlgorithmManifest, ...]
    files: tuple[ListedFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PushOrder:
    """A file package that the platform wants on this device (Table I.8)."""

    file_package_id: FilePackageId
    auth_address: str = ""
    """Licence server; empty = the default of AM-120."""
    license_file: str = ""
    url: str = ""
    """Extension member: where the archive is; may hold credentials. Empty = the platform's own
    content path (AM-119)."""
    md5: str = ""
    """Extension member: digest of the archive, as it was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePackage:
    """A file package on this device."""

    file_package_id: FilePackageId
    state: FilePackageState
    reason: str = ""
    """Why it FAILED or its download pauses; of an AVAILABLE one, why its licence is missing, and
    which codes have another model elsewhere."""
    received_bytes: int = 0
    total_bytes: int = 0
    """0 = not known yet."""
    name: str = ""
    version: str = ""
    url: str = ""
    """Extension member of I.2; may hold credentials."""
    md5: str = ""
    archive_md5: str = ""
    """Of the archive that came, if it was ordered without; lower case."""
    auth_address: str = ""
    license_file: str = ""
    created_at: datetime
    algorithms: tuple[AlgorithmManifest, ...] = ()


class OperationState(StrEnum):
    """Where the installation or removal of an algorithm package stands."""

    WORKING = "working"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlgoPackage:
    """An algorithm package that is installed or being installed."""

    code: ServiceId
    file_package_id: FilePackageId
    manifest: AlgorithmManifest
    state: PackageState
    operation: OperationState = OperationState.DONE
    step: str = ""
    """The step at work, or the one that failed."""
    reason: str = ""
    """Why it is STOPPED."""
    args: str = ""
    settings: "ServiceSettings"
    prepared: PreparedModel | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    """What the algorithm gets as its environment: of package, runtime and licence (AM-120)."""
    replaced_by: ServiceId | None = None
    """The package that its tasks run on since an upgrade; it is an alias of that one."""
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """What `args` of an installation may set (AM-122); None = as the manifest says."""

    score_threshold: float | None = None
    nms_iou: float | None = None
    max_batch: int | None = None
    keep: tuple[str, ...] | None = None
    xpu_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOrder:
    """What an analysis worker needs to serve an algorithm."""

    service_id: ServiceId
    model: ModelSpec
    settings: ServiceSettings
    prepared: PreparedModel


class TaskHealth(NamedTuple):
    """What became of the pictures of a live task so far."""

    received: int
    analysed: int
    analysing: bool
    """Whether the last one was analysed a short time ago."""
    patience: float
    """Seconds without an analysed picture after which the task has stalled."""
    asked: float = 0.0
    """Pictures to be analysed in a second; 0 = all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceHealth:
    """How an algorithm does at one moment."""

    fault: str = ""
    """Why a worker does not serve it; empty = all is well."""
    deaths: int = 0
    """Workers that ended by their own doing while it was at work there; only grows."""
    tasks: Mapping[TaskId, TaskHealth] = field(default_factory=dict)


class Operation(StrEnum):
    """What changes packages in several steps."""

    PUSH = "push"
    DELETE = "delete"
    INSTALL = "install"
    LICENSE = "license"
    """A licence that is fetched again for an available file package."""
    UPGRADE = "upgrade"
    """An installation that takes over the tasks of a running package, on trial at first."""
    UNINSTALL = "uninstall"


class Step(StrEnum):
    """A step of an operation; each can be repeated after it was cut off at any point."""

    DOWNLOAD = "download"
    VERIFY = "verify"
    UNPACK = "unpack"
    LICENSE = "license"
    PUBLISH = "publish"
    PREPARE = "prepare"
    COMMIT = "commit"
    SERVE = "serve"
    SWITCH = "switch"
    WATCH = "watch"
    WITHDRAW = "withdraw"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """An operation under way: kept from before its first step until after its last."""

    operation: Operation
    subject: FilePackageId | ServiceId
    """The file package, or the algorithm package."""
    step: Step
    """The step that was begun last."""
    starts: int = 1
    """How often it was begun: once, and once more after each crash. A download that is gone on
    with does not count."""
    previous: AlgoPackage | None = None
    """INSTALL, UPGRADE: what undoing it brings back; None = nothing was installed before."""
    replaces: ServiceId | None = None
    """UPGRADE: the running package whose tasks it takes over."""
    is_named: bool = False
    """UPGRADE: the order names `replaces`; it was not found by its version."""


PackageRecord = FilePackage | AlgoPackage | JournalEntry
"""What is kept of packages over restarts."""
