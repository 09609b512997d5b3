"""Tracking: which box of this picture is the object of which box before.

Association as in ByteTrack (Zhang et al., ECCV 2022): boxes of a high score are given to the
predicted positions of all known objects first, boxes of a low score then keep alive the objects
that went without, so that someone half hidden keeps the id. Positions are predicted with a
constant-velocity Kalman filter in seconds, not frames: pictures may come at any rate, at irregular
intervals.

`motion` is the filter, `association` says which box fits which object, `tracker` is the life of an
object. Pure: the time is passed in.
"""

from cad.analysis.pipeline.tracking.tracker import LOST_SECONDS, Track, Tracker

__all__ = ["LOST_SECONDS", "Track", "Tracker"]
