# A network camera: GStreamer's RTSP server, which is that of many cameras, with
# films for what its sensor sees. usage: rtsp.py PORT NAME=FILM.264[=FILM.264...]...
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

Gst.init(None)
for needed in ("h264parse", "rtph264pay"):
    if Gst.ElementFactory.find(needed) is None:
        sys.exit("GStreamer has no " + needed)
if len(sys.argv) == 1:  # only asked whether all of it is here
    sys.exit(0)


class Film(GstRtspServer.RTSPMediaFactory):
    """Shows a film to each who asks: the first, then the next, and from then on the last."""

    def __init__(self, paths):
        super().__init__()
        self.paths = paths

    def do_create_element(self, _):
        path = self.paths.pop(0) if len(self.paths) > 1 else self.paths[0]
        return Gst.parse_launch(f'( filesrc location="{path}" ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 )')


server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(sys.argv[1])
for film in sys.argv[2:]:
    name, *paths = film.split("=")
    server.get_mount_points().add_factory("/" + name, Film(paths))
if not server.attach(None):
    sys.exit("the port is taken")
GLib.MainLoop().run()
