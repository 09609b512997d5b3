"""Machines and their state (Annex H). H.2–H.4 are called on the platform, H.5 on the device."""

from typing import Annotated, Self

from pydantic import Field, field_validator

from cad.domain.views import HostFigures
from cad.wire.annex_i_packages import MachineAlgoPackage
from cad.wire.model import AlsoRead, AlsoWritten, Name, Text, WireModel

MACHINE = "/CAD/machine"
REGISTER = "/CAD/machine/register"
UNREGISTER = "/CAD/machine/unregister"
KEEPALIVE = "/CAD/machine/keepalive"
STATUS = "/CAD/machine/status"
SM2_KEY = "/ACP/keys/sm2"
"""Extension: the platform's public key (AM-82)."""

GIB = 2**30


class RegisterRequest(WireModel):
    """Announces the machine and how the platform reaches it (Table H.6)."""

    code: Annotated[Name, AlsoWritten("deviceCode")]
    ip: Annotated[str, Field(min_length=1, max_length=255)]
    port: Annotated[int, Field(ge=1, le=65535)]
    username: Text | None = None
    password: Text | None = Field(default=None, repr=False)
    password_enc: Text | None = None
    """Extension: `SM2` = the password is encrypted (AM-82)."""


class UnRegisterRequest(WireModel):
    """Takes the machine off the platform's books (Table H.7; credentials AM-114)."""

    code: Annotated[Name, AlsoWritten("deviceCode")]
    username: Text | None = None
    password: Text | None = Field(default=None, repr=False)
    password_enc: Text | None = None
    """Extension: `SM2` = the password is encrypted (AM-82)."""


class KeepaliveRequest(WireModel):
    """Renews the machine's lease (Table H.8, AM-79)."""

    code: Annotated[Name, AlsoWritten("deviceCode")]
    expires: Annotated[int, Field(ge=1, le=86400)]
    """Seconds without a message after which the machine counts as lost."""


class MachineStatusRequest(WireModel):
    """Asks one machine for its state (H.5; the tables name no structure)."""

    device_code: Annotated[Name, AlsoRead("code")]


class DeviceInfo(WireModel):
    """State and resources of the machine (Table H.10). Figures are decimal strings."""

    device_code: Annotated[str, AlsoWritten("code")]
    is_online: bool
    cpu_utilization: str | None = None
    """0..1; "0.11" means 11 %."""
    mem_usage: str | None = None
    """GB of 2^30 bytes, as the three below (AM-18)."""
    mem_free: str | None = None
    disk_usage: str | None = None
    disk_free: str | None = None
    algo_packages: list[MachineAlgoPackage] | None = None
    """Extension (AM-115)."""
    tasks: int | None = None
    """Extension: number of analysis tasks (AM-115)."""

    @field_validator("cpu_utilization", "mem_usage", "mem_free", "disk_usage", "disk_free")
    @classmethod
    def _without_blanks(cls, figure: str | None) -> str | None:
        return None if figure is None else figure.strip()

    @classmethod
    def from_figures(
        cls,
        code: str,
        figures: HostFigures,
        *,
        is_online: bool,
        packages: list[MachineAlgoPackage],
        tasks: int,
    ) -> Self:
        """Return what the device answers."""
        return cls(
            device_code=code,
            is_online=is_online,
            cpu_utilization=f"{figures.cpu_utilization:.4f}",
            mem_usage=_gigabytes(figures.memory_used_bytes),
            mem_free=_gigabytes(figures.memory_free_bytes),
            disk_usage=_gigabytes(figures.disk_used_bytes),
            disk_free=_gigabytes(figures.disk_free_bytes),
            algo_packages=packages,
            tasks=tasks,
        )


def _gigabytes(size_bytes: int) -> str:
    return f"{size_bytes / GIB:.3f}"
