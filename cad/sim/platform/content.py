"""The content of file packages for download: ranges, validators, digests (AM-119)."""

import asyncio
import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from typing_extensions import override

from cad.base.errors import NotFoundError

CONTENT = "/ACP/AlgoFilePackages/{id}/content"


@dataclass(frozen=True, slots=True)
class FilePackageContent:
    """An archive that devices may fetch."""

    file_package_id: int
    path: Path
    size: int
    md5: str
    sha256: str
    etag: str
    """As `web.FileResponse` makes it, without quotes."""

    @property
    def headers(self) -> dict[str, str]:
        """Digests of the whole archive, also with a part of it (RFC 9530)."""
        sha256 = base64.b64encode(bytes.fromhex(self.sha256)).decode()
        return {"Repr-Digest": f"sha-256=:{sha256}:"}


class FilePackageLibrary:
    """The file packages that the platform offers, by number."""

    def __init__(self) -> None:
        self._packages: dict[int, FilePackageContent] = {}
        self.ranges: list[str | None] = []
        """The Range header of every request, in order."""

    async def offer(self, file_package_id: int, path: Path) -> FilePackageContent:
        """Offer the archive at `path` under a number."""
        content = await asyncio.to_thread(_measured, file_package_id, path)
        self._packages[file_package_id] = content
        return content

    async def serve(self, request: web.Request) -> web.FileResponse:
        """Answer a download; ranges, If-Range and conditional requests are the server's own.

        Raises:
            NotFoundError: no such package is offered.
        """
        self.ranges.append(request.headers.get("Range"))
        number = request.match_info["id"]
        content = self._packages.get(int(number)) if number.isdecimal() else None
        if content is None:
            raise NotFoundError("no such file package", field="algoFilePackageId", given=number)
        return _Content(content)


class _Content(web.FileResponse):
    """A download whose If-Range may be an entity tag; the base class understands only dates."""

    def __init__(self, content: FilePackageContent) -> None:
        super().__init__(content.path, headers=content.headers)
        self._current = f'"{content.etag}"'

    @override
    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        condition = request.headers.get("If-Range", "")
        if condition.startswith(('"', "W/")) and condition != self._current:
            headers = request.headers.copy()
            headers.popall("Range", None)
            request = request.clone(headers=headers)
        return await super().prepare(request)


def _measured(file_package_id: int, path: Path) -> FilePackageContent:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    stat = path.stat()
    etag = f"{stat.st_mtime_ns:x}-{stat.st_size:x}"
    return FilePackageContent(file_package_id, path, stat.st_size, md5, sha256, etag)
