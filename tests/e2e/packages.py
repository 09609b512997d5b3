"""Further algorithm packages: the detector that ships, under other names and versions."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from cad.wire.manifest import MANIFEST_NAME
from tests.e2e.box import PLUGIN

MODEL_NAME = "model.onnx"
SIDE = 1024
"""Of the square matrices that make a model heavy; a product of two takes some 14 ms."""


def variant(folder: Path, name: str) -> str:
    """Write a package into `folder`, a new one; return its code. Blocks."""
    shutil.copytree(PLUGIN, folder)
    path = folder / MANIFEST_NAME
    manifest = json.loads(path.read_text(encoding="utf-8"))
    code = f"OPEN-{name.upper()}-1.0.0"
    manifest.update(id=code, name=name)
    manifest["algoPackages"][0].update(algoPackageCode=code, algoPackageName=name)
    manifest["algoPackages"][0]["algoCabinName"] = name
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return code


def version(folder: Path, number: str) -> str:
    """Write another version of the detector into `folder`, a new one; return its code. Blocks."""
    shutil.copytree(PLUGIN, folder)
    path = folder / MANIFEST_NAME
    manifest = json.loads(path.read_text(encoding="utf-8"))
    code = f"OPEN-PERSON_DETECT-{number}"
    manifest.update(id=code, version=number)
    manifest["algoPackages"][0].update(algoPackageCode=code, algoPackageVersion=number)
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return code


def heavy(folder: Path, name: str, products: int = 40) -> str:
    """Write a package that finds the same in forty times the time; return its code. Blocks."""
    code = variant(folder, name)
    model = onnx.load(folder / MODEL_NAME)
    _burden(model.graph, products)
    content = model.SerializeToString()
    (folder / MODEL_NAME).write_bytes(content)
    path = folder / MANIFEST_NAME
    manifest = json.loads(path.read_text(encoding="utf-8"))
    [entry] = [each for each in manifest["files"] if each["path"] == MODEL_NAME]
    entry.update(size=len(content), sha256=hashlib.sha256(content).hexdigest())
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return code


def _burden(graph: onnx.GraphProto, products: int) -> None:
    """Let the picture pass `products` of matrices whose outcome adds next to nothing to it."""
    picture = graph.input[0].name
    for node in graph.node:
        node.input[:] = ["burdened" if each == picture else each for each in node.input]
    matrix = np.full((SIDE, SIDE), 1 / SIDE, np.float32)
    graph.initializer.append(numpy_helper.from_array(matrix, "matrix"))
    graph.initializer.append(numpy_helper.from_array(np.array(1e-30, np.float32), "nothing"))
    burden = [
        helper.make_node("ReduceMean", [picture], ["mean"], keepdims=0),
        helper.make_node("Mul", ["matrix", "mean"], ["product0"]),
        *(
            helper.make_node("MatMul", [f"product{number}", "matrix"], [f"product{number + 1}"])
            for number in range(products)
        ),
        helper.make_node("ReduceMean", [f"product{products}"], ["outcome"], keepdims=0),
        helper.make_node("Mul", ["outcome", "nothing"], ["little"]),
        helper.make_node("Add", [picture, "little"], ["burdened"]),
    ]
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*burden, *rest])
