"""An RTSP server: a camera of 64x48 pixels and 25 frames/s at rtsp://127.0.0.1:PORT/stream, by GStreamer.

python3 tests/predict/rtsp.py: prints the port, and runs until it is ended. Runs in the system's Python, for which
`apt-get install gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-good` installs what it imports.
"""

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")

from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402  after their versions

SOURCE = "videotestsrc is-live=true ! video/x-raw,format=I420,width=64,height=48,framerate=25/1"

Gst.init(None)
server, factory = GstRtspServer.RTSPServer(service="0"), GstRtspServer.RTSPMediaFactory()
server.set_address("127.0.0.1")
factory.set_launch(f"( {SOURCE} ! jpegenc ! rtpjpegpay name=pay0 )")
server.get_mount_points().add_factory("/stream", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
