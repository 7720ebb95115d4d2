"""Video codecs beside FFmpeg's own program, swscale and RealBasicVSR's way through an MP4 file."""

import io
import shutil
import struct
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from torch import Tensor

from sr.degradation.video_codec import CODECS, VideoCodec, compressed, decoded, encoded, from_yuv420, to_yuv420
from sr.functional.draws import Draws

needs_av = pytest.mark.skipif(find_spec("av") is None, reason='PyAV is not installed: pip install ".[video]"')
FFMPEG = shutil.which("ffmpeg")


@pytest.fixture(scope="module")
def clip(photo) -> Tensor:
    """Six frames (6, 3, 64, 80) of a camera that moves to the right and down."""
    return torch.cat([photo[..., 60 + i : 124 + i, 100 + 3 * i : 180 + 3 * i] for i in range(6)])


def psnr(one: Tensor, other: Tensor) -> float:
    return -10 * (one - other).square().mean().log10().item()


def ivf(packets: list[bytes], height: int, width: int) -> bytes:
    """A file of VP9 packets: a header of 32 bytes, and 12 bytes before each packet."""
    head = struct.pack("<4sHH4sHHIIII", b"DKIF", 0, 32, b"VP90", width, height, 25, 1, len(packets), 0)
    return head + b"".join(struct.pack("<IQ", len(packet), i) + packet for i, packet in enumerate(packets))


@needs_av
@pytest.mark.skipif(FFMPEG is None, reason="there is no program ffmpeg")
@pytest.mark.parametrize("name", CODECS)
def test_the_program_ffmpeg_decodes_the_same_frames(clip, name):
    packets = encoded(to_yuv420(clip), name, quality=20)
    file = ivf(packets, 64, 80) if name == "vp9" else b"".join(packets)
    form = {"mpeg4": "m4v", "vp9": "ivf"}.get(name, name)
    command = [FFMPEG, "-loglevel", "error", "-flags", "+bitexact", "-f", form, "-i", "-"]
    command += ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"]
    done = subprocess.run(command, input=file, capture_output=True, timeout=60, check=True)
    assert np.array_equal(np.frombuffer(done.stdout, np.uint8).reshape(6, 96, 80), decoded(packets, name))


@needs_av
def test_a_lossless_stream_returns_every_frame_in_its_place(clip):
    """CRF 0 of x264 is lossless; its B frames are stored in another order."""
    frames = to_yuv420(clip)
    assert np.array_equal(decoded(encoded(frames, "h264", quality=0), "h264"), frames)


@needs_av
def test_colours_are_converted_as_by_swscale(photo):
    import av

    pixels = (photo[0] * 255).byte().permute(1, 2, 0).contiguous().numpy()
    how = av.video.reformatter.Interpolation  # without these flags swscale's RGB is darker by a level
    if not hasattr(how, "ACCURATE_RND"):
        pytest.skip(f"PyAV {av.__version__} cannot make swscale round exactly")
    exact = how.ACCURATE_RND | how.FULL_CHR_H_INP | how.FULL_CHR_H_INT
    ours = to_yuv420(photo)
    theirs = av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(format="yuv420p", interpolation=how.AREA | exact).to_ndarray()
    back = av.VideoFrame.from_ndarray(ours[0], "yuv420p").reformat(format="rgb24", interpolation=how.POINT | exact).to_ndarray()
    for difference in (ours[0].astype(int) - theirs, (from_yuv420(ours)[0] * 255).permute(1, 2, 0).numpy() - back):
        assert np.abs(difference).max() <= 1 and np.abs(difference).mean() < 0.05


@needs_av
@pytest.mark.parametrize("name", CODECS)
def test_psnr_falls_as_the_scale_of_quality_rises(photo, name):
    codec, picture = CODECS[name], photo[..., :160, :224]
    low, high = codec.usual
    found = [psnr(compressed(picture, name, quality=q), picture) for q in (low, (low + high) // 2, high)]
    best, worst = (psnr(compressed(picture, "h264", quality=q), picture) for q in CODECS["h264"].usual)
    assert found[0] > found[1] + 1 > found[2] + 2
    assert found[0] == pytest.approx(best, abs=1.5) and found[2] == pytest.approx(worst, abs=2)


@needs_av
@pytest.mark.parametrize("name", ["h264", "hevc"])
def test_no_pixel_depends_on_the_processors_instructions(clip, name, monkeypatch):
    expected = compressed(clip, name, quality=25)
    codec = CODECS[name]
    ((key, options),) = codec.options.items()
    monkeypatch.setitem(CODECS, name, codec._replace(options={key: f"{options}:asm=0"}))
    assert torch.equal(compressed(clip, name, quality=25), expected)


@needs_av
@pytest.mark.parametrize("name", CODECS)
def test_a_clip_is_one_stream(clip, name):
    still = clip[:1].expand(6, -1, -1, -1)
    sizes = [[len(packet) for packet in encoded(to_yuv420(frames), name, quality=20)] for frames in (still[:1], still)]
    assert len(sizes[1]) == 6 and max(sizes[1][1:]) < 0.3 * sizes[0][0]
    stage = VideoCodec({name: 1}, {name: (20, 20)})
    made = stage(torch.stack([clip, still]), stage.sample(Draws(0, 0, 2, "test")))
    assert torch.equal(made[0], compressed(clip, name, quality=20)) and made.shape == (2, 6, 3, 64, 80)
    assert 25 < psnr(made[0], clip) < 45


@needs_av
def test_each_sample_has_its_codec_and_quality(patches):
    stage, names = VideoCodec(), [*CODECS, "h264"]
    quality = [18, 20, 5, 30, 40]
    made = stage(patches, {"codec": np.array([0, 1, 2, 3, 0]), "quality": np.array(quality)})
    for image, name, q, lr in zip(patches.split(1), names, quality, made.split(1), strict=True):
        assert torch.equal(lr, compressed(image, name, quality=q))
    assert stage.words({"codec": 1, "quality": 30}) == "HEVC CRF 30"
    assert VideoCodec(bitrate=(1000, 9000)).words({"codec": 2, "quality": 5000}) == "MPEG-4 5000 bits per frame"


@needs_av
@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("size", [(49, 37), (1, 1), (66, 130)])
def test_any_size(photo, name, size):
    picture = photo[..., : size[0], : size[1]]
    made = compressed(picture, name, quality=CODECS[name].best)
    assert made.shape == picture.shape and (made - picture).abs().mean() < 4 / 255


@needs_av
def test_other_bands_than_rgb_are_streams_of_their_own(patches):
    p = {"codec": np.array([0, 2, 3, 0, 2]), "quality": np.full(5, 25)}
    bands = patches[:, [0, 1, 2, 0, 1]]
    made = VideoCodec()(bands, p)
    assert made.shape == bands.shape and torch.equal(made[:, 3:], made[:, :2])
    gray = VideoCodec()(bands[:, :1], p)
    assert torch.equal(gray, made[:, :1]) and 25 < psnr(gray, bands[:, :1]) < 45


@needs_av
def test_codecs_are_as_likely_as_they_are_said_to_be():
    stage = VideoCodec({"h264": 2, "vp9": 0, "mpeg4": 1}, {"h264": (30, 32), "mpeg4": (4, 4)}, grid="random")
    drawn = stage.sample(Draws(0, 0, 20_000, "test"))
    assert (drawn["codec"] == 0).mean() == pytest.approx(2 / 3, abs=0.01) and set(drawn["codec"]) == {0, 2}
    assert set(drawn["quality"][drawn["codec"] == 0]) == {30, 31, 32} and set(drawn["quality"][drawn["codec"] == 2]) == {4}
    assert set(drawn["top"]) == set(drawn["left"]) == set(range(16))


@needs_av
@pytest.mark.parametrize("name", ["h264", "mpeg4"])
def test_a_bitrate_is_realbasicvsrs(clip, name):
    """Its RandomVideoCompression (mmagic) writes and reads an MP4 file of one frame per second; here on one thread."""
    import av

    def theirs(frames: np.ndarray, bitrate: int) -> np.ndarray:
        file = io.BytesIO()
        with av.open(file, "w", "mp4") as container:
            stream = container.add_stream(CODECS[name].encoder, rate=1)
            stream.height, stream.width, stream.pix_fmt, stream.bit_rate = 64, 80, "yuv420p", bitrate
            stream.codec_context.thread_count = 1
            for pixels in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "yuv420p")))
            container.mux(stream.encode(None))
        with av.open(file, "r", "mp4") as container:
            return np.stack([frame.to_ndarray() for frame in container.decode(video=0)])

    frames = to_yuv420(clip)
    made = {bits: decoded(encoded(frames, name, bitrate=bits), name) for bits in (2000, 10_000)}
    for bits, ours in made.items():
        errors = [np.square(x - frames.astype(float)).mean() for x in (ours, theirs(frames, bits))]
        # x264 counts the headers of a stream; an MP4 file has them apart.
        assert errors[0] == pytest.approx(errors[1], rel=0.25 if name == "h264" else 0)
    # MPEG-4's first frames are the same at any bitrate.
    assert np.array_equal(made[2000], made[10_000]) == (name == "mpeg4")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"codecs": {"av2": 1}}, "has no codec av2; choose from h264, hevc, mpeg4, vp9"),
        ({"quality": {"xvid": (1, 2)}}, "has no codec xvid"),
        ({"codecs": {"h264": 0}}, "codecs must be numbers"),
        ({"quality": {"h264": (18, 52)}}, "quality.h264 must be"),
        ({"quality": {"mpeg4": (0, 3)}}, "quality.mpeg4 must be"),
        ({"quality": {"vp9": (20.5, 30)}}, "quality.vp9 must be whole numbers, as libvpx-vp9's"),
        ({"bitrate": (10, 100)}, "bitrate must be"),
        ({"grid": "middle"}, "grid=middle: choose corner or random"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        VideoCodec(**options)


def test_without_pyav_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ValueError, match=r'^degradation=video_codec needs the package av \(PyAV\): pip install "\.\[video\]"$'):
        VideoCodec()


@needs_av
def test_an_encoder_that_pyav_lacks_is_named(monkeypatch):
    monkeypatch.setitem(CODECS, "hevc", CODECS["hevc"]._replace(encoder="libkvazaar_x"))
    with pytest.raises(ValueError, match=r"^degradation=video_codec: PyAV [0-9.]+ has no encoder libkvazaar_x; leave hevc out"):
        VideoCodec()
    VideoCodec({"h264": 1, "hevc": 0})
