"""`python -m benchmarks`: what this machine allows, and how much of it the product reaches."""

import argparse
import asyncio
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import av
import onnxruntime

from benchmarks import accuracy, latency
from benchmarks.installed import CLIP, compiled_order
from benchmarks.speed import CORES, Speed, decoding, inference
from benchmarks.whole_path import latencies, throughput
from cad.domain.packages import ServiceOrder
from cad.sim.camera import RtspCamera

PACKAGE = "person_detect"
ROUNDS = 3
STREAMS = (1, 4, 8)
LIVE_STREAMS, LIVE_RATE, LIVE_SECONDS = 4, 5.0, 15.0

DECODE, INFER = f"decoding alone, {CORES} threads", f"inference alone, {CORES} threads"


def main() -> None:
    """Measure and print; with a ground truth the accuracy too."""
    arguments = _parser().parse_args()
    print(_machine())
    with tempfile.TemporaryDirectory() as folder:
        service = compiled_order(PACKAGE, Path(folder))
        _report_throughput(service)
        asyncio.run(_report_latency(service))
    latency.main()
    if arguments.ground_truth is not None:
        accuracy.report(arguments.ground_truth)


def _report_throughput(service: ServiceOrder) -> None:
    whole = {_whole(count): partial(throughput, service, count) for count in STREAMS}
    alone = {
        "decoding alone, 1 thread": partial(decoding, 1),
        DECODE: partial(decoding, CORES),
        INFER: partial(inference, PACKAGE, CORES),
    }
    speeds = _medians({**alone, **whole})
    limit = 1 / (1 / speeds[DECODE].per_second + 1 / speeds[INFER].per_second)
    least = speeds[DECODE].cpu_seconds + speeds[INFER].cpu_seconds
    for name in alone:
        print(_line(name, speeds[name]))
    print(_line("limit: both, and nothing else", Speed(limit, least)))
    for name in whole:
        print(f"{_line(name, speeds[name])}   {speeds[name].per_second / limit:4.2f} of the limit")


async def _report_latency(service: ServiceOrder) -> None:
    async with RtspCamera(CLIP) as camera:
        ages = await asyncio.to_thread(
            latencies, service, camera.url(), LIVE_STREAMS, LIVE_RATE, LIVE_SECONDS
        )
    cuts = statistics.quantiles(ages, n=20)
    print(
        f"frame received to event at the daemon, {LIVE_STREAMS} RTSP streams at {LIVE_RATE:g} fps "
        f"each: p50 {1000 * cuts[9]:.0f} ms, p95 {1000 * cuts[18]:.0f} ms of {len(ages)} events"
    )


def _medians(measurements: dict[str, Callable[[], Speed]]) -> dict[str, Speed]:
    """Take all measurements in turn, several rounds of them; return the median of each."""
    rounds = [{name: measure() for name, measure in measurements.items()} for _ in range(ROUNDS)]
    return {
        name: Speed(
            statistics.median(each[name].per_second for each in rounds),
            statistics.median(each[name].cpu_seconds for each in rounds),
        )
        for name in measurements
    }


def _line(name: str, speed: Speed) -> str:
    return f"{name:32}{speed.per_second:8.1f} fps {1000 * speed.cpu_seconds:6.2f} ms CPU per frame"


def _whole(streams: int) -> str:
    return f"whole path, {streams} stream{'s' if streams > 1 else ''}"


def _machine() -> str:
    """Name the processor and the libraries that the numbers are about."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = models[0] if models else "unknown processor"
    return f"{processor}, {CORES} cores; av {av.__version__}, onnxruntime {onnxruntime.__version__}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--ground-truth", type=Path, help="lines `frame,id,x,y,w,h,use` for the clip"
    )
    return parser


if __name__ == "__main__":
    main()
