"""How fast training samples of clips come, beside a reader that decodes the video for each sample.

    OMP_NUM_THREADS=1 python bench/clips.py                  # a minute; SR_DATA/domains/video/clips, else made of photographs
    OMP_NUM_THREADS=1 python bench/clips.py --seconds 10     # longer, for a noisy machine

A sample is 7 frames in a row, 96x96 HR pixels at x2. The plain reader opens the file, seeks to the key frame before the first
of the 7 frames, decodes up to the last, and cuts. The store has every frame decoded. Needs pip install ".[video]".
"""

import argparse
import os
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import av
import numpy as np
import torch

from common import say
from data import SCALE, photographs, rate
from sr.augmentation.chain import Chain as Augmentations
from sr.data.clip_patches import ClipPatches
from sr.data.clip_store import ClipStore
from sr.data.mixture import Mixture
from sr.data.plan import Phase, Plan
from sr.degradation.bicubic import Bicubic
from sr.degradation.chain import Chain as Degradations
from sr.image import file as image
from sr.image.kind import PHOTO

FRAMES, PATCH, BATCH = 7, 48, 8


def films(folder: Path) -> list[Path]:
    """H.264 files: real ones, or a window that moves over photographs."""
    real = Path(os.environ.get("SR_DATA", "data")) / "domains" / "video" / "clips"
    if real.is_dir():
        return [file for file in sorted(real.glob("*.mp4")) if lengths(file) > 30]
    made = []
    for number, photo in enumerate(map(image.read_rgb8, photographs()[:4])):
        made.append(folder / f"{number}.mp4")
        with av.open(str(made[-1]), "w") as container:
            stream = container.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
            for step in range(60):
                top, left = step % (photo.shape[0] - 180), step % (photo.shape[1] - 320)
                frame = av.VideoFrame.from_ndarray(photo[top : top + 180, left : left + 320].copy(), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return made


def lengths(file: Path) -> int:
    with av.open(str(file)) as container:
        return container.streams.video[0].frames


class PlainReader:
    """Decodes for each sample what it needs of a file."""

    def __init__(self, files: list[Path]) -> None:
        self.files, self.frames = files, [lengths(file) for file in files]

    def sample(self, index: int) -> np.ndarray:
        random = np.random.default_rng(index)
        number = int(random.integers(len(self.files)))
        first = int(random.integers(self.frames[number] - FRAMES + 1))
        with av.open(str(self.files[number])) as container:
            stream = container.streams.video[0]
            stream.thread_count = 1
            step = round(1 / stream.average_rate / stream.time_base)
            start = (stream.start_time or 0) + first * step
            container.seek(start, stream=stream)
            found: list[np.ndarray] = []
            side, place = PATCH * SCALE, None
            for frame in self._from(container, stream, start - step // 2):
                pixels = frame.to_ndarray(format="rgb24")
                place = place or [int(random.integers(length - side + 1)) for length in pixels.shape[:2]]
                found.append(pixels[place[0] : place[0] + side, place[1] : place[1] + side])
                if len(found) == FRAMES:
                    break
        return np.stack(found)

    def _from(self, container: "av.container.InputContainer", stream: "av.VideoStream", time: int) -> Iterator["av.VideoFrame"]:
        return (frame for frame in container.decode(stream) if frame.pts >= time)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="for each measurement")
    seconds = parser.parse_args().seconds
    torch.set_num_threads(1)
    say()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        files = films(folder)
        store = ClipStore(files, folder / "store", "stop", PHOTO)
        store.build(progress=False)
        print(f"{len(files)} videos of {sum(map(len, store))} frames; {FRAMES} frames of {PATCH * SCALE}x{PATCH * SCALE}")
        plan = Plan(0, (Phase(0, PATCH, BATCH, FRAMES),))
        degradation = Degradations({"bicubic": Bicubic(SCALE)}, SCALE)
        scenes = store.scenes(None)
        dataset = ClipPatches(Mixture([store]), None, plan, SCALE, degradation, Augmentations({}), scenes=scenes)
        plain, numbers, batches = PlainReader(files), count(), count()
        slow = rate(lambda: len(plain.sample(next(numbers))[:1]), seconds)
        fast = rate(lambda: len(dataset.batch(next(batches))["hr"]), seconds)
    print("\n| what | samples/s |\n| --- | --- |")
    print(f"| video decoded for each sample, in process | {slow:.1f} |")
    print(f"| store, in process | {fast:.0f}, {fast / slow:.0f} times as many |")
    print(f"\nload {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
