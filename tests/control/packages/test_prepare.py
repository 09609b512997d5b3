"""The preparing child, with scripts in its place."""

import asyncio
import os
import sys
from pathlib import Path

import msgspec
import pytest

from cad.control.packages.prepare import (
    ModelRefusedError,
    PreparationFailedError,
    PreparingChild,
)
from cad.domain.models import ModelInput, ModelSpec, PreparedModel
from cad.protocols.worker.preparation import (
    Prepared,
    PrepareRefused,
    PrepareRequest,
    PrepareStep,
)

REQUEST = PrepareRequest(
    model_path="/m.onnx",
    spec=ModelSpec(
        task="detect", decoder="nanodet", labels=("a",), input=ModelInput(width=32, height=32)
    ),
    sample_path="",
    output_dir="/out",
    accelerator="cpu",
)
MODEL = PreparedModel(
    digest="d",
    provider="CPUExecutionProvider",
    compiled_dir="/out",
    cpu_seconds_per_frame=0.01,
    sample_boxes=2,
)

pytestmark = pytest.mark.peer


def line(message: msgspec.Struct) -> str:
    return f"print({msgspec.json.encode(message).decode()!r}, flush=True)\n"


def child(script: str, deadline: float = 20.0) -> PreparingChild:
    return PreparingChild([sys.executable, "-c", "import os, sys, time\n" + script], deadline)


async def failure(script: str, deadline: float = 20.0) -> str:
    with pytest.raises(PreparationFailedError) as caught:
        await child(script, deadline).prepare(REQUEST, lambda _: None)
    return str(caught.value)


async def test_the_request_arrives_and_the_result_comes_back(tmp_path: Path) -> None:
    copy = tmp_path / "request"
    script = f"open({str(copy)!r}, 'w').write(sys.stdin.read())\n"
    steps: list[str] = []
    prepared = await child(
        script + line(PrepareStep("check")) + line(PrepareStep("compile")) + line(Prepared(MODEL))
    ).prepare(REQUEST, steps.append)
    assert prepared == MODEL
    assert steps == ["check", "compile"]
    assert decoded(copy) == REQUEST


def decoded(path: Path) -> PrepareRequest:
    return msgspec.json.decode(path.read_bytes(), type=PrepareRequest)


async def test_a_refusal_says_what_was_found() -> None:
    refusal = PrepareRefused("check", "no output of shape (1, n, 85); found: out (1, 10)")
    with pytest.raises(ModelRefusedError, match=r"model \(check\): no output .* out \(1, 10\)"):
        await child(line(refusal)).prepare(REQUEST, lambda _: None)


async def test_a_result_counts_even_if_the_child_crashes_on_leaving() -> None:
    script = line(Prepared(MODEL)) + "os.abort()"
    assert await child(script).prepare(REQUEST, lambda _: None) == MODEL


async def test_a_crash_is_told_with_its_step_and_last_words() -> None:
    script = line(PrepareStep("compile")) + "sys.stderr.write('no memory left\\n'); os.abort()"
    assert await failure(script) == (
        "preparing the model ended by SIGABRT; its last words: no memory left (step: compile)"
    )


async def test_an_exit_without_a_word_is_told() -> None:
    assert "exit code 3 and no result" in await failure("sys.exit(3)")


@pytest.mark.parametrize(
    "said", ["'garbage'", "'{}'", '\'{"type": "Prepared"}\'', "'x' * 3_000_000", "'[1, 2'"]
)
async def test_garbage_is_told(said: str) -> None:
    assert "gave what is no message" in await failure(f"print({said}, flush=True); time.sleep(60)")


async def test_a_child_that_hangs_is_killed_at_the_deadline(tmp_path: Path) -> None:
    script = f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
    script += line(PrepareStep("dry_run")) + "time.sleep(600)"
    assert "did not end within 2 s (step: dry_run)" in await failure(script, 2.0)
    assert is_gone(tmp_path / "pid")


async def test_a_child_whose_caller_is_cancelled_is_killed(tmp_path: Path) -> None:
    script = f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
    begun = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        preparing = group.create_task(
            child(script + line(PrepareStep("check")) + "time.sleep(600)").prepare(
                REQUEST, lambda _: begun.set()
            )
        )
        await begun.wait()
        preparing.cancel()
    assert is_gone(tmp_path / "pid")


def is_gone(pid_file: Path) -> bool:
    try:
        os.kill(int(pid_file.read_text()), 0)
    except ProcessLookupError:
        return True
    return False


async def test_a_child_that_complains_without_end_is_not_blocked() -> None:
    script = "sys.stderr.write('password=hidden ' * 500_000)\n" + line(Prepared(MODEL))
    assert await child(script).prepare(REQUEST, lambda _: None) == MODEL


async def test_secrets_in_the_last_words_are_cut() -> None:
    said = await failure("sys.stderr.write('rtsp://u:geheim@cam'); sys.exit(1)")
    assert "geheim" not in said
    assert "rtsp://cam" in said


async def test_a_child_that_cannot_start_is_told() -> None:
    missing = PreparingChild(["/no/such/program"])
    with pytest.raises(PreparationFailedError, match="does not start"):
        await missing.prepare(REQUEST, lambda _: None)


async def test_it_runs_at_idle_priority(tmp_path: Path) -> None:
    noted = tmp_path / "nice"
    script = "sys.stdin.read()\n"
    script += f"open({str(noted)!r}, 'w').write(str(os.nice(0)))\n" + line(Prepared(MODEL))
    await child(script).prepare(REQUEST, lambda _: None)
    assert text(noted) == "19"


def text(path: Path) -> str:
    return path.read_text()
