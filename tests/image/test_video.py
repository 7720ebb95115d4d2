"""Videos are read as FFmpeg's own program decodes them: colours, orientation, depth; broken files are one line."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from sr.errors import InputError, MissingError
from sr.image import video
from tests.predict.clips import film, pictures

av = pytest.importorskip("av")
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg")


def picture(height: int = 48, width: int = 64) -> np.ndarray:
    """A smooth picture whose corners differ."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 / width, y * 255 / height, 40 + 100 * (x * y) / (height * width)], -1).astype(np.uint8)


def made(path: Path, *, count: int = 3, turn: float = 0, mirror: bool = False, **context) -> Path:
    """A video of `picture` in 4:4:4, which `turn` and `mirror` tell players to show otherwise."""
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        for name, value in context.items():
            setattr(stream.codec_context, name, value)
        stream.set_display_rotation(turn, hflip=mirror)
        for _ in range(count):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture())))
        file.mux(stream.encode())
    return path


def decoded(path: Path, shape: tuple[int, ...], *filters: str, deep: bool = False) -> np.ndarray:
    """All frames as ffmpeg's program decodes them."""
    words = ["ffmpeg", "-v", "error", "-i", path, *filters, "-f", "rawvideo", "-pix_fmt", "rgb48le" if deep else "rgb24", "-"]
    raw = subprocess.run(words, capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint16 if deep else np.uint8).reshape(-1, *shape)


@needs_ffmpeg
@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_frames_are_upright(turn, mirror, tmp_path):
    path = made(tmp_path / "turned.mp4", count=1, turn=turn, mirror=mirror)
    facts = video.facts(path)
    (found,) = video.frames(path)
    assert found.shape == (facts.height, facts.width, 3) == ((64, 48, 3) if turn in (90, 270) else (48, 64, 3))
    assert np.abs(found.astype(int) - decoded(path, found.shape)[0]).max() <= 1


@needs_ffmpeg
@pytest.mark.parametrize(
    ("name", "matrix", "scale"),
    [
        ("odd/h265_video.mp4", 6, "bt601"),
        ("odd/av1_video.mkv", 1, "bt709"),
        ("odd/carphone_10bit_422.mkv", 6, "bt601"),
        ("odd/carphone_mjpeg.avi", 5, "bt601"),
        ("odd/carphone_odd_size_175x143_444.mkv", 6, "bt601"),
    ],
)
def test_colours_are_those_of_ffmpeg(name, matrix, scale, sr_data):
    path = sr_data / "domains" / "video" / name
    facts, frames = video.facts(path), [frame for frame, _ in zip(video.frames(path), range(4), strict=False)]
    assert facts.matrix == matrix and frames[0].dtype == (np.uint16 if facts.deep else np.uint8)
    options = f"scale=in_color_matrix={scale}:flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact"
    theirs = decoded(path, frames[0].shape, "-vf", options, "-frames:v", "4", deep=facts.deep)
    unit = 257 if facts.deep else 1
    assert np.abs(np.stack(frames).astype(int) - theirs).mean() < 0.6 * unit  # they differ in where 4:2:0 has its chroma


@pytest.mark.parametrize(("stated", "black", "white"), [(1, 16, 235), (2, 0, 255)])
def test_range_is_that_of_the_file(stated, black, white, tmp_path):
    with av.open(tmp_path / "ends.mkv", "w") as file:
        stream = file.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        stream.codec_context.color_range = stated
        planes = np.full((3, 48, 64), 128, np.uint8)
        planes[0, :, :32], planes[0, :, 32:] = black, white
        file.mux(stream.encode(av.VideoFrame.from_ndarray(planes, "yuv444p")))
        file.mux(stream.encode())
    (found,) = video.frames(tmp_path / "ends.mkv")
    assert (found[:, :32] == 0).all() and (found[:, 32:] == 255).all()


def test_facts(sr_data):
    folder = sr_data / "domains" / "video"
    facts = video.facts(folder / "clips" / "flipping_a_pancake.mkv")
    assert (facts.width, facts.height, facts.rate, facts.count, facts.frames) == (426, 240, 30, None, 311)
    assert (facts.codec, facts.audio, facts.levels, facts.rotation) == ("h264", ("opus",), 255, 0)
    assert "no colour matrix" in facts.guessed[0]
    assert video.facts(folder / "odd" / "transparent.webm").alpha
    full = video.facts(folder / "odd" / "bt709_full_range.mp4")
    assert (full.matrix, full.primaries, full.transfer, full.range, full.count) == (1, 1, 1, 2, 30)
    with video.Video(folder / "odd" / "nasa_13013_two_video_streams.mp4", stream=1) as second:
        assert (second.facts.width, second.facts.rate.denominator) == (480, 1001)


def test_start_gives_the_same_frames(tmp_path, sr_data):
    path = sr_data / "domains" / "video" / "odd" / "carphone_mjpeg.avi"
    whole = list(video.frames(path))
    assert len(whole) == 15 and np.array_equal(np.stack(whole[11:]), np.stack(list(video.frames(path, start=11))))


@pytest.mark.parametrize(
    ("cut", "kept", "reason"),
    [
        (("clips/chaplin.mp4", 200_000), 0, "cannot be read as a video"),  # its index is at the end
        (("clips/flipping_a_pancake.mkv", 60_000), 20, "it ends after .* of 10.4 seconds"),
        (("odd/carphone_mjpeg.avi", 30_000), 7, "Invalid data"),
    ],
)
def test_truncated_files_are_refused_or_kept(cut, kept, reason, tmp_path, sr_data):
    source = sr_data / "domains" / "video" / cut[0]
    path = tmp_path / source.name
    path.write_bytes(source.read_bytes()[: cut[1]])
    with pytest.raises(InputError, match=reason):
        list(video.frames(path))
    if kept:
        with video.Video(path, broken="keep") as opened:
            found = sum(1 for _ in opened.read(convert=False))
            assert found >= kept and opened.missing


def test_bad_files_are_one_line(tmp_path, sr_data, monkeypatch):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("hello")
    with av.open(tmp_path / "sound.mkv", "w") as file:
        stream = file.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1600), np.int16), "s16", "stereo")
        frame.sample_rate = 8000
        file.mux(stream.encode(frame) + stream.encode())
    two = sr_data / "domains" / "video" / "odd" / "nasa_13013_two_video_streams.mp4"
    for path, reason in (
        (tmp_path / "empty.mp4", "an empty file"),
        (tmp_path / "text.mp4", "cannot be read as a video"),
        (tmp_path / "sound.mkv", "no video stream"),
        (two, "2 video streams .*: pass video.stream=0"),
    ):
        with pytest.raises(InputError, match=reason) as caught:
            video.facts(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(MissingError, match="no such file"):
        video.facts(tmp_path / "none.mp4")
    monkeypatch.setattr("sr.image.video_facts.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r'videos need PyAV: pip install ".\[video\]"'):
        video.facts(two)


def test_colours_that_cannot_be_converted_are_refused(tmp_path):
    with av.open(tmp_path / "odd.mkv", "w") as file:
        stream = file.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        stream.codec_context.colorspace = 8  # YCgCo
        file.mux(stream.encode(av.VideoFrame.from_ndarray(picture())) + stream.encode())
    with pytest.raises(InputError, match=r"its colour matrix \(number 8 of H.273\) is not supported: convert it first"):
        video.facts(tmp_path / "odd.mkv")


def test_frames_of_two_sizes_are_refused(tmp_path):
    first, second = made(tmp_path / "a.ts"), tmp_path / "b.ts"
    with av.open(second, "w") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        file.mux(stream.encode(av.VideoFrame.from_ndarray(picture(32, 32))) + stream.encode())
    (tmp_path / "both.ts").write_bytes(first.read_bytes() + second.read_bytes())
    with pytest.raises(InputError, match="frame 3 is 32x32, but those before are 64x48"):
        list(video.frames(tmp_path / "both.ts"))


def test_a_matroska_file_that_was_cut_off(tmp_path):
    whole = film(tmp_path / "whole.mkv", pictures(25))
    (tmp_path / "cut.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert len(list(video.frames(whole))) == 25
    with pytest.raises(InputError, match=r"cut.mkv: broken .it ends after 0.\d of 1.0 seconds.: pass video.broken=keep"):
        list(video.frames(tmp_path / "cut.mkv"))
    with video.Video(tmp_path / "cut.mkv", broken="keep") as opened:
        assert 5 < len(list(opened.read(convert=False))) < 20 and opened.missing == 1
