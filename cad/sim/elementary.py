"""Elementary streams for simulated cameras, made from any clip."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

CODECS = {"h264": "libx264", "h265": "libx265"}
LIBAV_NAMES = {"h264": "h264", "h265": "hevc"}
QUICK = {"preset": "ultrafast", "tune": "zerolatency", "bf": "0", "x265-params": "log-level=none"}


def write_elementary(clip: Path, codec: str, target: Path, pictures: int = 0) -> Fraction:
    """Write the video of `clip` to `target` with start codes, and return its pictures per second.

    Pictures lie in the order in which they are shown, as cameras send them: a clip that is
    otherwise, or in another codec, is encoded again.

    Args:
        clip: any container with video.
        codec: `h264` or `h265`.
        target: is overwritten.
        pictures: how many from the start; 0 = all.
    """
    with (
        av.open(str(clip), "r") as source,
        av.open(str(target), "w", format=LIBAV_NAMES[codec]) as sink,
    ):
        video = source.streams.video[0]
        rate = Fraction(video.average_rate or 25)
        context = video.codec_context
        if context.name == LIBAV_NAMES[codec] and not context.has_b_frames:
            _copy(video, sink, pictures)
        else:
            _encode(video, sink, CODECS[codec], rate, pictures)
        return rate


def _copy(video: VideoStream, sink: OutputContainer, pictures: int) -> None:
    target = sink.add_stream_from_template(video)
    packets = (packet for packet in video.container.demux(video) if packet.size)  # type: ignore[attr-defined]
    for number, packet in enumerate(packets):
        if pictures and number >= pictures:
            break
        packet.stream = target
        sink.mux(packet)


def _encode(
    video: VideoStream, sink: OutputContainer, encoder: str, rate: Fraction, pictures: int
) -> None:
    target: Any = sink.add_stream(encoder, rate=rate, options=QUICK)
    target.width, target.height, target.pix_fmt = video.width, video.height, "yuv420p"
    target.gop_size = max(1, round(2 * rate))
    for number, picture in enumerate(video.container.decode(video)):  # type: ignore[attr-defined]
        if pictures and number >= pictures:
            break
        picture.pts, picture.time_base, picture.pict_type = number, 1 / rate, 0
        sink.mux(target.encode(picture))
    sink.mux(target.encode(None))
