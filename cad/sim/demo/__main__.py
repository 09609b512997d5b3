"""`python -m cad.sim.demo`: the main job, end to end. Exit code 0 only if every step happened."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import aiohttp
import typer
from rich.console import Console

from cad.base.errors import CadError
from cad.sim.bench import Bench, StepFailedError, device_settings, platform_options
from cad.sim.camera import RtspCamera
from cad.sim.demo.clip import cut
from cad.sim.demo.gallery import Gallery
from cad.sim.demo.scenario import Stage, play
from cad.sim.demo.verdict import Verdict
from cad.sim.device_process import DeviceProcess
from cad.sim.platform.server import ReferencePlatform

ROOT = Path(__file__).parents[3]
CLIP = ROOT / "cad" / "sim" / "media" / "pedestrians.mp4"
PLUGIN = ROOT / "plugins" / "person_detect"
CODE = "demo-device"
INTERRUPTED = 130
LOG = "cadd.log"
LINES_SHOWN = 12


def main(
    output: Annotated[Path, typer.Option(help="Where events and pictures go.")],
    seconds: Annotated[float, typer.Option(help="Longest time the tasks are watched.")] = 75,
) -> None:
    """Run the main job with an embedded platform and camera."""
    console, verdict = Console(), Verdict()
    try:
        asyncio.run(_demonstrate(output, seconds, console, verdict))
    except KeyboardInterrupt:
        console.print("interrupted; everything is stopped")
        sys.exit(INTERRUPTED)
    except (StepFailedError, CadError, aiohttp.ClientError, OSError) as error:
        verdict.note("the next step", False, str(error))
    verdict.show(console)
    console.print(f"events and pictures: {output}")
    if not verdict.good:
        _show_end_of(output / LOG, console)
    sys.exit(0 if verdict.good else 1)


async def _demonstrate(output: Path, seconds: float, console: Console, verdict: Verdict) -> None:
    with tempfile.TemporaryDirectory(prefix="cad-demo-") as name:
        folder = Path(name)
        gallery = await asyncio.to_thread(Gallery, output / "events")
        media = folder / "media"
        await asyncio.to_thread(media.mkdir)
        recording = media / "recording.mp4"
        await asyncio.to_thread(cut, CLIP, recording, 40.0)
        async with (
            ReferencePlatform(platform_options(folder, CODE), on_event=gallery.keep) as platform,
            RtspCamera() as camera,
            DeviceProcess(folder / "device", device_settings(platform, CODE, media)) as device,
        ):
            console.print(f"platform {platform.url}, camera {camera.url()}, log {device.log}")
            stage = Stage(
                bench=Bench(platform, device, code=CODE, workshop=folder),
                camera_url=camera.url(),
                file_url=recording.as_uri(),
                plugin=PLUGIN,
                seconds=seconds,
                console=console,
                verdict=verdict,
            )
            try:
                await play(stage)
            finally:
                await asyncio.to_thread(_keep_log, device.log, output / LOG)


def _keep_log(source: Path, target: Path) -> None:
    if source.exists():
        target.write_bytes(source.read_bytes())


def _show_end_of(log: Path, console: Console) -> None:
    """Print what the device said last: the reason is there."""
    if log.exists():
        lines = log.read_text("utf-8", "replace").splitlines()[-LINES_SHOWN:]
        console.print(f"the last lines of {log}:")
        console.print("\n".join(lines), markup=False, highlight=False)


if __name__ == "__main__":
    typer.run(main)
