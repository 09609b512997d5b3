"""`python -m benchmarks`: what this machine allows, and how much of it the product reaches."""

import argparse
import asyncio
import statistics
import tempfile
from collections.abc import Mapping, Sequence
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
ROUNDS = 5
STREAMS = (1, 4, 8)
LIVE_STREAMS, LIVE_RATE, LIVE_SECONDS = 4, 5.0, 15.0

Round = Mapping[str, Speed]
"""One measurement of everything, in turn, by name."""

LIMIT = "limit: both, and nothing else"
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
    measurements = {**alone, **whole}
    rounds = [{name: measure() for name, measure in measurements.items()} for _ in range(ROUNDS)]
    limits = [_limit(each) for each in rounds]
    for name in alone:
        print(_line(name, [each[name] for each in rounds]))
    print(_line(LIMIT, limits))
    for name in whole:
        speeds = [each[name] for each in rounds]
        print(f"{_line(name, speeds)}   {_shares(speeds, limits)}")


def _limit(speeds: Round) -> Speed:
    """Return the speed of decoding and inferring in turn, and doing nothing else."""
    decode, infer = speeds[DECODE], speeds[INFER]
    return Speed(
        1 / (1 / decode.per_second + 1 / infer.per_second), decode.cpu_seconds + infer.cpu_seconds
    )


def _shares(speeds: Sequence[Speed], limits: Sequence[Speed]) -> str:
    """Say what part of the limit is reached; each round has its own, measured beside it.

    By the clock, which other work on the machine disturbs, and by processor time, which it hardly
    does.
    """
    pairs = list(zip(speeds, limits, strict=True))
    wall = _spread([speed.per_second / limit.per_second for speed, limit in pairs])
    cpu = _spread([limit.cpu_seconds / speed.cpu_seconds for speed, limit in pairs])
    return f"of the limit: wall {wall}, CPU {cpu}"


def _spread(values: Sequence[float]) -> str:
    """Return the median of `values`, their least and their greatest."""
    return f"{statistics.median(values):4.2f} ({min(values):4.2f} to {max(values):4.2f})"


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


def _line(name: str, speeds: Sequence[Speed]) -> str:
    """Return the medians of what was measured in all rounds."""
    rate = statistics.median(each.per_second for each in speeds)
    cost = statistics.median(each.cpu_seconds for each in speeds)
    return f"{name:32}{rate:8.1f} fps {1000 * cost:6.2f} ms CPU per frame"


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
