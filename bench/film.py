"""predict.py on videos: memory by the number of frames, and what cutting a clip into segments changes.

OMP_NUM_THREADS=1 SR_DATA=../shared/data python bench/film.py memory
OMP_NUM_THREADS=1 SR_DATA=../shared/data python bench/film.py segments=run/checkpoints/best.ckpt  # a network for clips
OMP_NUM_THREADS=1 SR_DATA=../shared/data python bench/film.py segments=basicvsr  # the same with two blocks and random weights
"""

import os
import subprocess
import sys
import tempfile
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import nn

from common import options, record, say
from networks import network as of_config
from sr.functional.frames import is_clip
from sr.functional.resize import imresize
from sr.image import video
from sr.image.file import to_pixels, to_tensor
from sr.infer.clip import FrameUpscaler, Segments
from sr.infer.upscaler import Upscaler
from sr.predict.video import VideoSettings, predict_videos
from sr.weights.load import load

ROOT = Path(__file__).resolve().parent.parent
CASES = (("fsrcnn", 160, 90, 50), ("fsrcnn", 160, 90, 1000), ("fsrcnn", 1280, 720, 15), ("fsrcnn", 1280, 720, 60))
RECURRENT = (("rrn_light", 160, 90, 100), ("rrn_light", 160, 90, 1000))


def clips() -> Path:
    return Path(os.environ.get("SR_DATA", ROOT.parent / "shared" / "data")) / "domains" / "video" / "clips"


def network(name: str, n_blocks: int | None = None) -> nn.Module:
    """A network of conf/network for x2 with random weights (and at most so many blocks), or that of a checkpoint."""
    if name.endswith((".ckpt", ".pth")):
        return load(name).eval()
    torch.manual_seed(0)
    return of_config(name, 2, n_blocks).eval()


def source(path: Path, width: int, height: int, count: int) -> Path:
    """So many frames of a film of 1280x720, shown again and again, as H.264."""
    import av

    film = [frame for frame, _ in zip(video.frames(clips() / "bigbuckbunny.mp4"), range(min(count, 60)), strict=False)]
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(film[number % len(film)]).reformat(width, height, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path


def one(words: str) -> None:
    """Peak memory of this process, which upscales one video, in MB."""
    import resource

    name, path = words.split(",")
    net = network(name)
    predict_videos(net, [(Path(path), Path(path).with_name("out.mp4"))], VideoSettings(cuts=None), overwrite=True)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def memory(cases: tuple) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, width, height, count in cases:
            path = source(Path(folder) / "in.mp4", width, height, count)
            words = [sys.executable, __file__, f"one={name},{path}"]
            done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
            record("film_memory", network=name, size=f"{width}x{height}", frames=count, peak_mb=float(done.stdout.split()[-1]))


def segments(name: str) -> None:
    """PSNR of a segmented result and of the whole clip's: between them, and to HR, from which LR is made."""
    net = network(name, n_blocks=2)
    assert is_clip(net), f"{name} is not for clips"
    for clip in ("carphone_pristine.mp4", "bikes.mp4"):
        hr = [frame[: frame.shape[0] // 8 * 8, : frame.shape[1] // 8 * 8] for frame in islice(video.frames(clips() / clip), 72)]
        lr = [to_pixels(imresize(to_tensor(frame), 1 / net.scale, rounding=True)) for frame in hr]
        whole = results(net, lr, Segments(len(lr), 0))
        for length, overlap in ((48, 16), (32, 16), (24, 8), (24, 0)):
            cut = results(net, lr, Segments(length, overlap))
            found = {"psnr_whole": psnr(whole, hr), "psnr_segments": psnr(cut, hr), "psnr_between": psnr(cut, whole)}
            record("film_segments", network=name, clip=clip, frames=len(lr), segment=length, overlap=overlap, **found)


def results(net: nn.Module, frames: list[np.ndarray], plan: Segments) -> list[np.ndarray]:
    return list(FrameUpscaler(Upscaler(net), plan, cuts=None)(iter(frames)))


def psnr(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    """The mean over the frames, of RGB."""
    errors = [np.mean((x.astype(np.float64) - y) ** 2) for x, y in zip(a, b, strict=True)]
    return float(np.mean([10 * np.log10(255**2 / max(error, 1e-3)) for error in errors]))


def main() -> None:
    if (cases := {"memory": CASES, "recurrent": RECURRENT}.get(sys.argv[-1])) is not None:
        say()
        memory(cases)
        return
    given = options(__doc__, "segments", "one")
    if "one" in given:
        one(given["one"])
    else:
        say()
        segments(given["segments"])


if __name__ == "__main__":
    main()
