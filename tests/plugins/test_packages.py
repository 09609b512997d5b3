"""The algorithm packages that ship hold what their manifests say."""

import hashlib

import pytest

from benchmarks.installed import PACKAGES
from cad.domain.packages import ListedFile
from cad.wire.manifest import MANIFEST_NAME, read_manifest

FOLDERS = sorted(path.parent.name for path in PACKAGES.glob(f"*/{MANIFEST_NAME}"))


def listed_files(name: str) -> tuple[ListedFile, ...]:
    return read_manifest((PACKAGES / name / MANIFEST_NAME).read_bytes()).files


@pytest.mark.parametrize("name", FOLDERS)
def test_every_file_is_listed_with_its_digest(name: str) -> None:
    folder = PACKAGES / name
    listed = {file.path: (file.size_bytes, file.sha256) for file in listed_files(name)}
    there = {
        path.name: (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in folder.iterdir()
        if path.name != MANIFEST_NAME
    }
    assert listed == there


@pytest.mark.parametrize("name", FOLDERS)
def test_licence_and_origin_travel_with_the_model(name: str) -> None:
    assert {"LICENSE", "ORIGIN.md"} <= {file.path for file in listed_files(name)}


def test_the_detectors_ship() -> None:
    assert {"person_detect", "person_detect_fp32", "pedestrian_ssd"} <= set(FOLDERS)
