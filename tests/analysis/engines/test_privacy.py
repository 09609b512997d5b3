"""The inference runtime keeps to itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

OPEN_A_SESSION = """
import sys
from pathlib import Path
from cad.analysis.engines.session import available_providers
import onnxruntime
available_providers()
onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
"""


@pytest.mark.peer
def test_the_runtime_leaves_no_trace_for_its_maker(tmp_path: Path, models: Path) -> None:
    """Without the opt-out it keeps a session file and a queue of reports to be sent."""
    places = {name: str(tmp_path) for name in ("TMPDIR", "HOME", "XDG_CACHE_HOME")}
    # Under CI the runtime would be silent by itself.
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    model = str(models / "person_detect" / "model.onnx")
    subprocess.run(
        [sys.executable, "-c", OPEN_A_SESSION, model], env={**environment, **places}, check=True
    )
    assert list(tmp_path.rglob("*")) == []
