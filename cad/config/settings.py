"""Every setting, its unit and its default; `config/cad.toml` says why each is what it is."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

from cad.base.errors import BadValueError
from cad.domain.dialects import find_dialect
from cad.domain.profiles import find_profile

Port = Annotated[int, Field(ge=1, le=65535)]
ListeningPort = Annotated[int, Field(ge=0, le=65535)]
"""0 = any free port, said in the log; for demonstrations and tests."""
Seconds = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """A table of `cad.toml`: frozen, and a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MachineSettings(Section):
    """What this device is."""

    code: str = Field(default="machine_code", pattern=r"^[A-Za-z0-9._-]{1,128}$")
    data_dir: Path = Path("/var/lib/cad")
    time_zone: str = "Asia/Shanghai"
    strict: bool = False
    dialect: str = "standard"
    profiles: tuple[str, ...] = ()

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:

        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("expected a zone of the tz database such as Asia/Shanghai") from error
        return value

    @field_validator("dialect")
    @classmethod
    def _known_dialect(cls, value: str) -> str:
        return _found(value, find_dialect)

    @field_validator("profiles")
    @classmethod
    def _known_profiles(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_found(name, find_profile) for name in value)


def _found(name: str, find: Callable[[str], object]) -> str:
    try:
        find(name)
    except BadValueError as error:
        raise ValueError(error.expected) from error
    return name


class ApiSettings(Section):
    """The HTTP API towards the platform, and the local socket."""

    host: str = "0.0.0.0"
    port: ListeningPort = 8123
    tls_cert: str = ""
    tls_key: str = ""
    client_ca: str = ""
    allow_http: bool = False
    basic: bool = True
    secret_grace_hours: float = Field(default=24, ge=0, le=24 * 365)
    key_rotation_days: float = Field(default=30, gt=0, le=3650)
    username: str = Field(
        default="admin", min_length=1, max_length=128, pattern=r"^[^:\x00-\x1f]+$"
    )
    password: str = ""
    password_file: str = ""
    socket: Path = Path("/run/cad/cad.sock")
    max_body_mb: float = Field(default=8, gt=0, le=1024)


class PlatformSettings(Section):
    """The management platform (算法算力服务管理平台)."""

    url: str = Field(default="", pattern=r"^(https?://[^\s/?#]+/?)?$")
    interface: Literal["CAD"] = "CAD"
    advertise_host: str = ""
    expires: int = Field(default=60, ge=10, le=86400)
    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""
    sm2_public_key: str = ""
    sm2_encoding: Literal["04C1C3C2", "C1C3C2", "04C1C2C3", "C1C2C3", "DER"] = "04C1C3C2"
    sm2_text: Literal["hex", "HEX", "base64"] = "hex"
    sm2_charset: Literal["utf-8", "gbk"] = "utf-8"
    client_id: str = ""
    client_secret: str = ""
    content_path: str = "/ACP/AlgoFilePackages/{algoFilePackageId}/content"
    download_hosts: tuple[str, ...] = ()
    auth_port: Port = 8080


class PackageSettings(Section):
    """Algorithm packages."""

    max_size_mb: int = Field(default=20480, gt=0)
    watch_seconds: Seconds = 300


class IngestSettings(Section):
    """Where video comes from."""

    file_dirs: tuple[str, ...] = ("/var/lib/cad/media",)
    rtsp_transport: Literal["tcp", "udp"] = "tcp"
    open_timeout: Seconds = 10
    silence_timeout: Seconds = 10
    give_up: Seconds = 60


class AnalysisSettings(Section):
    """The analysis workers."""

    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    workers: int = Field(default=0, ge=0)


class EventSettings(Section):
    """The durable outbox."""

    outbox_limit_mb: float = Field(default=1024, gt=0)


class KafkaSettings(Section):
    """How Kafka brokers are spoken to; which ones, the tasks say (`mqDest`)."""

    security: Literal["", "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = ""
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    username: str = ""
    password_file: str = ""
    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""

    @property
    def uses_tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.security in {"SSL", "SASL_SSL"}

    @property
    def uses_sasl(self) -> bool:
        """Whether this device logs in."""
        return self.security.startswith("SASL_")


class ObjectSettings(Section):
    """The object store (S3) for the pictures of events (`imageDest`)."""

    endpoint: str = Field(default="", pattern=r"^(https?://[^\s/?#@]+/?)?$")
    access_key: str = ""
    secret_key_file: str = ""
    region: str = "us-east-1"
    ca_file: str = ""


class Settings(Section):
    """The whole configuration, read once and handed down by section."""

    machine: MachineSettings = MachineSettings()
    api: ApiSettings = ApiSettings()
    platform: PlatformSettings = PlatformSettings()
    packages: PackageSettings = PackageSettings()
    ingest: IngestSettings = IngestSettings()
    analysis: AnalysisSettings = AnalysisSettings()
    events: EventSettings = EventSettings()
    kafka: KafkaSettings = KafkaSettings()
    objects: ObjectSettings = ObjectSettings()
