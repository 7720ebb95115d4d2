"""LIIF on EDSR-baseline beside its authors' code: a training step on sampled pixels, and x4 of a picture of 510x339 pixels.

    git clone https://github.com/yinboc/liif
    python bench/any_scale.py liif=liif                   # steps: the paper's batch, 16 x 2304 pixels of 48x48 LR, x1 to x4
    python bench/any_scale.py liif=liif batch=4 pairs=5
    python bench/any_scale.py liif=liif part=picture      # seconds and peak memory, each in a process of its own

Both have the same weights and inputs, and before anything is timed their results are compared. Their files run as they are (see
bench/theirs.py); the step is L1, backward and Adam, without reading data. Their evaluation goes in parts of 30000 pixels
(eval_bsize of their configs).
"""

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from theirs import liif
from torch import Tensor, nn

from common import Watch, in_turns, options, record, say
from sr.image.photograph import photograph
from sr.network.edsr import EDSR
from sr.network.inputs import sampled
from sr.network.liif import LIIF

HIDDEN, PATCH, PIXELS, PART = [256] * 4, 48, 2304, 30000
PICTURE, SCALE = (339, 510), 4


def ours() -> LIIF:
    return LIIF(backbone=EDSR(scale=None, n_feats=64, n_blocks=16, res_scale=1.0), hidden=HIDDEN).to(
        memory_format=torch.channels_last
    )


def both(checkout: Path) -> tuple[LIIF, nn.Module, Callable[..., Tensor]]:
    """With the same weights; ends unless they agree on a small picture."""
    torch.manual_seed(0)
    other, make_coord = liif(checkout, HIDDEN)
    mine = ours()
    mine.load_state_dict(other.state_dict())
    lr, size = torch.rand(1, 3, 11, 13), (29, 37)
    with torch.no_grad():
        coord, cell = places(make_coord, size)
        result = other(lr * 2 - 1, coord, cell).mT.reshape(1, 3, *size) / 2 + 0.5
        if (apart := (mine(lr, size) - result).abs().max().item()) > 1e-4:
            sys.exit(f"the two networks differ by {apart:.2g}")
    return mine, other, make_coord


def places(make_coord: Callable[..., Tensor], size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Positions and sizes of all pixels as their data set gives them: (1, H W, 2) each."""
    coord = make_coord(size)[None]
    return coord, torch.tensor([2 / side for side in size]).expand_as(coord).contiguous()


def stepping(network: nn.Module, forward: Callable[[], Tensor], target: Tensor) -> Callable[[], None]:
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)

    def step() -> None:
        optimizer.zero_grad()
        (forward() - target).abs().mean().backward()
        optimizer.step()

    return step


def step(checkout: Path, batch: int, pairs: int) -> None:
    """A step of each in turns; x2.5, the middle of the range."""
    mine, other, make_coord = both(checkout)
    side = PATCH * 5 // 2
    hr = torch.stack([photograph(side, 3)[0].roll(n, -1) for n in range(batch)])
    lr = nn.functional.interpolate(hr, size=(PATCH, PATCH), mode="area").contiguous(memory_format=torch.channels_last)
    pixels = torch.stack([torch.randperm(side**2)[:PIXELS].sort().values for _ in range(batch)])
    coord, cell = (one[0][pixels] for one in places(make_coord, (side, side)))
    target, plain = sampled(hr, pixels), (lr * 2 - 1).contiguous()
    one = stepping(mine, lambda: mine(lr, (side, side), pixels), target)
    two = stepping(other, lambda: other(plain, coord, cell), (target[..., 0].mT * 2 - 1).contiguous())
    record("any_scale_step", batch=batch, pixels=PIXELS, patch=PATCH, **in_turns(one, two, pairs))


@torch.no_grad()
def picture(checkout: Path, which: str) -> None:
    """Seconds and peak memory of one of them; ours is chunked by itself, theirs as in test.py's batched_predict."""
    mine, other, make_coord = both(checkout)
    size = tuple(SCALE * side for side in PICTURE)
    lr = photograph(512, 3)[..., : PICTURE[0], : PICTURE[1]].contiguous()
    before, watch = peak(), Watch()
    if which == "ours":
        mine.eval()(lr, size)
    else:
        coord, cell = places(make_coord, size)
        other.eval().gen_feat(lr * 2 - 1)
        parts = zip(coord.split(PART, 1), cell.split(PART, 1), strict=True)
        torch.cat([other.query_rgb(*part) for part in parts], 1)
    clock, processor = watch.look()
    record("any_scale_picture", which=which, clock_s=clock, processor_s=processor, peak_mb=peak(), before_mb=before)


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def main() -> None:
    found = options(__doc__, "liif", "batch", "pairs", "part", "which")
    if "liif" not in found:
        sys.exit("pass liif=FOLDER, a checkout of https://github.com/yinboc/liif")
    checkout = Path(found["liif"])
    if which := found.get("which"):
        picture(checkout, which)
        return
    say()
    if found.get("part", "step") == "step":
        step(checkout, int(found.get("batch", 16)), int(found.get("pairs", 5)))
        return
    for which in ("ours", "theirs"):
        subprocess.run([sys.executable, __file__, *sys.argv[1:], f"which={which}"], check=True)


if __name__ == "__main__":
    main()
