"""The child that prepares packages, as the daemon runs it."""

import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from benchmarks.installed import PACKAGES, manifest_of, model_of
from cad.analysis.engines.session import CPU
from cad.analysis.prepare import GreySample, prepare
from cad.domain.models import ModelSpec
from cad.protocols.worker.preparation import (
    Prepared,
    PrepareNews,
    PrepareRefused,
    PrepareRequest,
    PrepareStep,
)
from tests.analysis.engines.toys import head_model, random_rows, save, spec

ALL_STEPS = ["check", "compile", "dry_run", "measure"]


def request(model: Path, wanted: ModelSpec, output: Path, sample: str = "") -> PrepareRequest:
    output.mkdir()
    return PrepareRequest(str(model), wanted, sample, str(output), "cpu")


def run_child(wanted: PrepareRequest) -> list[PrepareNews]:
    """Run the process and return what it said; anything else on its output fails."""
    command = [sys.executable, "-m", "cad.analysis.prepare"]
    run = subprocess.run(
        command, input=msgspec.json.encode(wanted), capture_output=True, check=True
    )
    lines = run.stdout.splitlines()
    return [msgspec.json.decode(line, type=PrepareNews) for line in lines]


@pytest.mark.peer
def test_the_shipped_package_is_prepared(tmp_path: Path) -> None:
    sample = str(PACKAGES / "person_detect" / "sample.jpg")
    wanted = manifest_of("person_detect").model
    news = run_child(request(model_of("person_detect"), wanted, tmp_path / "out", sample))
    assert [said.step for said in news if isinstance(said, PrepareStep)] == ALL_STEPS
    assert isinstance(news[-1], Prepared)
    prepared = news[-1].model
    assert (prepared.provider, prepared.sample_boxes) == (CPU, 4)
    assert 0.001 < prepared.cpu_seconds_per_frame < 1
    assert len(prepared.digest) == 64


@pytest.mark.peer
def test_text_in_place_of_a_model_is_refused_and_the_child_ends_well(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_text("not a model")
    news = run_child(request(model, spec("yolov8"), tmp_path / "out"))
    assert news[0] == PrepareStep("check")
    assert isinstance(news[1], PrepareRefused)
    assert news[1].message.startswith("an ONNX model; model.onnx is no such file")


@pytest.mark.peer
def test_a_model_that_wants_all_memory_is_refused(tmp_path: Path) -> None:
    rows = random_rows(7)
    model = head_model({"output": rows})
    model.graph.initializer[1].CopyFrom(
        type(model.graph.initializer[1])(
            name="output_axes", data_type=7, dims=[4], int64_data=[200_000, 200, *rows.shape[1:]]
        )
    )
    news = run_child(request(save(model, tmp_path), spec("yolov8"), tmp_path / "out"))
    assert isinstance(news[-1], PrepareRefused)
    assert "runs on one picture" in news[-1].message


def test_a_package_without_a_sample_is_tried_on_grey(tmp_path: Path) -> None:
    model = save(head_model({"output": random_rows(7)}), tmp_path)
    news: list[PrepareNews] = []
    prepare(request(model, spec("yolov8"), tmp_path / "out"), news.append)
    assert isinstance(news[-1], Prepared)
    assert news[-1].model.sample_boxes > 5


def test_a_sample_that_is_no_picture_stops_the_dry_run(tmp_path: Path) -> None:
    model = save(head_model({"output": random_rows(7)}), tmp_path)
    news: list[PrepareNews] = []
    prepare(request(model, spec("yolov8"), tmp_path / "out", str(model)), news.append)
    assert isinstance(news[-1], PrepareRefused)
    assert (news[-1].step, "model.onnx" in news[-1].message) == ("dry_run", True)


def test_grey_is_grey_all_over() -> None:
    planes = GreySample().planes(spec("yolov8").input.plane_layout)
    assert planes.shape == (3, 64, 64)
    assert np.unique(planes).tolist() == [114]
