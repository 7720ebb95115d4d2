"""Video compression by real encoders (H.264, HEVC, MPEG-4, VP9) through PyAV, with a codec and a quality for each sample.

Compression at a random rate as a degradation: RealBasicVSR, Chan et al. 2022, arXiv:2111.12704, section 4; AnimeSR, Wu et al.
2022, arXiv:2206.07038.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sr.degradation.jpeg import qualities
from sr.degradation.region import Region, crop
from sr.degradation.stage import Operation, Parameters, Stage
from sr.errors import InputError
from sr.functional.color import rgb_to_ycbcr, ycbcr_to_rgb
from sr.functional.draws import Draws
from sr.functional.ranges import shares

_BLOCK = 16  # side of a macroblock in pixels


class Codec(NamedTuple):
    """A video format, and FFmpeg's encoder for it."""

    title: str
    encoder: str
    scale: str  # of its quality, of which less is better
    best: int
    worst: int
    usual: tuple[int, int]  # range of a random quality
    least_side: int  # of a picture in pixels
    options: dict[str, str]  # fixed ones: one thread, and the same bits on every processor

    def constant(self, quality: int) -> dict[str, str]:
        """The encoder's options for a constant quality."""
        return {"qmin": str(quality), "qmax": str(quality)} if self.scale == "quantiser" else {"crf": str(quality)}


# x264's range is AnimeSR's. Those of the others give about the same PSNR on photographs (bench/blind.md). Presets are the
# encoders' own, but for VP9 a faster one. x265 damages the process's memory if a side is shorter than 64 pixels.
CODECS = {
    "h264": Codec("H.264", "libx264", "CRF", 0, 51, (18, 35), 16, {"x264-params": "cpu-independent=1"}),
    "hevc": Codec(
        "HEVC", "libx265", "CRF", 0, 51, (21, 38), 64, {"x265-params": "pools=none:frame-threads=1:wpp=0:info=0:log-level=none"}
    ),
    "mpeg4": Codec("MPEG-4", "mpeg4", "quantiser", 1, 31, (4, 31), 16, {"flags": "+bitexact"}),
    "vp9": Codec("VP9", "libvpx-vp9", "CRF", 0, 63, (44, 63), 16, {"deadline": "good", "cpu-used": "4", "b": "0"}),
}


class VideoCodec(Stage):
    """Compress (N, C, H, W) in [0, 1] of any size, each picture as an intra frame; a clip (N, T, C, H, W) is one stream.

    RGB is converted to yuv420p as most videos are: studio range BT.601, 8 bits, chroma the mean of 2 x 2 pixels, and repeated
    after decoding. The result is rounded to uint8, whatever the image has. The bands of other images become separate streams
    without chroma. Sides that are no multiple of 16 are padded by repeating the edge, and cropped. Images pass through the CPU.

    A sample's result depends only on the image and its parameters: encoders run on one thread with fixed presets. Other
    versions of PyAV, which contains the encoders, may give other pixels.

    Args:
        codecs: h264, hevc, mpeg4, vp9 -> relative probability of each.
        quality: codec -> range of its encoder's quality, whole numbers, uniform, both ends included; lower is better. CRF of
            x264 and x265 (0 .. 51) and of libvpx (0 .. 63), the quantiser of MPEG-4 (1 .. 31). None, and codecs that are not
            named: see CODECS.
        bitrate: range of the mean bits per frame, uniform, instead of a constant quality; RealBasicVSR has [10000, 100000].
            Encoders meet it after many frames only: x264 and x265 spend several times as much on a picture, libvpx and MPEG-4
            give the first frames nearly the same quality at any bitrate.
        grid: position of the 16 x 16 macroblocks, as in sr.degradation.jpeg: corner or random.

    Raises:
        InputError: PyAV is not installed or lacks an encoder; an invalid option.
    """

    def __init__(
        self,
        codecs: Mapping[str, float] | None = None,
        quality: Mapping[str, Sequence[int]] | None = None,
        bitrate: Sequence[int] | None = None,
        grid: str = "corner",
    ) -> None:
        super().__init__()
        weights, ranges = dict.fromkeys(CODECS, 1.0) if codecs is None else dict(codecs), dict(quality or {})
        for name in (*weights, *ranges):
            if name not in CODECS:
                raise InputError(f"degradation=video_codec has no codec {name}; choose from {', '.join(CODECS)}")
        self.codecs, self.shares = list(weights), shares("codecs", list(weights.values()))
        self.unit = "quality" if bitrate is None else "bitrate"
        self.bounds = np.array([_bounds(name, ranges.get(name), bitrate) for name in weights])
        if grid not in ("corner", "random"):
            raise InputError(f"grid={grid}: choose corner or random")
        self.grid = grid
        check_encoders([name for name, weight in weights.items() if weight])

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"codec": index into `codecs`, "quality": that codec's, or bits per frame}, int64 (count,) each; with a random grid
        also "top" and "left" of its first whole macroblock."""
        codec = np.searchsorted(self.shares, draws.uniform(), "right")
        low, high = self.bounds[codec].T
        found = {"codec": codec, "quality": low + draws.integers(high - low + 1)}
        return found | ({name: draws.integers(_BLOCK) for name in ("top", "left")} if self.grid == "random" else {})

    def told(self, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """{"codec": (N,), the index in the order of `codecs`; "quality": (N,), that codec's, or bits per frame}."""
        return {name: parameters[name].float() for name in ("codec", "quality")}

    def plan(self, parameters: Parameters, step: float) -> list[Operation]:
        return [_Coded(step, self, parameters)]

    def words(self, parameters: Parameters) -> str:
        codec, quality = CODECS[self.codecs[parameters["codec"]]], parameters["quality"]
        return f"{codec.title} {quality} bits per frame" if self.unit == "bitrate" else f"{codec.title} {codec.scale} {quality}"


def _bounds(name: str, quality: Sequence[int] | None, bitrate: Sequence[int] | None) -> tuple[int, int]:
    """The range of a codec's quality, its usual one if None, or of bits per frame if that is not None."""
    codec = CODECS[name]
    if bitrate is not None:
        return qualities(bitrate, 1000, codec.encoder, 10**9, "bitrate")
    return qualities(codec.usual if quality is None else quality, codec.best, codec.encoder, codec.worst, f"quality.{name}")


class _Coded(Operation):
    of_stream = True

    def __init__(self, step: float, stage: VideoCodec, parameters: Parameters) -> None:
        super().__init__(step)
        self.codec, self.parameters = stage.codecs[parameters["codec"]], parameters
        self.rate = {stage.unit: parameters["quality"]}

    def needs(self, wanted: Region) -> Region:
        if "top" not in self.parameters:
            return wanted
        return wanted.in_blocks(_BLOCK, self.parameters["top"], self.parameters["left"])

    def apply(self, image: Tensor, given: Region, wanted: Region, constants: list[Tensor]) -> Tensor:
        frames = image.detach().cpu()
        bands = [frames] if frames.shape[1] == 3 else [band.expand(-1, 3, -1, -1) for band in frames.split(1, 1)]
        made = [compressed(band, self.codec, **self.rate) for band in bands]
        made = made[0] if frames.shape[1] == 3 else torch.cat([band[:, 1:2] for band in made], 1)
        return crop(made.to(image.device, image.dtype), given, wanted)


def compressed(frames: Tensor, name: str, quality: int | None = None, bitrate: int | None = None) -> Tensor:
    """RGB (F, 3, H, W) in [0, 1], in the order of time -> the same after one stream; see `encoded`."""
    height, width = frames.shape[-2:]
    sides = [max(-(-side // _BLOCK) * _BLOCK, CODECS[name].least_side) for side in (height, width)]
    padded = F.pad(frames, (0, sides[1] - width, 0, sides[0] - height), mode="replicate")
    return from_yuv420(decoded(encoded(to_yuv420(padded), name, quality, bitrate), name))[..., :height, :width]


def to_yuv420(rgb: Tensor) -> np.ndarray:
    """(F, 3, H, W) in [0, 1], sides multiples of 4 -> uint8 (F, 3H/2, W): planes Y, Cb, Cr of yuv420p below each other."""
    y, cb, cr = (rgb_to_ycbcr(rgb.clamp(0, 1)) * 255).unbind(1)
    halves = [(c[:, ::2, ::2] + c[:, ::2, 1::2] + c[:, 1::2, ::2] + c[:, 1::2, 1::2]) / 4 for c in (cb, cr)]
    planes = torch.cat([plane.flatten(1) for plane in (y, *halves)], 1).add_(0.5).byte()
    return planes.view(len(rgb), -1, rgb.shape[-1]).numpy()


def from_yuv420(frames: np.ndarray) -> Tensor:
    """uint8 (F, 3H/2, W) of `to_yuv420` -> (F, 3, H, W) in [0, 1], in 255ths."""
    count, rows, width = frames.shape
    height = rows * 2 // 3
    planes = torch.from_numpy(frames).view(count, -1).float()
    y, cb, cr = planes.split((height * width, height * width // 4, height * width // 4), 1)
    chroma = torch.stack((cb, cr), 1).view(count, 2, height // 2, width // 2)
    chroma = chroma.repeat_interleave(2, -2).repeat_interleave(2, -1)
    rgb = ycbcr_to_rgb(torch.cat((y.view(count, 1, height, width), chroma), 1) / 255)
    return (rgb * 255).add_(0.5).floor_().clamp_(0, 255).div_(255)


def encoded(frames: np.ndarray, name: str, quality: int | None = None, bitrate: int | None = None) -> list[bytes]:
    """Frames uint8 (F, 3H/2, W) of yuv420p -> packets of a stream, of a constant quality or of mean bits per frame."""
    import av

    codec = CODECS[name]
    context = av.CodecContext.create(codec.encoder, "w")
    context.height, context.width, context.pix_fmt = frames.shape[1] * 2 // 3, frames.shape[2], "yuv420p"
    # Quality at a given CRF depends on the frame rate; AnimeSR has 25. RealBasicVSR has one frame per second.
    context.framerate = Fraction(25 if bitrate is None else 1)
    context.time_base = 1 / context.framerate
    context.thread_count = 1
    context.options = codec.options | (codec.constant(quality) if bitrate is None else {"b": str(bitrate)})
    packets = []
    for index, pixels in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(pixels, format="yuv420p")
        frame.pts = index
        packets += context.encode(frame)
    return [bytes(packet) for packet in (*packets, *context.encode(None))]


def decoded(packets: list[bytes], name: str) -> np.ndarray:
    """Packets of `encoded` -> uint8 (F, 3H/2, W), the frames in the order of time."""
    import av

    context = av.CodecContext.create(name, "r")  # FFmpeg's own decoders have these names
    context.thread_count = 1
    context.options = {"flags": "+bitexact"}
    frames = []
    for data in packets:
        packet = av.Packet(len(data))  # followed by zeros, which decoders read; av.Packet(data) is followed by anything
        packet.update(data)
        frames += context.decode(packet)
    return np.stack([frame.to_ndarray() for frame in (*frames, *context.decode(None))])


def check_encoders(names: Sequence[str]) -> None:
    """InputError: PyAV is not installed, or its FFmpeg lacks the encoder of one of these codecs."""
    if find_spec("av") is None:
        raise InputError('degradation=video_codec needs the package av (PyAV): pip install ".[video]"')
    import av

    for name in names:
        if CODECS[name].encoder not in av.codecs_available:
            raise InputError(
                f"degradation=video_codec: PyAV {av.__version__} has no encoder {CODECS[name].encoder}; "
                f"leave {name} out of codecs (weight 0)"
            )
