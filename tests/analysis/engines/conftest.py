"""The shipped packages, compiled once, and some pictures of the clip."""

from collections.abc import Mapping

import pytest
from av import VideoFrame

from benchmarks.accuracy import pictures
from benchmarks.installed import CLIP, compiled_order
from cad.analysis.engines.onnx_engine import OnnxEngine, open_engine
from cad.domain.packages import ServiceOrder

INDICES = (0, 60, 110, 180, 330, 430, 520, 720)


@pytest.fixture(scope="session")
def frames() -> Mapping[int, VideoFrame]:
    """Return decoded pictures of the clip by index."""
    return {index: frame for index, frame in pictures(CLIP) if index in INDICES}


@pytest.fixture(scope="session")
def fp32_order(tmp_path_factory: pytest.TempPathFactory) -> ServiceOrder:
    """Return the order to serve the float model."""
    return compiled_order("person_detect_fp32", tmp_path_factory.mktemp("fp32"))


@pytest.fixture(scope="session")
def int8_order(tmp_path_factory: pytest.TempPathFactory) -> ServiceOrder:
    """Return the order to serve the INT8 model."""
    return compiled_order("person_detect", tmp_path_factory.mktemp("int8"))


@pytest.fixture(scope="session")
def fp32(fp32_order: ServiceOrder) -> OnnxEngine:
    """Return the float model, loaded."""
    return open_engine(fp32_order, "cpu")


@pytest.fixture(scope="session")
def int8(int8_order: ServiceOrder) -> OnnxEngine:
    """Return the INT8 model, loaded."""
    return open_engine(int8_order, "cpu")


@pytest.fixture(scope="session")
def ssd(tmp_path_factory: pytest.TempPathFactory) -> OnnxEngine:
    """Return the model with suppression in its graph, loaded."""
    return open_engine(compiled_order("pedestrian_ssd", tmp_path_factory.mktemp("ssd")), "cpu")
