"""Frames per second of networks on video, 320x180 -> 640x360, x2: recurrent ones beside networks for pictures, frame by frame.

    python bench/video.py > bench/video.md        # a minute; a quiet machine, two threads

A clip of 12 frames, in float32, channels last, with initial weights; a network for clips gets it whole, one for pictures frame
by frame. The best of three runs. "CPU ms" is what a frame costs one thread: it says more on a busy machine, where the threads
of the rate wait for each other.
"""

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from common import circumstances, options
from infer import photo
from networks import network
from sr.functional.frames import framewise, is_clip
from sr.image.file import to_tensor
from sr.network.compact import Compact
from sr.network.rrn import RRN
from sr.view.table import markdown

FRAMES, HEIGHT, WIDTH, SCALE, RUNS, THREADS = 12, 180, 320, 2, 3, 2


def clip() -> Tensor:
    """(1, 12, 3, 180, 320): a window that moves over a photograph."""
    wide = to_tensor(photo(HEIGHT, WIDTH + 2 * FRAMES))
    return torch.stack([wide[..., 2 * i : 2 * i + WIDTH] for i in range(FRAMES)], dim=1)


@torch.inference_mode()
def measured(run: Callable[[], Tensor]) -> tuple[float, float]:
    """Frames per second of the fastest run, and milliseconds of one thread's CPU time per frame of the cheapest."""
    best = []
    for threads, clock in ((THREADS, time.perf_counter), (1, time.process_time)):
        torch.set_num_threads(threads)
        run()
        taken = []
        for _ in range(RUNS):
            started = clock()
            run()
            taken.append(clock() - started)
        best.append(min(taken))
    torch.set_num_threads(THREADS)
    return FRAMES / best[0], 1e3 * best[1] / FRAMES


def row(name: str, whole: nn.Module, lr: Tensor) -> list[str]:
    whole = whole.eval().to(memory_format=torch.channels_last)
    if is_clip(whole):
        rate, work = measured(lambda: whole(lr))
    else:
        frames = [frame.contiguous(memory_format=torch.channels_last) for frame in lr.unbind(1)]
        rate, work = measured(lambda: torch.stack([framewise(whole, frame) for frame in frames], 1))
    count = sum(parameter.numel() for parameter in whole.parameters())
    kind = "clips" if is_clip(whole) else "pictures"
    return [name, kind, f"{count / 1e3:.1f}", f"{rate:.1f}", f"{work:.0f}"]


def main() -> None:
    options(__doc__)
    torch.set_num_threads(THREADS)
    lr, rows = clip(), [["network", "takes", "parameters, K", "frames/s", "CPU ms a frame"]]
    rows.append(row("rrn_light", network("rrn_light", SCALE), lr))
    rows.append(row("compact, 16 features, 6 blocks", Compact(scale=SCALE, n_feats=16, n_blocks=6), lr))
    rows.append(row("rrn, 24 features, 2 blocks", RRN(scale=SCALE, n_feats=24, n_blocks=2), lr))
    rows.append(row("compact_light", network("compact_light", SCALE), lr))
    rows.append(row("fsrcnn", network("fsrcnn", SCALE), lr))
    print(f"# Frames per second at {WIDTH}x{HEIGHT} -> {WIDTH * SCALE}x{HEIGHT * SCALE}\n\n`python bench/video.py`: ", end="")
    print(*(f"{name} {value}" for name, value in circumstances().items()), sep=", ", end=".\n")
    print(f"With a load far above {THREADS} the rate is that of a busy machine; CPU ms stays.\n")
    print(markdown(rows))


if __name__ == "__main__":
    main()
