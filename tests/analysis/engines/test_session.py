import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cad.analysis.engines.session import (
    CPU,
    TENSORRT,
    ModelRejectedError,
    Session,
    available_providers,
    choose_provider,
    provider_chain,
)
from tests.analysis.engines.toys import echo_model


def test_the_cpu_is_always_there_and_last() -> None:
    assert available_providers()[-1] == CPU


def test_only_what_gives_a_session_counts_as_available() -> None:
    model = echo_model((1, 3, 4, 4)).SerializeToString()
    assert all(Session(model, name).provider == name for name in available_providers())


def test_trying_devices_leaves_the_console_quiet() -> None:
    code = "from cad.analysis.engines.session import available_providers as p; print(p()[-1])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (run.stdout.strip(), run.stderr) == (CPU, "")


def test_auto_takes_the_best_and_cpu_the_cpu() -> None:
    assert choose_provider("auto") == available_providers()[0]
    assert choose_provider("cpu") == CPU


def test_engines_that_take_minutes_to_build_are_kept() -> None:
    kept = {"trt_engine_cache_enable": "True", "trt_engine_cache_path": "/compiled/x"}
    chain = ((TENSORRT, kept), "CUDAExecutionProvider", CPU)
    assert provider_chain(TENSORRT, Path("/compiled/x")) == chain


def test_what_is_built_for_nothing_but_a_check_is_not_kept() -> None:
    assert provider_chain(TENSORRT, None)[0] == TENSORRT
    assert provider_chain(CPU, Path("/compiled/x")) == (CPU,)


def test_what_is_no_model_is_rejected() -> None:
    with pytest.raises(ModelRejectedError):
        Session(b"text", CPU)


def test_outputs_come_by_name() -> None:
    image = np.ones((1, 3, 4, 4), dtype=np.float32)
    session = Session(echo_model((1, 3, 4, 4)).SerializeToString(), CPU)
    assert np.array_equal(session.run({"images": image})["images_out"], image)
