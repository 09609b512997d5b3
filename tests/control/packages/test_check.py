"""A check finds what a push would refuse."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cad.control.packages.check import Checker
from cad.domain.models import PreparedModel
from cad.protocols.worker.preparation import PrepareRequest
from cad.wire.package_check import PackageCheck
from tests.control.packages.archives import package_archive, package_folder
from tests.control.packages.test_content import FILES, listing, members, packed

ONLY_THE_SAMPLE = listing(files=json.loads(listing())["files"][1:])
PREPARED = PreparedModel(
    digest="d",
    provider="CPUExecutionProvider",
    compiled_dir="/x",
    cpu_seconds_per_frame=0.01,
    sample_boxes=2,
)


class Contented:
    """Prepares anything."""

    async def prepare(
        self, request: PrepareRequest, on_step: Callable[[str], None]
    ) -> PreparedModel:
        on_step("load")
        return PREPARED


async def check(path: Path, *, strict: bool = False, limit_bytes: int = 2**30) -> PackageCheck:
    def hear(*_step: str) -> None:
        return None

    checker = Checker(
        preparer=Contented(),
        accelerator="auto",
        limit_bytes=limit_bytes,
        strict=strict,
        on_step=hear,
    )
    return await checker.check(path)


def folder_of(path: Path, entries: list[tuple[str, bytes]]) -> Path:
    path.mkdir()
    for name, data in entries:
        (path / name).write_bytes(data)
    return path


FORMS = pytest.mark.parametrize("make", [packed, folder_of])
Make = Callable[[Path, list[tuple[str, bytes]]], Path]


@FORMS
async def test_a_manifest_whose_files_omit_the_model_is_refused(tmp_path: Path, make: Make) -> None:
    found = await check(make(tmp_path / "x.tar.gz", members(text=ONLY_THE_SAMPLE)))
    assert "bin.local_uri" in str(found.problem)


@FORMS
@pytest.mark.parametrize("strict", [True, False])
async def test_unlisted_files_are_refused_in_strict_mode(
    tmp_path: Path, make: Make, strict: bool
) -> None:
    found = await check(make(tmp_path / "x.tar.gz", members(("more", b"x"))), strict=strict)
    assert found.is_good is not strict


@FORMS
async def test_too_much_content_is_refused(tmp_path: Path, make: Make) -> None:
    small = sum(map(len, FILES.values())) - 1
    found = await check(make(tmp_path / "x.tar.gz", members()), limit_bytes=small)
    assert "bytes" in str(found.problem)


@pytest.mark.parametrize("make", [package_folder, package_archive])
async def test_a_good_package_is_good(tmp_path: Path, make: Any) -> None:
    package = await asyncio.to_thread(make, tmp_path / "package")
    assert (await check(package)).is_good


async def test_a_path_where_nothing_is_is_told(tmp_path: Path) -> None:
    assert "path" in str((await check(tmp_path / "absent")).problem)
