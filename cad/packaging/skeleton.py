"""Begins a file package: a folder with a model and a manifest to fill in."""

import json
import re
import shutil
import uuid
from pathlib import Path

from cad.base.errors import BadValueError
from cad.wire.manifest import MANIFEST_NAME

NOTE = "//"
"""Members whose names begin so are notes to the maker; building leaves them out."""
MODEL_NAME = "model.onnx"


def write_skeleton(model: Path, folder: Path) -> Path:
    """Make `folder` with a copy of `model` and a manifest with notes; return the manifest. Blocks.

    Raises:
        BadValueError: the model is no file, or the folder is there already.
    """
    if not model.is_file():
        raise BadValueError("expected an ONNX file", field="model", given=str(model))
    if folder.exists():
        raise BadValueError("expected a folder that is not there yet", field="folder", given=folder)
    folder.mkdir(parents=True)
    shutil.copyfile(model, folder / MODEL_NAME)
    manifest = folder / MANIFEST_NAME
    manifest.write_text(json.dumps(_manifest(model.stem), ensure_ascii=False, indent=2) + "\n")
    return manifest


def _manifest(stem: str) -> dict[str, object]:
    name = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-") or "algorithm"
    return {
        NOTE: f"Members that begin with {NOTE} are notes; cadctl package build leaves them out.",
        "manifestVersion": "1",
        f"{NOTE}id": "Of this file package, for ever; a new one for each version.",
        "id": str(uuid.uuid4()),
        "name": name,
        "version": "1.0.0",
        "author": "",
        "description": "",
        "tags": [],
        "env": [],
        "algoPackages": [_algorithm(name)],
    }


def _algorithm(name: str) -> dict[str, object]:
    return {
        f"{NOTE}algoPackageCode": "provider-NAME-version, unique; installing names it.",
        "algoPackageCode": f"OPEN-{name.upper().replace('-', '_')}-1.0.0",
        "algoPackageName": name,
        "algoPackageVersion": "1.0.0",
        "algoPackageType": "BIN",
        f"{NOTE}algoCabinName": "A higher version of the same cabin replaces the running one.",
        "algoCabinName": name,
        f"{NOTE}eventTypes": "What tasks may ask for; an empty list allows any name.",
        "eventTypes": ["INTRUSION", "LINE_CROSSING"],
        "bin": {"type": "onnx", "local_uri": MODEL_NAME},
        "model": _model(),
        "algo_runtime": {
            f"{NOTE}gpu": "Cards it runs on, and how many channels one instance carries on each: "
            '{"quota": 0.5, "limit": 0, "vendor": "NVidia", "accelerator": "A2", '
            '"resolution": "PIXELS_200W", "capacities": {"stream_video_quota": 6, '
            '"stream_capture_quota": 0, "analyze_quota": 0}}',
            "gpu": [],
        },
    }


def _model() -> dict[str, object]:
    return {
        "task": "detect",
        f"{NOTE}decoder": "How boxes come out: nanodet, yolox, yolov5, yolov8, ssd, or a plugin's.",
        "decoder": "yolov8",
        f"{NOTE}labels": "All classes, in the order of the model's indices.",
        "labels": ["person"],
        f"{NOTE}keep": "Classes that are reported; an empty list keeps all.",
        "keep": [],
        "max_batch": 8,
        "score_threshold": 0.4,
        "nms_iou": 0.5,
        f"{NOTE}nms": "class: boxes of one class suppress each other; global: of all classes.",
        "nms": "class",
        "input": {
            "width": 640,
            "height": 640,
            f"{NOTE}resize": "letterbox keeps the picture's sides, stretch does not.",
            "resize": "letterbox",
            f"{NOTE}align": "Of a letterbox: top-left or center.",
            "align": "center",
            "pad_value": 114,
            f"{NOTE}color": "rgb or bgr",
            "color": "rgb",
            f"{NOTE}layout": "NCHW or NHWC",
            "layout": "NCHW",
            f"{NOTE}mean": "Subtracted, then divided by std; both in units of 0..255.",
            "mean": [0, 0, 0],
            "std": [255, 255, 255],
        },
        f"{NOTE}sample": "A picture in this folder for the dry run, such as sample.jpg.",
        "sample": "",
    }
