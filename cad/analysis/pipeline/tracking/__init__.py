"""Tracking: which box of this picture is the object of which box before.

Association as in ByteTrack (Zhang et al., ECCV 2022): boxes of a high score are given to the
predicted positions of all known objects first, boxes of a low score then keep alive the objects
that went without, so that someone half hidden keeps the id. Positions are predicted with a
constant-velocity Kalman filter in seconds, not frames: pictures may come at any rate, at irregular
intervals.

An object is believed when it is seen a second time, so a rule needs two pictures of it. Where a
second or more lies between pictures, whoever moves has left the place in which the next picture
would know him again, so that a clear sight is believed at once. What such rates can do: report who
is in an area, once for each stay of those who stand or sit; one who walks is somebody new in each
picture. Lines need a rate at which a person moves by less than his own width, 4 a second and more.

`motion` is the filter, `association` says which box fits which object, `rhythm` how long one is
waited for, `tracker` is the life of an object. Pure: the time is passed in.
"""

from cad.analysis.pipeline.tracking.rhythm import LOST_SECONDS, Rhythm
from cad.analysis.pipeline.tracking.tracker import Track, Tracker

__all__ = ["LOST_SECONDS", "Rhythm", "Track", "Tracker"]
