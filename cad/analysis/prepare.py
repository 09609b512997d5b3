"""The child process that prepares a package: `python -m cad.analysis.prepare`.

Reads one `PrepareRequest` from standard input and writes `PrepareNews` as JSON lines to standard
output. A model is a stranger's program: it is tried here, at idle priority and with bounds on
memory and processor time, so that nothing it does reaches the daemon or the running tasks. The
exit code is 0 also for a refusal; any other means that the child broke, or was broken by its
bounds.
"""

import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec
import numpy as np

from cad.analysis.engines.compiler import check_model, compile_model
from cad.analysis.engines.onnx_engine import open_engine
from cad.analysis.engines.session import CPU, available_providers, choose_provider
from cad.analysis.ingest.still import open_picture
from cad.base.errors import CadError
from cad.base.process import die_with_the_parent
from cad.domain.frames import PlaneLayout, Planes
from cad.domain.ids import ServiceId
from cad.domain.models import Engine, PreparedModel
from cad.domain.packages import ServiceOrder, ServiceSettings
from cad.protocols.worker.preparation import (
    Prepared,
    PrepareNews,
    PrepareRefused,
    PrepareRequest,
    PrepareStep,
)

GREY = 114
GREY_SIZE = (1920, 1080)
"""What a package without a sample is measured on: the picture size of most cameras."""

MEMORY_BYTES = 8 * 1024**3
CPU_SECONDS = 600
"""Bounds of the child; a graph can ask for any amount of either."""

MEASURED_RUNS = 40
LEAST_RUNS = 3
MEASURE_SECONDS = 5.0
"""Wall time after which measuring ends, once the least number of runs is done."""


class Sample(Protocol):
    """The part of a picture that preparing needs."""

    @property
    def width(self) -> int:
        """Width in pixels."""

    @property
    def height(self) -> int:
        """Height in pixels."""

    def planes(self, layout: PlaneLayout) -> Planes:
        """Return the picture scaled and placed as `layout` says."""


class GreySample:
    """A picture without content, for a package that brought none."""

    width, height = GREY_SIZE

    def planes(self, layout: PlaneLayout) -> Planes:
        """Return evenly grey planes."""
        return np.full((3, layout.height, layout.width), GREY, dtype=np.uint8)


def main() -> int:
    """Run the child; return its exit code."""
    die_with_the_parent()  # the next daemon's child writes to the same place
    answers = _take_standard_output()
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=PrepareRequest)
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    if request.accelerator == "cpu" or available_providers() == (CPU,):
        _bound_resources()
    prepare(request, lambda news: _write_line(answers, news))
    return 0


def prepare(request: PrepareRequest, tell: Callable[[PrepareNews], None]) -> None:
    """Compile, dry-run and measure what `request` names, telling each step and the outcome."""
    step = "check"

    def begin(name: str) -> None:
        nonlocal step
        step = name
        tell(PrepareStep(name))

    try:
        tell(Prepared(_prepare(request, begin)))
    except CadError as error:
        tell(PrepareRefused(step, str(error)))


def _prepare(request: PrepareRequest, begin: Callable[[str], None]) -> PreparedModel:
    begin("check")
    provider = choose_provider(request.accelerator)
    checked = check_model(Path(request.model_path), request.spec, provider)
    begin("compile")
    package = compile_model(checked, Path(request.output_dir))
    prepared = PreparedModel(
        digest=package.digest,
        provider=package.provider,
        compiled_dir=request.output_dir,
        cpu_seconds_per_frame=0.0,
        sample_boxes=0,
    )
    begin("dry_run")
    sample = _sample(request.sample_path)
    engine = open_engine(_order(request, prepared), request.accelerator)
    boxes = _detect(engine, sample, request.spec.score_threshold)
    begin("measure")
    seconds = measure(engine, sample, request.spec.score_threshold)
    return replace(prepared, cpu_seconds_per_frame=seconds, sample_boxes=boxes)


def measure(engine: Engine, sample: Sample, threshold: float) -> float:
    """Return the seconds that one frame costs from picture to boxes, the median of many runs.

    On a CPU those of this thread's processor time, which work beside it does not lengthen; on a
    device those that the call takes.
    """
    clock = time.thread_time if engine.provider == CPU else time.perf_counter
    end = time.monotonic() + MEASURE_SECONDS
    runs: list[float] = []
    while len(runs) < MEASURED_RUNS and (len(runs) < LEAST_RUNS or time.monotonic() < end):
        started = clock()
        _detect(engine, sample, threshold)
        runs.append(clock() - started)
    return statistics.median(runs)


def _detect(engine: Engine, sample: Sample, threshold: float) -> int:
    """Return how many boxes are found."""
    planes = sample.planes(engine.layout)
    return len(engine.infer([planes], [(sample.width, sample.height)], threshold)[0])


def _sample(path: str) -> Sample:
    return open_picture(Path(path)) if path else GreySample()


def _order(request: PrepareRequest, prepared: PreparedModel) -> ServiceOrder:
    return ServiceOrder(
        service_id=ServiceId("dry-run"),
        model=request.spec,
        settings=ServiceSettings(),
        prepared=prepared,
    )


def _take_standard_output() -> BinaryIO:
    """Return standard output for the answers; what libraries write there goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _bound_resources() -> None:
    """Bound memory and processor time; not beside CUDA, which maps address space at will."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


def _write_line(answers: BinaryIO, news: PrepareNews) -> None:
    answers.write(msgspec.json.encode(news) + b"\n")
    answers.flush()


if __name__ == "__main__":
    sys.exit(main())
