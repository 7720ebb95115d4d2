"""Written videos keep time stamps, colours, depth, audio and subtitles, by ffprobe; errors are one line and leave nothing."""

import json
import resource
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from sr.errors import InputError, StorageError
from sr.image import video
from sr.image.video_join import joined
from sr.image.video_writer import ENCODERS, VideoFormat, VideoWriter, check_name, encoded

av = pytest.importorskip("av")
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffprobe") is None, reason="no ffprobe")


def picture(height: int = 48, width: int = 64, dtype: type = np.uint8) -> np.ndarray:
    """A smooth picture in colour."""
    y, x = np.mgrid[:height, :width]
    shown = np.stack([x * 255 / width, y * 255 / height, 40 + 100 * (x * y) / (height * width)], -1)
    return (shown * np.iinfo(dtype).max / 255).astype(dtype)


def probe(path: Path, *words: str) -> dict:
    told = subprocess.run(["ffprobe", "-v", "error", "-of", "json", *words, path], capture_output=True, check=True)
    return json.loads(told.stdout)


def hashes(path: Path) -> list[list[tuple[str, str]]]:
    """Time and hash of the packets of each stream of audio and subtitles, by its order."""
    words = ("-show_data_hash", "md5", "-show_entries", "packet=codec_type,stream_index,pts_time,data_hash")
    streams: dict[int, list[tuple[str, str]]] = {}
    for packet in probe(path, *words)["packets"]:
        if packet["codec_type"] != "video":
            streams.setdefault(packet["stream_index"], []).append((packet["pts_time"], packet["data_hash"]))
    return [streams[index] for index in sorted(streams)]


def source(path: Path, **context) -> video.VideoFacts:
    """The facts of a small video of five frames at uneven times, with these colour tags."""
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264" if path.suffix == ".mov" else "ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, context.pop("pix_fmt", "yuv444p")
        stream.codec_context.time_base = Fraction(1, 600)
        for name, value in context.items():
            setattr(stream.codec_context, name, value)
        for time in (0, 24, 30, 90, 102):
            frame = av.VideoFrame.from_ndarray(picture())
            frame.pts, frame.time_base = time, Fraction(1, 600)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return video.facts(path)


def written(path: Path, facts: video.VideoFacts, times: list[int], format: VideoFormat, cut: int = 3) -> list[Path]:
    """`picture` at these times, in two parts."""
    parts = [path.with_name("0.mkv"), path.with_name("1.mkv")]
    for part, those in zip(parts, (times[:cut], times[cut:]), strict=True):
        with VideoWriter(part, facts, (48, 64), format.settled(path, facts.deep)) as writer:
            for time in those:
                writer.write(picture(dtype=np.uint16 if facts.deep else np.uint8), time)
    joined(parts, [times[:cut], times[cut:]], path, facts)
    return parts


@needs_ffmpeg
@pytest.mark.parametrize(
    ("name", "codec", "format"),
    [("a.mp4", "h264", "yuv420p"), ("a.mkv", "h264", "yuv420p"), ("a.webm", "vp9", "yuv420p"), ("a.ts", "h264", "yuv420p")],
)
def test_uneven_times_are_kept(name, codec, format, tmp_path):
    facts = source(tmp_path / "in.mov")
    times = [0, 24, 30, 90, 102, 300, 301]
    assert facts.time_base.denominator % 600 == 0
    unit = facts.time_base.denominator // 600
    written(tmp_path / name, facts, [time * unit for time in times], VideoFormat())
    (stream,) = probe(tmp_path / name, "-show_entries", "stream=codec_name,pix_fmt")["streams"]
    assert (stream["codec_name"], stream["pix_fmt"]) == (codec, format)
    frames = probe(tmp_path / name, "-show_entries", "frame=pts_time")["frames"]
    shown = np.array([float(frame["pts_time"]) for frame in frames])
    assert np.abs(shown - shown[0] - np.array(times) / 600).max() < (0.001 if name == "a.mp4" or ".ts" in name else 0.0011)


@needs_ffmpeg
@pytest.mark.parametrize("range", [1, 2])
@pytest.mark.parametrize("matrix", [1, 5, 6, 9])
def test_colours_and_their_tags_are_kept(matrix, range, tmp_path):
    facts = source(tmp_path / "in.mkv", colorspace=matrix, color_range=range, color_primaries=1, color_trc=13)
    times = [0, 40, 80]
    written(tmp_path / "out.mkv", facts, times, VideoFormat(codec="ffv1", chroma=444), cut=1)
    shown = "stream=color_range,color_space,color_primaries,color_transfer"
    before, after = (probe(tmp_path / name, "-show_entries", shown)["streams"] for name in ("in.mkv", "out.mkv"))
    assert before == after and before[0]["color_transfer"] == "iec61966-2-1"
    for found in video.frames(tmp_path / "out.mkv"):
        assert np.abs(found.astype(int) - picture()).max() <= 2  # 8 bits of YUV


def test_ten_bits_stay_ten(tmp_path):
    facts = source(tmp_path / "in.mkv", pix_fmt="yuv444p10le")
    assert facts.levels == 1023
    written(tmp_path / "out.mp4", facts, [0, 40, 80], VideoFormat(quality=1, chroma=444), cut=1)
    after = video.facts(tmp_path / "out.mp4")
    assert (after.codec, after.format) == ("hevc", "yuv444p10le")
    (found, *_) = video.frames(tmp_path / "out.mp4")
    assert np.abs(found.astype(int) - picture(dtype=np.uint16)).mean() < 257 / 2  # half a level of 8 bits


@needs_ffmpeg
@pytest.mark.medium
def test_audio_and_subtitles_are_copied(tmp_path, sr_data):
    path = sr_data / "domains" / "video" / "odd" / "nasa_13013_two_video_streams.mp4"
    with video.Video(path, stream=0) as opened:
        facts, parts = opened.facts, [tmp_path / "0.mkv"]
        with VideoWriter(parts[0], facts, (48, 64), VideoFormat()) as writer:
            times = [frame.time for frame, _ in zip(opened.read(convert=False), range(10), strict=False)]
            for time in times:
                writer.write(picture(), time)
    assert joined(parts, [times], tmp_path / "out.mp4", facts, path) == []
    assert hashes(tmp_path / "out.mp4") == hashes(path) and len(hashes(path)) == 4
    lost = joined(parts, [times], tmp_path / "out.mkv", facts, path)
    assert lost == ["subtitle of mov_text does not go into .mkv and is dropped"] * 2
    assert [part for part in tmp_path.iterdir() if part.name.startswith(".")] == []


def test_odd_sizes_get_whole_chroma(tmp_path):
    facts = source(tmp_path / "in.mkv")
    with VideoWriter(tmp_path / "odd.mp4", facts, (47, 63), VideoFormat()) as writer:
        writer.write(picture(47, 63), 0)
    assert video.facts(tmp_path / "odd.mp4").format == "yuv444p"


def test_a_full_disk_is_one_line(tmp_path):
    facts = source(tmp_path / "in.mkv")
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with VideoWriter(tmp_path / "whole.mkv", facts, (480, 640), VideoFormat(codec="ffv1", chroma=444)) as writer:
        writer.write(noise, 0)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, limits[1]))
        writer = VideoWriter(tmp_path / "part.mkv", facts, (480, 640), VideoFormat(codec="ffv1", chroma=444))
        with pytest.raises(StorageError, match="File too large"), writer:
            for time in range(4):
                writer.write(noise, time)
        with pytest.raises(StorageError, match="whole.mkv|out.mkv"):
            joined([tmp_path / "whole.mkv"] * 3, [[0], [1], [2]], tmp_path / "out.mkv", facts)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mkv", "whole.mkv"]


def test_wrong_options_are_one_line(tmp_path, monkeypatch):
    for options, reason in (
        ({"codec": "mpeg"}, "video.codec=mpeg: choose auto or one of h264"),
        ({"quality": 99}, "video.quality=99"),
        ({"chroma": 411}, "video.chroma=411"),
    ):
        with pytest.raises(InputError, match=reason):
            VideoFormat(**options)
    for name, codec, reason in (
        ("a.xyz", "auto", r"\.xyz: choose one of \.mp4"),
        ("a.webm", "h264", "WebM holds vp9 and av1"),
        ("a.mp4", "ffv1", "does not hold ffv1"),
    ):
        with pytest.raises(InputError, match=reason):
            check_name(tmp_path / name, VideoFormat(codec=codec))
    monkeypatch.setitem(ENCODERS, "h264", "libx999")
    with pytest.raises(InputError, match="a.mkv: this PyAV has no encoder libx999"):
        encoded(tmp_path / "a.mkv", source(tmp_path / "in.mov"), (48, 64), VideoFormat("h264"))
    facts = source(tmp_path / "in.mkv", pix_fmt="yuv444p10le")
    with pytest.raises(InputError, match="libvpx-vp9 cannot write 420 of 10 bits"):
        VideoWriter(tmp_path / "a.webm", facts, (48, 64), VideoFormat())
