"""Turns the packets of one video stream into pictures."""

from collections.abc import Iterator

import av.error
from av import Packet, VideoFrame
from av.codec.context import Flags
from av.video.stream import VideoStream

from cad.analysis.ingest.nal import is_reference, length_size


class Decoder:
    """Decodes one video stream in the calling thread.

    Begins at a key picture, and begins again at the next one after an error: pictures predicted
    from what is missing would show what never was. A picture's `opaque` is that of its packet,
    however many packets later it comes.
    """

    def __init__(self, stream: VideoStream) -> None:
        self._context = stream.codec_context
        # The streams share the cores: one thread for each.
        self._context.thread_type = "NONE"
        self._context.thread_count = 1
        self._context.flags |= Flags.copy_opaque
        self._length_size = length_size(self._context.name, self._context.extradata)
        self._waits_for_key = True
        self.errors = 0
        self.skipped = 0
        """Packets before the first key picture, or between an error and the next."""

    def decode(self, packet: "Packet[VideoStream]") -> Iterator[VideoFrame]:
        """Yield the sound pictures that `packet` completes; an empty one yields what is left."""
        if self._waits_for_key and packet.size and not packet.is_keyframe:
            self.skipped += 1
            return
        self._waits_for_key = False
        try:
            pictures = self._context.decode(packet)
        except av.error.FFmpegError:
            self.errors += 1
            self._waits_for_key = True
            self._context.flush_buffers()
            return
        for picture in pictures:
            if picture.is_corrupt:
                self.errors += 1
            else:
                yield picture

    def is_reference(self, packet: "Packet[VideoStream]") -> bool:
        """Whether other pictures are predicted from that in `packet`."""
        return is_reference(self._context.name, bytes(packet), self._length_size)

    def decode_references_only(self, only: bool) -> None:
        """Leave pictures undecoded that no other one needs, or take them up again."""
        self._context.skip_frame = "NONREF" if only else "DEFAULT"
