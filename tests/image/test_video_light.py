"""HDR metadata and gray of videos: kept where the encoder can, else said; compared with what FFmpeg reads and writes."""

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from sr.image import video
from sr.image.video_join import joined
from sr.image.video_writer import VideoFormat, VideoWriter, losses

av = pytest.importorskip("av")
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg")
DISPLAY = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400"
# BT.2020 seen from a display of P3 colours and 1000 cd/m2, as x265's manual has it
STATED = [34000, 16000, 13250, 34500, 7500, 3000, 15635, 16450]


def again(source: Path, target: Path, format: VideoFormat, size: tuple[int, int] = (48, 64)) -> list[np.ndarray]:
    """Write the frames of a video to another one as predict.py does; returns them as read."""
    facts, part = video.facts(source), target.with_name("part.mkv")
    frames = list(video.frames(source))
    with VideoWriter(part, facts, size, format.settled(target, facts.deep)) as writer:
        for number, pixels in enumerate(frames):
            writer.write(pixels, number)
    joined([part], [list(range(len(frames)))], target, facts)
    return frames


@pytest.fixture(scope="module")
def hdr(tmp_path_factory) -> Path:
    """Two frames of HDR10, by ffmpeg and x265."""
    path = tmp_path_factory.mktemp("hdr") / "pq.mkv"
    words = "-f lavfi -i testsrc2=size=64x48:rate=25:duration=0.08 -pix_fmt yuv420p10le -c:v libx265 -color_primaries bt2020"
    words += " -color_trc smpte2084 -colorspace bt2020nc -x265-params"
    done = subprocess.run(["ffmpeg", "-v", "error", *words.split(), f"log-level=none:{DISPLAY}", path], capture_output=True)
    if done.returncode:
        pytest.skip(f"ffmpeg has no libx265: {done.stderr.decode()[:100]}")
    return path


@needs_ffmpeg
@pytest.mark.medium
def test_hdr_metadata_are_kept(hdr, tmp_path):
    again(hdr, tmp_path / "a.mp4", VideoFormat())
    words = ["ffprobe", "-v", "error", "-read_intervals", "%+#1", "-of", "json", "-show_frames"]
    frame = json.loads(subprocess.run([*words, tmp_path / "a.mp4"], capture_output=True, check=True).stdout)["frames"][0]
    assert (frame["color_transfer"], frame["color_primaries"], frame["color_space"]) == ("smpte2084", "bt2020", "bt2020nc")
    data = {key: value for side in frame["side_data_list"] for key, value in side.items()}
    names = [f"{name}_{axis}" for name in ("red", "green", "blue", "white_point") for axis in "xy"]
    assert [data[name] for name in names] == [f"{number}/50000" for number in STATED]
    assert (data["max_luminance"], data["min_luminance"]) == ("10000000/10000", "50/10000")
    assert (data["max_content"], data["max_average"]) == (1000, 400)


@needs_ffmpeg
@pytest.mark.slow
@pytest.mark.parametrize(("codec", "near"), [("h264", 0), ("av1", Fraction(1, 2**14))])
def test_hdr_metadata_of_other_codecs(codec, near, hdr, tmp_path):
    again(hdr, tmp_path / "a.mkv", VideoFormat(codec))
    found, wanted = video.facts(tmp_path / "a.mkv").light, video.facts(hdr).light
    assert [float(value * 50000) for value in wanted.display[:8]] == STATED and wanted.content == found.content == (1000, 400)
    assert all(abs(a - b) <= near for a, b in zip(found.display, wanted.display, strict=True))


@needs_ffmpeg
@pytest.mark.medium
def test_lost_hdr_metadata_are_said(hdr, tmp_path):
    facts = video.facts(hdr)
    assert losses(tmp_path / "a.mp4", facts, (48, 64), VideoFormat()) == []
    (line,) = losses(tmp_path / "a.mkv", facts, (48, 64), VideoFormat("ffv1"))
    assert "mastering display, light level" in line and "video.codec=hevc" in line


def gray(path: Path, form: str, range: int, codec: str = "ffv1") -> np.ndarray:
    """A video of one gray ramp, and the ramp."""
    top = 1023 if form == "gray10le" else 255
    ramp = np.tile(np.linspace(0, top, 64).round().astype(np.uint16 if top > 255 else np.uint8), (48, 1))
    with av.open(path, "w") as file:
        stream = file.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, form
        stream.codec_context.color_range = range
        file.mux(stream.encode(av.VideoFrame.from_ndarray(ramp, form)))
        file.mux(stream.encode())
    return ramp


@pytest.mark.parametrize("form", ["gray", "gray10le"])
def test_gray_stays_gray_in_ffv1(form, tmp_path):
    ramp = gray(tmp_path / "in.mkv", form, 2)
    again(tmp_path / "in.mkv", tmp_path / "out.mkv", VideoFormat("ffv1"))
    with av.open(tmp_path / "out.mkv") as file:
        frame = next(file.decode(video=0))
    assert (frame.format.name, frame.color_range) == (form, 2)
    assert np.array_equal(frame.to_ndarray(), ramp)


@pytest.mark.parametrize("form", ["gray", "gray10le"])
def test_gray_of_limited_range(form, tmp_path):
    """16 to 235 of 255 is black to white, whatever the result is written as."""
    ramp = gray(tmp_path / "in.mkv", form, 1)
    scale = 4 if form == "gray10le" else 1
    wanted = ((ramp / scale - 16) / 219).clip(0, 1)
    for codec, chroma in (("ffv1", 420), ("hevc", 444)):
        read = again(tmp_path / "in.mkv", tmp_path / f"{codec}.mkv", VideoFormat(codec, 0, chroma))[0]
        top = np.iinfo(read.dtype).max
        assert np.abs(read[..., 0] / top - wanted).max() < 0.5 / 255
        written = next(video.frames(tmp_path / f"{codec}.mkv"))
        assert np.abs(written[..., 1] / top - wanted).max() < 2.5 / 255


def test_gray_of_other_codecs_is_said(tmp_path):
    gray(tmp_path / "in.mkv", "gray", 2)
    (line,) = losses(tmp_path / "a.mp4", video.facts(tmp_path / "in.mkv"), (48, 64), VideoFormat())
    assert line.startswith("gray becomes yuv420p") and "video.codec=ffv1" in line


@needs_ffmpeg
@pytest.mark.slow
def test_fewer_frames_than_hevc_reorders(hdr, tmp_path):
    """x265 then gives times of decoding that no container takes, in most processes for the first file."""
    facts = video.facts(hdr)
    for count in (1, 2, 3):
        with VideoWriter(tmp_path / f"{count}.mkv", facts, (48, 64), VideoFormat("hevc")) as writer:
            for number in range(count):
                writer.write(np.zeros((48, 64, 3), np.uint16), 40 * number)
        assert [frame.time for frame in video.Video(tmp_path / f"{count}.mkv").read()] == [0, 40, 80][:count]
