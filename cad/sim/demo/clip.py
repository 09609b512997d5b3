"""Cuts the beginning out of a clip without coding it again."""

from pathlib import Path

import av


def cut(source: Path, target: Path, seconds: float) -> None:
    """Write the first `seconds` of the video in `source` to `target`."""
    with av.open(str(source)) as given, av.open(str(target), "w") as written:
        video = given.streams.video[0]
        copy = written.add_stream_from_template(video)
        for packet in given.demux(video):
            if packet.dts is None or packet.pts is None:
                continue
            if float(packet.pts * packet.time_base) >= seconds:
                break
            packet.stream = copy
            written.mux(packet)
