"""onnxruntime sessions: the device they really got, errors of ours, no noise on the console."""

import functools
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import helper

from cad.base.errors import CadError, UnavailableError
from cad.domain.decoders import Tensor
from cad.domain.models import EngineFailedError

logger = logging.getLogger(__name__)

CPU = "CPUExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"
ACCELERATED = (TENSORRT, "CUDAExecutionProvider")
"""Best first."""
SILENT = 4
"""onnxruntime's FATAL: a provider that does not load is an error there, a reading here."""

onnxruntime.set_default_logger_severity(SILENT)


class ModelRejectedError(CadError):
    """onnxruntime does not take the model; the message is its own."""


class Session:
    """One model on one device. Any number of threads may call `run` at once."""

    def __init__(self, model: bytes, provider: str, cache: Path | None = None) -> None:
        """Load `model`; what `provider` builds of it is kept in, and taken from, `cache`.

        Raises:
            ModelRejectedError: onnxruntime refuses the model.
            UnavailableError: the session did not get `provider`.
        """
        try:
            self._session = onnxruntime.InferenceSession(
                model, _options(), providers=provider_chain(provider, cache), enable_fallback=0
            )
        except Exception as error:
            raise ModelRejectedError(str(error)) from error
        got = self._session.get_providers()[0]
        if got != provider:
            raise UnavailableError(f"onnxruntime was asked for {provider} and took {got}")
        self.provider = provider
        self._outputs = [output.name for output in self._session.get_outputs()]

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the outputs by name.

        Raises:
            EngineFailedError: the device or the model failed.
        """
        try:
            results = self._session.run(self._outputs, dict(inputs))
        except Exception as error:
            raise EngineFailedError(f"inference failed on {self.provider}: {error}") from error
        return dict(zip(self._outputs, results, strict=True))


@functools.cache
def available_providers() -> tuple[str, ...]:
    """Return the execution providers that really load here, best first; the CPU is always the last.

    Tries each once: onnxruntime lists what it was built with, and without the vendor's libraries it
    takes the CPU instead.
    """
    built_in = onnxruntime.get_available_providers()
    found = [name for name in ACCELERATED if name in built_in and _loads(name)]
    missing = [name for name in ACCELERATED if name not in found]
    if missing:
        logger.info("onnxruntime cannot use %s on this machine", ", ".join(missing))
    return (*found, CPU)


def choose_provider(accelerator: str) -> str:
    """Return the provider for the setting `accelerator`: `auto`, `cpu` or `cuda`.

    Raises:
        UnavailableError: `cuda` is demanded and does not load.
    """
    if accelerator == "cpu":
        return CPU
    best = available_providers()[0]
    if accelerator == "cuda" and best == CPU:
        raise UnavailableError("accelerator cuda: neither TensorRT nor CUDA loads on this machine")
    return best


def provider_chain(
    provider: str, cache: Path | None
) -> Sequence[str | tuple[str, Mapping[str, str]]]:
    """Return `provider` and those that take the operators which it does not have.

    TensorRT builds an engine for minutes; it names what it keeps by model, version and device.
    """
    order = (*ACCELERATED, CPU)
    chain = order[order.index(provider) :]
    if provider != TENSORRT or cache is None:
        return chain
    options = {"trt_engine_cache_enable": "True", "trt_engine_cache_path": str(cache)}
    return (TENSORRT, options), *chain[1:]


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    # The worker's threads share a session: threads of onnxruntime's own would fight with them.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = SILENT
    return options


def _loads(provider: str) -> bool:
    value = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    result = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "probe", [value], [result])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    try:
        Session(model.SerializeToString(), provider).run({"x": np.zeros(1, dtype=np.float32)})
    except CadError:
        return False
    return True
