"""Seconds from a frame's arrival to its event on disk, through the whole product.

A `cadd` of its own, cameras over RTSP, the INT8 detector, events delivered to a platform: all on
this machine, so cameras and platform take their share of it, too.
"""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.installed import PACKAGES, manifest_of
from cad.sim.bench import Bench, device_settings, platform_options, until
from cad.sim.camera import Mount, RtspCamera
from cad.sim.device_process import DeviceProcess
from cad.sim.platform.device import DeviceClient
from cad.sim.platform.server import ReferencePlatform
from cad.wire.local import OutboxItem, StatusItem

CODE = "benchmark"
PACKAGE = "person_detect"
STREAMS, RATE = 4, 5.0
LEAST_EVENTS, DEADLINE = 300, 120.0
GOAL = 0.3
REPEAT = 1.0
"""Seconds between the events of someone who stays, for many samples."""


def main() -> None:
    """Measure and print."""
    outbox = asyncio.run(_measure())
    print(
        f"frame received to event stored, {STREAMS} RTSP streams at {RATE:g} fps each, whole "
        f"device: p50 {outbox.latency_p50_ms} ms, p95 {outbox.latency_p95_ms} ms of "
        f"{outbox.delivered} events (goal: p95 below {1000 * GOAL:.0f} ms)"
    )


async def _measure() -> OutboxItem:
    with tempfile.TemporaryDirectory(prefix="cad-latency-") as name:
        folder = Path(name)
        async with (
            ReferencePlatform(platform_options(folder, CODE)) as platform,
            RtspCamera(mounts={f"/{number}": Mount() for number in range(STREAMS)}) as camera,
            DeviceProcess(folder / "device", device_settings(platform, CODE, folder)) as device,
        ):
            bench = Bench(platform, device, code=CODE, workshop=folder)
            async with bench.calling() as client:
                urls = [camera.url(f"/{number}") for number in range(STREAMS)]
                await _begin(bench, client, urls)
                return await _enough(device)


async def _begin(bench: Bench, client: DeviceClient, urls: Sequence[str]) -> None:
    code = manifest_of(PACKAGE).code
    await bench.push(client, 1, PACKAGES / PACKAGE)
    await bench.install(client, code)
    for url in urls:
        await client.create_task(_order(code, url, bench.platform.event_url))


async def _enough(device: DeviceProcess) -> OutboxItem:
    async def look() -> OutboxItem | None:
        outbox = StatusItem.read(await device.ctl("status")).outbox
        return outbox if outbox.delivered >= LEAST_EVENTS else None

    return await until(look, DEADLINE, f"there were not {LEAST_EVENTS} events")


def _order(code: str, url: str, events: str) -> Mapping[str, object]:
    rule = {
        "eventType": "INTRUSION",
        "areas": [],
        "extendParams": {"repeatAlarmIntervalThreshold": REPEAT},
        "destinations": {"HTTPDest": {"url": events}},
    }
    video = {"url": url, "analysisFps": RATE}
    info = {"rulesParams": [rule], "streamOptions": {"videoStreamOptions": video}}
    return {"algoServiceId": code, "restartPolicy": "ALWAYS", "taskInfo": info}


if __name__ == "__main__":
    main()
