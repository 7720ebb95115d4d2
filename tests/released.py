"""Files as others release them: tiny RFDN and RLFN that enlarge photographs, made by hand so that only their own options do.

Their block moves the image by as many pixels as its dilations say, which the convolutions before and after it undo. It carries
the image in the gate of its attention, which saturates at another range of pixels. The last convolution is fitted by least
squares.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sr.data.source.sample import Sample
from sr.functional.resize import imresize
from sr.image.file import read, to_tensor
from sr.network.rfdn import RFDN
from sr.network.rlfn import RLFN

N_FEATS = 20
IMAGE, CONSTANT, RESULT, MOVED = 0, 3, 6, 9  # first of three channels each
GAIN = 4.0  # of the sigmoid at 0 it is a quarter


def released(kind: type[nn.Module], *, taps: tuple[int, ...], back: tuple[int, int], scale: int = 2, **options) -> nn.Module:
    """An RFDN or RLFN of one block with these options.

    `taps`: columns, -1 to 1, by which its dilated convolutions move the image; `back`: those of the convolutions around them.
    With the right dilations the image is where it was.
    """
    network = kind(scale=scale, n_feats=N_FEATS, n_blocks=1, **options)
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    with torch.no_grad():
        (_rfdn if kind is RFDN else _rlfn)(network, taps, back)
        _fit(network)
    return network.eval()


def _rlfn(network: RLFN, taps: tuple[int, ...], back: tuple[int, int]) -> None:
    block, reach = network.block_1, network.rgb_range
    _pass(network.conv_1, IMAGE, IMAGE, back[0])
    network.conv_1.bias[CONSTANT : CONSTANT + 3] = reach
    for conv, start, tap in zip((block.c1_r, block.c2_r, block.c3_r), (IMAGE, MOVED, MOVED), taps, strict=True):
        _pass(conv, start, MOVED, tap)
    _pass(block.c5, MOVED, IMAGE)
    _pass(block.c5, CONSTANT, CONSTANT)
    _gate(block.esa, reach)
    _read(network.conv_2, reach, back[1])


def _rfdn(network: RFDN, taps: tuple[int, ...], back: tuple[int, int]) -> None:
    block, reach = network.B1, network.rgb_range
    kept = N_FEATS // 2
    _pass(network.fea_conv, IMAGE, IMAGE, back[0])
    network.fea_conv.bias[CONSTANT : CONSTANT + 3] = reach
    for i, conv in enumerate((block.c1_r, block.c2_r, block.c3_r)):
        _pass(conv, IMAGE if i == 0 else MOVED + 3 * (i - 1), MOVED + 3 * i, taps[i])
    _pass(block.c4, MOVED + 6, IMAGE, taps[3])
    _pass(block.c1_d, CONSTANT, CONSTANT)
    _pass(block.c5, 3 * kept + IMAGE, IMAGE)
    _pass(block.c5, CONSTANT, CONSTANT)
    _gate(block.esa, reach)
    _pass(network.c[0], IMAGE, IMAGE)
    _pass(network.c[0], CONSTANT, CONSTANT)
    _read(network.LR_conv, reach, back[1])


def _pass(conv: nn.Conv2d, start: int, to: int, tap: int = 0, gain: float = 1.0) -> None:
    """Three channels go on, moved by `tap` columns."""
    middle = conv.kernel_size[0] // 2
    for i in range(3):
        conv.weight[to + i, start + i, middle, middle + tap] = gain


def _gate(esa: nn.Module, reach: float) -> None:
    """The three constant channels become `reach` times the sigmoid of the image in [-1/2, 1/2]."""
    _pass(esa.conv1, IMAGE, 0)
    _pass(esa.conv_f, 0, 0)
    _pass(esa.conv4, 0, CONSTANT, gain=1 / reach)
    esa.conv4.bias[CONSTANT : CONSTANT + 3] = -0.5


def _read(conv: nn.Conv2d, reach: float, tap: int) -> None:
    """The image from its sigmoid, nearly."""
    _pass(conv, CONSTANT, RESULT, tap, GAIN)
    conv.bias[RESULT : RESULT + 3] = (0.5 - 0.5 * GAIN) * reach


def _fit(network: nn.Module) -> None:
    low, high = _pairs(network.scale)
    seen: list[Tensor] = []
    with network.upsampler[0].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0])):
        rest = F.pixel_unshuffle(high - network(low), network.scale)[..., 5:-5, 5:-5]  # without what padding moves in
    columns = F.unfold(seen[0][:, RESULT : RESULT + 3, 4:-4, 4:-4] / network.rgb_range, 3).transpose(1, 2).flatten(0, 1)
    columns = torch.cat([columns, torch.ones(len(columns), 1)], dim=1).double()
    found = torch.linalg.lstsq(columns, rest.flatten(2).transpose(1, 2).flatten(0, 1).double()).solution.T
    network.upsampler[0].weight[:, RESULT : RESULT + 3] = found[:, :-1].reshape(-1, 3, 3, 3)
    network.upsampler[0].bias[:] = found[:, -1] * network.rgb_range


def _pairs(scale: int, count: int = 24, side: int = 24) -> tuple[Tensor, Tensor]:
    """LR (count, 3, side, side) and HR, cut at random from one of scikit-image's photographs."""
    file = next(file for file, _ in Sample().files() if file.stem == "motorcycle_left")
    image = to_tensor(np.ascontiguousarray(read(file).pixels))
    generator, n, pieces = torch.Generator().manual_seed(0), side * scale, []
    for _ in range(count):
        y, x = (int(torch.randint(length - n, (), generator=generator)) for length in image.shape[2:])
        pieces.append(image[..., y : y + n, x : x + n])
    hr = torch.cat(pieces)
    return imresize(hr, 1 / scale), hr


def save(network: nn.Module, file: Path) -> Path:
    """Its tensors alone, as authors do."""
    torch.save({"params": network.state_dict()}, file)
    return file
