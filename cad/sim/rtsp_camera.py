"""An RTSP camera on GStreamer: serves elementary streams over and over, as a camera would.

Run by the system's Python, whose `gi` is GStreamer's own binding, as a script of its own; so it
imports nothing of the product. Reads one line of JSON from standard input:

    {"host", "port", "user", "password",
     "mounts": {path: {"kind": "video" | "frozen" | "audio", "file", "codec", "fps", "loop"}}}

prints `{"port": N}` once it listens, and ends on SIGTERM, SIGINT or when its standard input closes.
It does not outlive who started it, not even stopped or killed.
"""

import ctypes
import json
import signal
import sys
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

PR_SET_PDEATHSIG = 1
ROLE = "viewer"
PAYLOADS = {
    "h264": "h264parse name=parse config-interval=-1 ! rtph264pay name=pay0 pt=96",
    "h265": "h265parse name=parse config-interval=-1 ! rtph265pay name=pay0 pt=96",
}
AUDIO = "( audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay0 pt=8 )"


class Mount(GstRtspServer.RTSPMediaFactory):  # type: ignore[misc]  # no stubs
    """One path of the camera. All viewers share its time line unless it plays once."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        self._frozen = options["kind"] == "frozen"
        self._step = Gst.SECOND * 1000 // round(options["fps"] * 1000)
        self.set_shared(options["loop"])
        self.set_launch(launch_line(options))
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role(ROLE, "media.factory.access", True)
        permissions.add_permission_for_role(ROLE, "media.factory.construct", True)
        self.set_permissions(permissions)

    def do_configure(self, media: GstRtspServer.RTSPMedia) -> None:
        """Put the pictures of a new medium on one time line that never jumps back."""
        parser = media.get_element().get_by_name("parse")
        if parser is not None:
            pictures = Counter(self._step, last=1 if self._frozen else None)
            parser.get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, pictures.stamp)


class Counter:
    """Stamps pictures with their number times the frame interval; drops those after `last`."""

    def __init__(self, step: int, last: int | None) -> None:
        self._step, self._last, self._count = step, last, 0

    def stamp(self, _pad: Gst.Pad, info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        """Handle one picture on its way to the payloader."""
        if self._last is not None and self._count >= self._last:
            return Gst.PadProbeReturn.DROP
        picture = info.get_buffer()
        picture.pts = picture.dts = self._count * self._step
        picture.duration = self._step
        self._count += 1
        return Gst.PadProbeReturn.OK


def launch_line(options: dict[str, Any]) -> str:
    """Return the pipeline of a mount in the syntax of gst-launch."""
    if options["kind"] == "audio":
        return AUDIO
    loop = "true" if options["loop"] else "false"
    caps = f"video/x-{options['codec']},stream-format=byte-stream"
    source = f'multifilesrc location="{options["file"]}" loop={loop} caps="{caps}"'
    if not options["loop"]:
        source += " stop-index=0"
    return f"( {source} ! {PAYLOADS[options['codec']]} )"


def require_login(server: GstRtspServer.RTSPServer, user: str, password: str) -> None:
    """Let only `user` in, by Digest."""
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", ROLE)
    auth.add_digest(user, password, token)
    server.set_auth(auth)


def allow_everybody(server: GstRtspServer.RTSPServer) -> None:
    """Give the role of a viewer to who does not log in."""
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", ROLE)
    auth.set_default_token(token)
    server.set_auth(auth)


def serve(order: dict[str, Any]) -> None:
    """Serve what `order` says until told to end."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address(order["host"])
    server.set_service(str(order["port"]))
    if order["user"]:
        require_login(server, order["user"], order["password"])
    else:
        allow_everybody(server)
    for path, options in order["mounts"].items():
        server.get_mount_points().add_factory(path, Mount(options))
    if not server.attach(None):
        sys.exit(f"cannot listen on {order['host']}:{order['port']}")
    print(json.dumps({"port": server.get_bound_port()}), flush=True)
    run_until_told()


def run_until_told() -> None:
    """Run the main loop until a signal comes or standard input closes."""
    loop = GLib.MainLoop()
    for number in (signal.SIGTERM, signal.SIGINT):
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, number, loop.quit)
    hang_up = GLib.IO_HUP
    GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, hang_up, lambda *_: loop.quit())
    loop.run()


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    serve(json.loads(sys.stdin.readline()))
