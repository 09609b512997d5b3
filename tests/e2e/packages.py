"""Further algorithm packages: the detector that ships, under other names and versions."""

import json
import shutil
from pathlib import Path

from cad.wire.manifest import MANIFEST_NAME
from tests.e2e.box import PLUGIN


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
