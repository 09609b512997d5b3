"""How fast decoding, inference and the whole path are on this machine."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import onnxruntime

from benchmarks.installed import CLIP, model_of

WINDOW = 3.0
"""Seconds of one measurement of decoding or inference alone."""

CORES = len(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class Speed:
    """How often per second something was done, and what doing it once cost."""

    per_second: float
    cpu_seconds: float
    """Processor time; unlike the rate it is hardly changed by other work on the machine."""


def decoding(threads: int) -> Speed:
    """Return the speed at which `threads` threads decode the clip, each for itself."""
    return _measured(threads, _decode)


def inference(package: str, threads: int) -> Speed:
    """Return the speed of the vendor's plain model, one session shared by `threads` threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model_of(package).read_bytes(), options, providers=["CPUExecutionProvider"]
    )
    [wanted] = session.get_inputs()
    picture = np.zeros([1, *wanted.shape[1:]], np.float32)

    def infer(is_over: Callable[[], bool]) -> int:
        count = 0
        while not is_over():
            session.run(None, {wanted.name: picture})
            count += 1
        return count

    return _measured(threads, infer)


def _decode(is_over: Callable[[], bool]) -> int:
    count = 0
    while not is_over():
        count += _decode_clip(CLIP, is_over)
    return count


def _decode_clip(clip: Path, is_over: Callable[[], bool]) -> int:
    count = 0
    with av.open(str(clip)) as container:
        container.streams.video[0].thread_count = 1
        for _ in container.decode(video=0):
            count += 1
            if is_over():
                break
    return count


def _measured(threads: int, work: Callable[[Callable[[], bool]], int]) -> Speed:
    """Return the speed at which `threads` threads do `work` together."""
    counts: list[int] = []
    end = time.perf_counter() + WINDOW

    def run() -> None:
        counts.append(work(lambda: time.perf_counter() >= end))

    started, cpu_started = time.perf_counter(), time.process_time()
    workers = [threading.Thread(target=run) for _ in range(threads)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    elapsed, cpu = time.perf_counter() - started, time.process_time() - cpu_started
    return Speed(sum(counts) / elapsed, cpu / sum(counts))
