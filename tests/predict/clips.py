"""Small videos for the tests of predict.py."""

from fractions import Fraction
from pathlib import Path

import numpy as np

SIZE = (24, 32)


def pictures(count: int, size: tuple[int, int] = SIZE, seed: int = 0) -> list[np.ndarray]:
    """Smooth frames in which something moves."""
    y, x = np.mgrid[: size[0], : size[1]]
    shift = np.random.default_rng(seed).random(3) * 6
    waves = [np.stack([np.sin((x + y * k + 2 * t) / 7 + shift[k]) for k in range(3)], -1) for t in range(count)]
    return [(127 + 100 * wave).astype(np.uint8) for wave in waves]


def film(path: Path, frames: list[np.ndarray], *, sound: bool = False, codec: str = "ffv1", rate: int = 25) -> Path:
    """A video of these frames with BT.709 colours, lossless, and with sound on demand."""
    import av

    with av.open(path, "w") as file:
        stream = file.add_stream(codec, rate=rate)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuv444p"
        stream.codec_context.colorspace, stream.codec_context.color_range = 1, 1
        audio = file.add_stream("aac", rate=8000) if sound else None
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels).reformat(format="yuv444p", dst_colorspace=1, dst_color_range=1)
            frame.pts, frame.time_base = number, Fraction(1, rate)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
        if sound:
            wave = np.sin(np.arange(8000 * len(frames) // rate) / 20).astype(np.float32)[None]
            samples = av.AudioFrame.from_ndarray(wave, "fltp", "mono")
            samples.sample_rate, samples.pts, samples.time_base = 8000, 0, Fraction(1, 8000)
            file.mux(audio.encode(samples))
            file.mux(audio.encode())
    return path
