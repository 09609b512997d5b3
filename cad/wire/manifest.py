"""`manifest.json` of an algorithm file package (AM-91, and what a BIN package adds to it).

Members may be spelt in camelCase or snake_case (AM-87). What this version cannot run is refused by
its name, never accepted and left out.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator
from typing_extensions import override

from cad.base.errors import MissingFieldError, TooLargeError
from cad.domain.frames import Align, Color, Resize
from cad.domain.ids import ServiceId
from cad.domain.models import Layout, ModelInput, ModelSpec, NmsScope
from cad.domain.packages import (
    AlgorithmManifest,
    Capacity,
    ListedFile,
    PackageManifest,
    PackageType,
)
from cad.wire.annex_i_packages import PackageCode
from cad.wire.model import Long, Name, Number, Text, WireModel, read_json

MANIFEST_NAME = "manifest.json"
SIZE_LIMIT = 8 * 1024 * 1024


def read_manifest(text: bytes) -> PackageManifest:
    """Return what a `manifest.json` says.

    Raises:
        RefusedError: names the member at fault in dotted form, its value and what was expected.
    """
    if len(text) > SIZE_LIMIT:
        raise TooLargeError(
            f"expected at most {SIZE_LIMIT} bytes", field=MANIFEST_NAME, given=len(text)
        )
    return ManifestModel.read(read_json(text)).to_manifest()


def archive_path(text: str) -> str:
    """Return the path of a file inside an archive without `./`, or raise ValueError."""
    path = PurePosixPath(text)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in text or "\0" in text:
        raise ValueError("expected a relative path inside the archive, without ..")
    return path.as_posix()


ArchivePath = Annotated[Text, AfterValidator(archive_path)]
OptionalArchivePath = Annotated[
    Text, AfterValidator(lambda text: archive_path(text) if text else "")
]
Version = Annotated[Name, Field(pattern=r"^\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$")]
Side = Annotated[int, Field(ge=16, le=4096)]
Fraction = Annotated[Number, Field(ge=0, le=1)]
Quantity = Annotated[Number, Field(ge=0)]
Triple = tuple[Number, Number, Number]

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class SnakeModel(WireModel):
    """A structure whose printed member names are in snake_case (the examples of E.17)."""

    model_config = ConfigDict(alias_generator=str)

    @override
    @classmethod
    def named(cls, given: Mapping[str, object]) -> dict[str, object]:
        """Return `given` under the printed names, without null members."""
        return super().named({_HUMP.sub("_", name): value for name, value in given.items()})


class EnvModel(SnakeModel):
    """One environment variable."""

    name: Name
    value: Text = ""


class BinModel(SnakeModel):
    """Where the model is (`bin`)."""

    type: str
    local_uri: ArchivePath
    remote_uri: Text = ""

    @field_validator("type")
    @classmethod
    def _a_model(cls, value: str) -> str:
        if value not in {"onnx", "binary"}:
            raise ValueError(
                "expected onnx, or binary holding an ONNX model; "
                "this version runs no container images and no programs"
            )
        return value


class CapacitiesModel(SnakeModel):
    """Channels and requests that one instance carries (AM-88)."""

    stream_video_quota: Long = 0
    stream_capture_quota: Long = 0
    analyze_quota: Long = 0


class GpuModel(SnakeModel):
    """One supported card (`algo_runtime.gpu[]`)."""

    quota: Quantity = 0
    limit: Quantity = 0
    vendor: Text = ""
    accelerator: Text = ""
    resolution: Text = ""
    capacities: CapacitiesModel = CapacitiesModel()

    def to_capacity(self) -> Capacity:
        """Return the domain's value."""
        return Capacity(
            vendor=self.vendor,
            accelerator=self.accelerator,
            quota=self.quota,
            limit=self.limit,
            resolution=self.resolution,
            stream_video_quota=self.capacities.stream_video_quota,
            stream_capture_quota=self.capacities.stream_capture_quota,
            analyze_quota=self.capacities.analyze_quota,
        )


class RuntimeModel(SnakeModel):
    """How it runs (`algo_runtime`); `cmd` has no meaning for a model."""

    env: tuple[EnvModel, ...] = ()
    gpu: tuple[GpuModel, ...] = ()


class InputModel(SnakeModel):
    """What the plain model takes (`model.input`)."""

    width: Side
    height: Side
    resize: Resize = Resize.LETTERBOX
    color: Color = Color.RGB
    layout: Layout = Layout.NCHW
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)
    pad_value: Annotated[int, Field(ge=0, le=255)] = 0
    align: Align = Align.TOP_LEFT

    @field_validator("std")
    @classmethod
    def _divisors(cls, value: Triple) -> Triple:
        if 0 in value:
            raise ValueError("expected three numbers other than 0")
        return value

    def to_input(self) -> ModelInput:
        """Return the domain's value."""
        return ModelInput(
            width=self.width,
            height=self.height,
            resize=self.resize,
            color=self.color,
            layout=self.layout,
            mean=self.mean,
            std=self.std,
            pad_value=self.pad_value,
            align=self.align,
        )


class ModelModel(SnakeModel):
    """The model of a BIN package (`model`)."""

    task: str
    decoder: Name
    labels: Annotated[tuple[Name, ...], Field(min_length=1, max_length=65536)]
    keep: tuple[Name, ...] = ()
    max_batch: Annotated[int, Field(ge=1, le=256)] = 8
    score_threshold: Fraction = 0.4
    nms_iou: Fraction = 0.5
    nms: NmsScope = NmsScope.CLASS
    input: InputModel
    sample: OptionalArchivePath = ""
    stages: tuple[object, ...] = ()

    @field_validator("task")
    @classmethod
    def _detects(cls, value: str) -> str:
        if value != "detect":
            raise ValueError("expected detect; this version has no other kind of model")
        return value

    @field_validator("labels")
    @classmethod
    def _distinct(cls, value: Sequence[str]) -> Sequence[str]:
        _refuse_repeats(value, "labels")
        return value

    @field_validator("keep")
    @classmethod
    def _known(cls, value: Sequence[str], info: ValidationInfo) -> Sequence[str]:
        labels = info.data.get("labels")
        unknown = [name for name in value if labels is not None and name not in labels]
        if unknown:
            raise ValueError(f"expected names out of model.labels, not {unknown[0]!r}")
        return value

    @field_validator("stages")
    @classmethod
    def _single(cls, value: Sequence[object]) -> Sequence[object]:
        if value:
            raise ValueError("expected none; this version does not run stages (models on crops)")
        return value

    def to_spec(self) -> ModelSpec:
        """Return the domain's value."""
        return ModelSpec(
            task=self.task,
            decoder=self.decoder,
            labels=tuple(self.labels),
            keep=tuple(self.keep),
            max_batch=self.max_batch,
            score_threshold=self.score_threshold,
            nms_iou=self.nms_iou,
            nms=self.nms,
            input=self.input.to_input(),
            sample=self.sample,
        )


class AlgorithmModel(WireModel):
    """One element of `algoPackages`."""

    algo_package_code: PackageCode
    algo_package_name: Name
    algo_package_version: Version
    algo_package_type: PackageType
    algo_cabin_name: Name | None = None
    """Default: the package's name."""
    event_types: tuple[Name, ...] = ()
    bin: BinModel | None = None
    model: ModelModel
    algo_runtime: RuntimeModel | None = None

    @field_validator("algo_package_type")
    @classmethod
    def _runnable(cls, value: PackageType) -> PackageType:
        if value is PackageType.ENGINE:
            raise ValueError("expected BIN; this version runs no container images (ENGINE)")
        return value

    @field_validator("event_types")
    @classmethod
    def _distinct(cls, value: Sequence[str]) -> Sequence[str]:
        _refuse_repeats(value, "event types")
        return value


class FileModel(SnakeModel):
    """One element of `files`."""

    path: ArchivePath
    size: Long
    sha256: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{64}$")]

    def to_file(self) -> ListedFile:
        """Return the domain's value."""
        return ListedFile(path=self.path, size_bytes=self.size, sha256=self.sha256.lower())


class ManifestModel(WireModel):
    """The whole manifest; `bin`, `env` and `algo_runtime` here serve packages without their own."""

    manifest_version: Literal["1"] = "1"
    id: Name
    name: Name
    version: Version
    author: Text
    description: Text
    tags: tuple[Name, ...] = ()
    env: tuple[EnvModel, ...] = ()
    algo_packages: Annotated[tuple[AlgorithmModel, ...], Field(min_length=1, max_length=256)]
    bin: BinModel | None = None
    algo_runtime: RuntimeModel = RuntimeModel()
    files: Annotated[tuple[FileModel, ...], Field(max_length=100_000)] = ()

    @field_validator("algo_packages")
    @classmethod
    def _distinct_codes(cls, value: Sequence[AlgorithmModel]) -> Sequence[AlgorithmModel]:
        _refuse_repeats([package.algo_package_code for package in value], "package codes")
        return value

    @field_validator("files")
    @classmethod
    def _distinct_files(cls, value: Sequence[FileModel]) -> Sequence[FileModel]:
        _refuse_repeats([file.path for file in value], "paths")
        return value

    def to_manifest(self) -> PackageManifest:
        """Return the domain's value.

        Raises:
            MissingFieldError: a package has no `bin`, of its own or of the whole.
        """
        return PackageManifest(
            id=self.id,
            name=self.name,
            version=self.version,
            author=self.author,
            description=self.description,
            tags=tuple(self.tags),
            algorithms=tuple(
                self._algorithm(package, f"algoPackages[{index}]")
                for index, package in enumerate(self.algo_packages)
            ),
            files=tuple(file.to_file() for file in self.files),
        )

    def _algorithm(self, package: AlgorithmModel, field: str) -> AlgorithmManifest:
        source = package.bin or self.bin
        if source is None:
            raise MissingFieldError(f"{field}.bin", "where the model is")
        runtime = package.algo_runtime or self.algo_runtime
        return AlgorithmManifest(
            code=ServiceId(package.algo_package_code),
            name=package.algo_package_name,
            version=package.algo_package_version,
            kind=package.algo_package_type,
            cabin_name=package.algo_cabin_name or package.algo_package_name,
            event_types=tuple(package.event_types),
            model_path=source.local_uri,
            model=package.model.to_spec(),
            env={entry.name: entry.value for entry in (*self.env, *runtime.env)},
            capacities=tuple(card.to_capacity() for card in runtime.gpu),
        )


def _refuse_repeats(values: Sequence[str], what: str) -> None:
    repeated = [value for value, count in Counter(values).items() if count > 1]
    if repeated:
        raise ValueError(f"expected distinct {what}; {repeated[0]!r} is there more than once")
