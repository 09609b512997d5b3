"""Recordings: paced, looped, damaged, forbidden."""

import os
import threading
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from typing_extensions import override

from cad.domain.faults import FaultClass
from cad.domain.frames import Frame
from cad.domain.streams import StreamSource
from tests.analysis.ingest.rig import (
    CLIP,
    Collector,
    TurnableClock,
    has_fault,
    is_ended,
    limits,
    message,
    reading,
)
from tests.waiting import until

PICTURES = 30


def cut(target: Path, pictures: int = PICTURES) -> Path:
    """Write the first pictures of the clip, 10 per second, into `target`'s kind of container."""
    with av.open(str(CLIP), "r") as clip, av.open(str(target), "w") as container:
        video = clip.streams.video[0]
        stream = container.add_stream_from_template(video)
        for _, packet in zip(range(pictures), clip.demux(video), strict=False):
            packet.stream = stream
            container.mux(packet)
    return target


def source(path: Path, *, loop: bool = False) -> StreamSource:
    return StreamSource(url=path.as_uri(), loop=loop)


async def read_all(
    path: Path, sink: Collector | None = None, clock: TurnableClock | None = None
) -> Collector:
    """Read a recording to its end, at its own speed if there is a clock to turn."""
    sink, bounds = sink or Collector(), limits(path.parent, pace_files=clock is not None)
    async with reading(source(path), bounds, sink, clock) as reader:
        await until(lambda: is_ended(reader))
        assert reader.status().fault is None
    return sink


async def test_every_picture_of_a_recording_is_offered() -> None:
    sink = await read_all(CLIP)
    assert sink.times == pytest.approx([number / 10 for number in range(795)])


async def test_a_recording_plays_at_its_own_speed(tmp_path: Path) -> None:
    clock = TurnableClock()
    sink = await read_all(cut(tmp_path / "clip.mp4"), clock=clock)
    assert clock.seconds - 1000 == pytest.approx(2.9)
    assert [frame.received - 1000 for frame in sink.frames] == pytest.approx(sink.times)


async def test_a_looped_recording_goes_on_in_real_time_on_one_time_line(tmp_path: Path) -> None:
    sink, clock = Collector(), TurnableClock()
    looped = source(cut(tmp_path / "clip.mp4"), loop=True)
    async with reading(looped, limits(tmp_path, pace_files=False), sink, clock) as reader:
        await until(lambda: len(sink.frames) >= 4 * PICTURES)
        assert reader.status().connects == 1
    assert [b - a for a, b in pairwise(sink.times)] == pytest.approx([0.1] * (len(sink.times) - 1))
    assert clock.seconds - 1000 >= 11.8


@pytest.mark.parametrize("container", ["mkv", "ts", "flv", "mov", "h264"])
async def test_any_container_is_read(tmp_path: Path, container: str) -> None:
    sink = await read_all(cut(tmp_path / f"clip.{container}"))
    assert PICTURES - 1 <= len(sink.frames) <= PICTURES
    assert all(later > earlier for earlier, later in pairwise(sink.times))


async def test_a_sink_that_is_busy_holds_the_recording_back(tmp_path: Path) -> None:
    class Busy(Collector):
        def __init__(self) -> None:
            super().__init__()
            self.free = threading.Semaphore(0)

        @override
        def offer(self, frame: Frame) -> None:
            self.free.acquire()
            super().offer(frame)

    sink = Busy()
    recording = source(cut(tmp_path / "clip.mp4"))
    async with reading(recording, limits(tmp_path, pace_files=False), sink) as reader:
        sink.free.release(3)
        await until(lambda: len(sink.frames) == 3 and len(sink.asked) == 4)
        assert reader.status().decoded == 4
        sink.free.release(PICTURES)
        await until(lambda: is_ended(reader))
    assert len(sink.frames) == PICTURES


def encode(target: Path, width: int, height: int, pictures: int) -> bytes:
    """Write H.264 at 25 pictures a second, every other one a B picture nothing depends on."""
    options = {"preset": "ultrafast", "bf": "1", "g": "20", "x264-params": "b-adapt=0"}
    with av.open(str(target), "w") as container:
        stream = container.add_stream("libx264", rate=25, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for _ in range(pictures):
            container.mux(stream.encode(av.VideoFrame(width, height, "yuv420p")))
        container.mux(stream.encode(None))
    return target.read_bytes()


async def test_the_size_may_change_in_mid_stream(tmp_path: Path) -> None:
    small = encode(tmp_path / "small.h264", 320, 240, 40)
    large = encode(tmp_path / "large.h264", 640, 360, 40)
    (tmp_path / "both.h264").write_bytes(small + large)
    sink = await read_all(tmp_path / "both.h264")
    sizes = [(frame.picture.width, frame.picture.height) for frame in sink.frames]
    assert sizes == [(320, 240)] * 40 + [(640, 360)] * 40


async def test_pictures_that_nothing_needs_are_not_decoded_when_the_rate_allows(
    tmp_path: Path,
) -> None:
    path = tmp_path / "clip.mkv"
    encode(path, 320, 240, 200)
    everything, some = Collector(target_rate=0), Collector(target_rate=5)
    await read_all(path, everything)
    await read_all(path, some)
    assert len(everything.frames) == 200
    assert len(some.frames) < 140
    assert max(later - earlier for earlier, later in pairwise(some.times)) < 1 / 5


async def test_a_stopped_reader_offers_nothing_more(tmp_path: Path) -> None:
    sink = Collector()
    async with reading(source(cut(tmp_path / "clip.mp4")), limits(tmp_path), sink) as reader:
        await until(lambda: len(sink.frames) >= 2)
        reader.stop()
        await until(lambda: reader.join(0))
        seen = len(sink.frames)
    assert seen < PICTURES


REFUSED = {
    "empty": (b"", FaultClass.PROTOCOL),
    "text": (b"this is no video\n" * 1000, FaultClass.PROTOCOL),
    "noise": (np.random.default_rng(1).bytes(100_000), FaultClass.PROTOCOL),
    "playlist": (b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n", FaultClass.PROTOCOL),
    "head": (CLIP.read_bytes()[:1000], FaultClass.PROTOCOL),
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_what_is_no_recording_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    content, expected = REFUSED[kind]
    path = tmp_path / f"{kind}.mp4"
    path.write_bytes(content)
    async with reading(source(path), limits(tmp_path)) as reader:
        await until(lambda: has_fault(reader, expected))
        assert path.name in message(reader)
        assert str(tmp_path) not in message(reader)


async def test_a_sound_recording_has_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    async with reading(source(path), limits(tmp_path)) as reader:
        await until(lambda: has_fault(reader, FaultClass.CODEC))
        assert "no video" in message(reader)


async def test_a_truncated_recording_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = cut(tmp_path / "clip.mkv").read_bytes()
    (tmp_path / "part.mkv").write_bytes(whole[: len(whole) // 2])
    sink = await read_all(tmp_path / "part.mkv")
    assert 5 <= len(sink.frames) < PICTURES


async def test_damage_is_healed_at_the_next_key_picture(tmp_path: Path) -> None:
    content = bytearray(cut(tmp_path / "clip.ts", pictures=60).read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = np.random.default_rng(1).bytes(4000)
    (tmp_path / "damaged.ts").write_bytes(content)
    sink, bounds = Collector(), limits(tmp_path, pace_files=False)
    async with reading(source(tmp_path / "damaged.ts"), bounds, sink) as reader:
        await until(lambda: is_ended(reader))
        status = reader.status()
    assert 30 <= len(sink.frames) <= 60
    assert sink.times[-1] > 5
    assert status.damaged > 0
    assert status.decoded + status.damaged == status.received


async def test_pictures_before_the_first_key_picture_are_skipped_and_counted(
    tmp_path: Path,
) -> None:
    whole = cut(tmp_path / "clip.ts", pictures=60).read_bytes()
    (tmp_path / "late.ts").write_bytes(whole[len(whole) // 4 // 188 * 188 :])
    async with reading(source(tmp_path / "late.ts"), limits(tmp_path, pace_files=False)) as reader:
        await until(lambda: is_ended(reader))
        status = reader.status()
    assert status.skipped > 0
    assert status.decoded + status.skipped == status.received


async def test_files_outside_the_folders_are_refused(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    secret = cut(outside / "secret.mp4")
    (inside / "link.mp4").symlink_to(secret)
    for path in (secret, inside / "link.mp4", inside / ".." / "out" / "secret.mp4"):
        async with reading(f"file://{path}", limits(inside)) as reader:
            await until(lambda: has_fault(reader, FaultClass.NOT_FOUND))
            assert "outside" in message(reader)


@pytest.mark.parametrize("name", ["absent.mp4", "", "a\x00b", "x" * 5000])
async def test_what_is_not_there_is_not_found(tmp_path: Path, name: str) -> None:
    async with reading(f"file://{tmp_path}/{name}", limits(tmp_path)) as reader:
        await until(lambda: has_fault(reader, FaultClass.NOT_FOUND))


async def test_a_pipe_does_not_hang_the_reader(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    async with reading(source(tmp_path / "pipe.mp4"), limits(tmp_path)) as reader:
        await until(lambda: has_fault(reader, FaultClass.NOT_FOUND))
        assert "not a file" in message(reader)


async def test_an_unknown_scheme_is_refused_by_name() -> None:
    async with reading("gopher://user:pw@host/x", limits()) as reader:
        await until(lambda: has_fault(reader, FaultClass.PROTOCOL))
        assert "gopher" in message(reader)
        assert "pw" not in message(reader)
