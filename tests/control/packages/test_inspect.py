"""Checking an unpacked package against its manifest."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cad.base.errors import BadValueError, MissingFieldError, RefusedError
from cad.control.packages.inspect import inspect
from cad.control.packages.unpack import unpack
from tests.control.packages.archives import package_archive


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "unpacked"
    folder.mkdir()
    unpack(package_archive(tmp_path), folder, 10**6)
    return folder


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def refused_field(folder: Path) -> str:
    with pytest.raises(RefusedError) as caught:
        inspect(folder)
    return caught.value.field


def test_a_sound_package_passes(folder: Path) -> None:
    assert inspect(folder).algorithms[0].model_path == "model.onnx"


def test_no_manifest_is_named(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    with pytest.raises(MissingFieldError, match=r"manifest\.json: .* root of the archive"):
        inspect(folder)


def test_yaml_is_refused_by_name(folder: Path) -> None:
    (folder / "manifest.json").rename(folder / "manifest.yaml")
    with pytest.raises(BadValueError, match=r"manifest\.yaml: .*no YAML"):
        inspect(folder)


def test_a_manifest_one_level_down_is_pointed_at(folder: Path) -> None:
    (folder / "top").mkdir()
    (folder / "manifest.json").rename(folder / "top" / "manifest.json")
    with pytest.raises(BadValueError, match=r"given: top/manifest\.json"):
        inspect(folder)


def test_a_file_of_another_content_is_named(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"\x08\x07modem")
    assert refused_field(folder) == "files[0].sha256"


def test_a_file_of_another_size_is_named(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"\x08")
    assert refused_field(folder) == "files[0].size"


def test_a_listed_file_that_is_absent_is_named(folder: Path) -> None:
    (folder / "sample.jpg").unlink()
    assert refused_field(folder) == "files[1].path"


def test_a_model_that_is_absent_is_named(folder: Path) -> None:
    rewrite(folder, lambda m: m["algoPackages"][0]["bin"].update(local_uri="other.onnx"))
    assert refused_field(folder) == "algoPackages[0].bin.local_uri"


def test_a_sample_that_is_absent_is_named(folder: Path) -> None:
    rewrite(folder, lambda m: m["algoPackages"][0]["model"].update(sample="other.jpg"))
    assert refused_field(folder) == "algoPackages[0].model.sample"


@pytest.mark.parametrize(
    ("start", "kind"),
    [(b"\x7fELF\x02", "program for Linux"), (b"MZ\x90", "Windows"), (b"#!/bin/sh", "script")],
)
def test_a_foreign_binary_is_refused_by_what_it_is(folder: Path, start: bytes, kind: str) -> None:
    (folder / "model.onnx").write_bytes(start)
    rewrite(folder, lambda m: m.pop("files"))
    with pytest.raises(BadValueError, match=kind):
        inspect(folder)
