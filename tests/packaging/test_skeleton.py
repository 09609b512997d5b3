"""The folder with which a package begins."""

import json
from pathlib import Path

import pytest

from cad.base.errors import BadValueError
from cad.packaging.skeleton import write_skeleton
from cad.wire.manifest import read_manifest


@pytest.mark.parametrize(
    ("stem", "code"),
    [
        ("yolov8n", "OPEN-YOLOV8N-1.0.0"),
        ("Person Detect.v2", "OPEN-PERSON_DETECT_V2-1.0.0"),
        ("人", "OPEN-ALGORITHM-1.0.0"),
    ],
)
def test_a_skeleton_is_a_manifest_as_it_stands(tmp_path: Path, stem: str, code: str) -> None:
    (tmp_path / f"{stem}.onnx").write_bytes(b"model")
    path = write_skeleton(tmp_path / f"{stem}.onnx", tmp_path / "new")
    manifest = read_manifest(path.read_bytes())
    assert [algorithm.code for algorithm in manifest.algorithms] == [code]
    assert (tmp_path / "new" / manifest.algorithms[0].model_path).read_bytes() == b"model"


def test_what_has_to_be_decided_is_explained(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"model")
    text = write_skeleton(tmp_path / "m.onnx", tmp_path / "new").read_text()
    model = json.loads(text)["algoPackages"][0]["model"]
    assert "nanodet, yolox" in model["//decoder"]


def test_nothing_is_overwritten_and_nothing_made_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadValueError, match=r"^model: expected an ONNX file"):
        write_skeleton(tmp_path / "m.onnx", tmp_path / "new")
    (tmp_path / "m.onnx").write_bytes(b"model")
    with pytest.raises(BadValueError, match=r"^folder: expected a folder that is not there"):
        write_skeleton(tmp_path / "m.onnx", tmp_path)
