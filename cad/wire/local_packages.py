"""Our own calls about packages under /local/v1: a technician with an archive on a stick."""

from pathlib import PurePosixPath

from pydantic import field_validator

from cad.wire.model import Long, Text, WireModel

FILE_PACKAGES = "/local/v1/filePackages"


class PushFileRequest(WireModel):
    """Has the device copy an archive that lies on it."""

    path: Text
    """Absolute; the daemon must be allowed to read it."""

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str) -> str:
        if not PurePosixPath(path).is_absolute() or "\0" in path:
            raise ValueError("expected the absolute path of an archive")
        return path


class PushedItem(WireModel):
    """The file package that was begun."""

    algo_file_package_id: Long
