"""The manifest of a file package: what is read, and what is refused by name."""

import contextlib
import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.base.errors import BadValueError, MissingFieldError, RefusedError, TooLargeError
from cad.domain.models import Layout
from cad.domain.packages import Capacity, ListedFile
from cad.wire.manifest import archive_path, read_manifest

GOOD: dict[str, Any] = {
    "manifestVersion": "1",
    "id": "7a90a32d-8ae8-4ffa-b000-07ef71058bab",
    "name": "person-detect",
    "version": "1.0.0",
    "author": "open",
    "description": "persons",
    "tags": ["person"],
    "env": [{"name": "A", "value": "1"}],
    "algoPackages": [
        {
            "algoPackageCode": "OPEN-PERSON_DETECT-1.0.0",
            "algoPackageName": "person detection",
            "algoPackageVersion": "1.0.0",
            "algoPackageType": "BIN",
            "algoCabinName": "person-detect",
            "eventTypes": ["INTRUSION", "LINE_CROSSING"],
            "bin": {"type": "onnx", "local_uri": "./model.onnx", "remote_uri": ""},
            "model": {
                "task": "detect",
                "decoder": "nanodet",
                "labels": ["person", "car"],
                "keep": ["person"],
                "max_batch": 4,
                "score_threshold": 0.3,
                "nms_iou": 0.6,
                "input": {"width": 416, "height": 320, "layout": "NHWC", "std": [57, 57.1, 58]},
                "sample": "sample.jpg",
            },
            "algo_runtime": {
                "cmd": "",
                "env": [{"name": "B", "value": "2"}],
                "gpu": [
                    {
                        "quota": 0.5,
                        "vendor": "NVidia",
                        "accelerator": "A2",
                        "resolution": "PIXELS_200W",
                        "capacities": {"stream_video_quota": 6},
                    }
                ],
            },
        }
    ],
    "files": [{"path": "model.onnx", "size": 7, "sha256": "AB" * 32}],
}

Path = tuple[str | int, ...]
ALGO: Path = ("algoPackages", 0)
MANDATORY: list[tuple[Path, str]] = [
    (("id",), "id"),
    (("name",), "name"),
    (("version",), "version"),
    (("author",), "author"),
    (("description",), "description"),
    (("algoPackages",), "algoPackages"),
    ((*ALGO, "algoPackageCode"), "algoPackages[0].algoPackageCode"),
    ((*ALGO, "algoPackageName"), "algoPackages[0].algoPackageName"),
    ((*ALGO, "algoPackageVersion"), "algoPackages[0].algoPackageVersion"),
    ((*ALGO, "algoPackageType"), "algoPackages[0].algoPackageType"),
    ((*ALGO, "bin"), "algoPackages[0].bin"),
    ((*ALGO, "bin", "type"), "algoPackages[0].bin.type"),
    ((*ALGO, "bin", "local_uri"), "algoPackages[0].bin.local_uri"),
    ((*ALGO, "model"), "algoPackages[0].model"),
    ((*ALGO, "model", "task"), "algoPackages[0].model.task"),
    ((*ALGO, "model", "decoder"), "algoPackages[0].model.decoder"),
    ((*ALGO, "model", "labels"), "algoPackages[0].model.labels"),
    ((*ALGO, "model", "input"), "algoPackages[0].model.input"),
    ((*ALGO, "model", "input", "width"), "algoPackages[0].model.input.width"),
    ((*ALGO, "model", "input", "height"), "algoPackages[0].model.input.height"),
    (("files", 0, "path"), "files[0].path"),
    (("files", 0, "size"), "files[0].size"),
    (("files", 0, "sha256"), "files[0].sha256"),
]
MODEL: Path = (*ALGO, "model")
BAD: list[tuple[Path, object, str]] = [
    (("manifestVersion",), "2", "manifestVersion"),
    (("version",), "one", "version"),
    (("algoPackages",), [], "algoPackages"),
    (("algoPackages",), {}, "algoPackages"),
    ((*ALGO, "algoPackageCode"), "../x", "algoPackages[0].algoPackageCode"),
    ((*ALGO, "algoPackageCode"), "a" * 128, "algoPackages[0].algoPackageCode"),
    ((*ALGO, "algoPackageType"), "ENGINE", "algoPackages[0].algoPackageType"),
    ((*ALGO, "eventTypes"), ["A", "A"], "algoPackages[0].eventTypes"),
    ((*ALGO, "bin", "type"), "image", "algoPackages[0].bin.type"),
    ((*ALGO, "bin", "local_uri"), "../x", "algoPackages[0].bin.local_uri"),
    ((*ALGO, "bin", "local_uri"), "/etc/passwd", "algoPackages[0].bin.local_uri"),
    ((*ALGO, "bin", "local_uri"), "", "algoPackages[0].bin.local_uri"),
    ((*MODEL, "task"), "classify", "algoPackages[0].model.task"),
    ((*MODEL, "labels"), [], "algoPackages[0].model.labels"),
    ((*MODEL, "labels"), ["a", "a"], "algoPackages[0].model.labels"),
    ((*MODEL, "keep"), ["dog"], "algoPackages[0].model.keep"),
    ((*MODEL, "max_batch"), 0, "algoPackages[0].model.max_batch"),
    ((*MODEL, "score_threshold"), 1.5, "algoPackages[0].model.score_threshold"),
    ((*MODEL, "nms_iou"), float("nan"), "algoPackages[0].model.nms_iou"),
    ((*MODEL, "nms"), "none", "algoPackages[0].model.nms"),
    ((*MODEL, "stages"), [{"on": "car"}], "algoPackages[0].model.stages"),
    ((*MODEL, "sample"), "../s.jpg", "algoPackages[0].model.sample"),
    ((*MODEL, "input", "width"), 15, "algoPackages[0].model.input.width"),
    ((*MODEL, "input", "height"), 4097, "algoPackages[0].model.input.height"),
    ((*MODEL, "input", "resize"), "crop", "algoPackages[0].model.input.resize"),
    ((*MODEL, "input", "std"), [1, 0, 1], "algoPackages[0].model.input.std"),
    ((*MODEL, "input", "mean", 1), float("inf"), "algoPackages[0].model.input.mean[1]"),
    ((*MODEL, "input", "pad_value"), 256, "algoPackages[0].model.input.pad_value"),
    (("files", 0, "sha256"), "zz", "files[0].sha256"),
    (("files", 0, "size"), -1, "files[0].size"),
]


def text(manifest: object) -> bytes:
    return json.dumps(manifest).encode()


def changed(path: Path, change: Callable[[Any, Any], None]) -> dict[str, Any]:
    manifest = copy.deepcopy(GOOD)
    manifest["algoPackages"][0]["model"]["input"]["mean"] = [0, 0, 0]
    parent: Any = manifest
    for step in path[:-1]:
        parent = parent[step]
    change(parent, path[-1])
    return manifest


@pytest.mark.row("PKG-01")
def test_a_whole_manifest_is_understood() -> None:
    manifest = read_manifest(text(GOOD))
    (algorithm,) = manifest.algorithms
    assert (manifest.name, manifest.version, manifest.tags) == (
        "person-detect",
        "1.0.0",
        ("person",),
    )
    assert (algorithm.code, algorithm.cabin_name) == ("OPEN-PERSON_DETECT-1.0.0", "person-detect")
    assert algorithm.event_types == ("INTRUSION", "LINE_CROSSING")
    assert algorithm.model_path == "model.onnx"
    assert algorithm.env == {"A": "1", "B": "2"}
    assert manifest.files == (ListedFile(path="model.onnx", size_bytes=7, sha256="ab" * 32),)


def test_the_model_is_understood() -> None:
    model = read_manifest(text(GOOD)).algorithms[0].model
    assert (model.decoder, model.labels, model.keep) == ("nanodet", ("person", "car"), ("person",))
    assert (model.max_batch, model.score_threshold, model.nms_iou) == (4, 0.3, 0.6)
    assert (model.input.width, model.input.height) == (416, 320)
    assert (model.input.layout, model.input.std) == (Layout.NHWC, (57, 57.1, 58))


def test_capacities_are_understood() -> None:
    assert read_manifest(text(GOOD)).algorithms[0].capacities == (
        Capacity(
            vendor="NVidia",
            accelerator="A2",
            quota=0.5,
            limit=0,
            resolution="PIXELS_200W",
            stream_video_quota=6,
            stream_capture_quota=0,
            analyze_quota=0,
        ),
    )


def other_case(value: Any) -> Any:
    if isinstance(value, dict):
        return {swapped(key): other_case(item) for key, item in value.items()}
    return [other_case(item) for item in value] if isinstance(value, list) else value


def swapped(name: str) -> str:
    if "_" in name:
        head, *rest = name.split("_")
        return head + "".join(part.title() for part in rest)
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def test_both_spellings_of_every_member_mean_the_same() -> None:
    assert read_manifest(text(other_case(GOOD))) == read_manifest(text(GOOD))


def test_unknown_members_are_ignored_and_null_counts_as_absent() -> None:
    manifest = copy.deepcopy(GOOD) | {"license": {"authRequired": False}}
    manifest["algoPackages"][0]["algoCabinName"] = None
    assert read_manifest(text(manifest)).algorithms[0].cabin_name == "person detection"


def test_bin_and_runtime_of_the_whole_serve_packages_without_their_own() -> None:
    manifest = copy.deepcopy(GOOD)
    package = manifest["algoPackages"][0]
    manifest["bin"], manifest["algo_runtime"] = package.pop("bin"), package.pop("algo_runtime")
    assert read_manifest(text(manifest)) == read_manifest(text(GOOD))


def test_binary_is_another_word_for_a_model() -> None:
    manifest = changed((*ALGO, "bin", "type"), lambda parent, key: parent.update({key: "binary"}))
    assert read_manifest(text(manifest)).algorithms[0].model_path == "model.onnx"


@pytest.mark.parametrize(("path", "field"), MANDATORY)
@pytest.mark.row("PKG-01")
def test_each_mandatory_member_is_missed_by_name(path: Path, field: str) -> None:
    with pytest.raises(MissingFieldError) as caught:
        read_manifest(text(changed(path, lambda parent, key: parent.pop(key))))
    assert caught.value.field == field


@pytest.mark.parametrize(("path", "value", "field"), BAD)
def test_each_bad_value_is_refused_by_name(path: Path, value: object, field: str) -> None:
    with pytest.raises(BadValueError, match="expected") as caught:
        read_manifest(text(changed(path, lambda parent, key: parent.__setitem__(key, value))))
    assert caught.value.field == field


def test_a_container_image_is_refused_with_the_reason() -> None:
    manifest = copy.deepcopy(GOOD)
    manifest["algoPackages"][0] |= {"algoPackageType": "ENGINE", "bin": {"type": "image"}}
    with pytest.raises(BadValueError, match="runs no container images"):
        read_manifest(text(manifest))


def test_two_packages_of_one_code_are_refused() -> None:
    manifest = copy.deepcopy(GOOD)
    manifest["algoPackages"].append(manifest["algoPackages"][0])
    with pytest.raises(BadValueError, match=r"OPEN-PERSON_DETECT-1.0.0.* more than once"):
        read_manifest(text(manifest))


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"\xff\xfe", b'"text"', b"null"])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(RefusedError):
        read_manifest(body)


def test_an_endless_manifest_is_refused_unread() -> None:
    with pytest.raises(TooLargeError):
        read_manifest(b" " * (8 * 1024 * 1024 + 1))


leaves = st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers()
values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
places = st.sampled_from([path for path, _ in MANDATORY] + [path for path, _, _ in BAD])


@given(places, values)
def test_any_value_anywhere_gives_a_manifest_or_a_refusal(path: Path, value: object) -> None:
    with contextlib.suppress(RefusedError):
        read_manifest(text(changed(path, lambda parent, key: parent.__setitem__(key, value))))


@given(st.text(alphabet="./ab\\\0", max_size=12))
def test_a_path_that_is_accepted_stays_inside(name: str) -> None:
    try:
        path = archive_path(name)
    except ValueError:
        return
    assert not path.startswith("/")
    assert ".." not in path.split("/")
