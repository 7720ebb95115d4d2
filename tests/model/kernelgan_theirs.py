"""What KernelGAN's authors' code gives: writes tests/model/kernelgan_theirs.json.

git clone https://github.com/sefibk/KernelGAN && python -m tests.model.kernelgan_theirs KernelGAN
Their code is changed in memory where it needs a GPU, or functions that NumPy and SciPy do not have any more.
"""

import json
import sys
import types
from contextlib import redirect_stdout
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import torch
from torch import Tensor, nn

PARTS = ("imresize", "util", "loss", "networks", "learner", "kernelGAN")
OPTIONS = {
    "G_structure": [7, 5, 3, 1, 1, 1],
    **{"G_chan": 64, "D_chan": 64, "G_kernel_size": 13, "D_n_layers": 7, "D_kernel_size": 7},
    **{"input_crop_size": 64, "scale_factor": 0.5, "g_lr": 2e-4, "d_lr": 2e-4, "beta1": 0.5, "input_image_path": ""},
}
STEPS, EVERY = 8, {13 * 13: 7, 17 * 17: 7, 25 * 25: 23, 90 * 100: 467}  # iterations; of many values one in so many is kept
OLD = {
    ".cuda()": "",
    "np.int(": "int(",
    "from scipy.ndimage import measurements, ": "from scipy import ndimage as measurements\nfrom scipy.ndimage import ",
    "from scipy.ndimage import filters, ": "from scipy import ndimage as filters\nfrom scipy.ndimage import ",
}


def waves(shape: tuple[int, ...], step: float) -> np.ndarray:
    """Numbers in [-1, 1] that any machine makes the same, without a generator of random numbers."""
    return np.sin(np.arange(np.prod(shape)) * step).reshape(shape)


def picture(height: int, width: int) -> np.ndarray:
    """(H, W, 3) in [0, 1]: waves of several lengths with an edge."""
    y, x = np.mgrid[:height, :width]
    bands = [np.sin(x / (2 + band)) * np.cos(y / 3 + band) / 4 + 0.5 + 0.2 * (x + 2 * y > height) for band in range(3)]
    return np.stack(bands, 2)


def crops() -> tuple[Tensor, Tensor]:
    """(1, 3, 64, 64) and (1, 3, 26, 26) in [0, 1]."""
    return tuple(torch.from_numpy(picture(side, side)).permute(2, 0, 1)[None].float() for side in (64, 26))


def kernel() -> np.ndarray:
    """(13, 13) of sum 1: an oblique Gaussian off the middle, with some ringing."""
    y, x = np.mgrid[:13, :13] - 5.6
    made = np.exp(-((x + y) ** 2) / 12 - (x - y) ** 2 / 5) + 0.02 * waves((13, 13), 0.9)
    return made / made.sum()


@torch.no_grad()
def fill(layers: list[nn.Module], positive: bool = False) -> None:
    """The same weights in convolutions and batch norms, in order; `positive` ones average, so that nothing cancels."""
    for number, layer in enumerate(layers):
        if isinstance(layer, nn.BatchNorm2d):
            layer.weight.fill_(1)
        if isinstance(layer, nn.Conv2d):
            if layer.bias is not None:
                layer.bias.zero_()
            weight = getattr(layer, "weight_orig", layer.weight)
            made, fan_in = waves(weight.shape, 1.7 + number / 100), weight[0].numel()
            weight.copy_(torch.from_numpy((1 + made / 2) / fan_in if positive else made * (2 / fan_in) ** 0.5))
            for buffer in (getattr(layer, name, None) for name in ("weight_u", "weight_v")):
                if buffer is not None:
                    made = torch.from_numpy(waves(buffer.shape, 2.3)).float() + 0.1
                    buffer.copy_(made / made.norm())


def parts(network: nn.Module) -> list[nn.Module]:
    return [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.BatchNorm2d)]


def loaded(clone: Path) -> dict[str, types.ModuleType]:
    sys.modules["ZSSRforKernelGAN"] = sys.modules["ZSSRforKernelGAN.ZSSR"] = MagicMock()
    found = {}
    for name in PARTS:
        text = (clone / f"{name}.py").read_text()
        for old, new in OLD.items():
            text = text.replace(old, new)
        found[name] = sys.modules[name] = types.ModuleType(name)
        exec(compile(text, name, "exec"), found[name].__dict__)
    return found


def made(clone: Path) -> dict[str, list[float]]:
    code = loaded(clone)
    util, gan = code["util"], code["kernelGAN"].KernelGAN(types.SimpleNamespace(**OPTIONS))
    one, image = torch.from_numpy(kernel()).float(), picture(90, 100)
    small = code["imresize"].imresize(im=image, scale_factor=0.5, kernel="cubic")
    found = {
        "losses": [loss(one).item() for loss in (gan.sum2one_loss, gan.boundaries_loss, gan.centralized_loss, gan.sparse_loss)],
        "significant": util.zeroize_negligible_val(kernel(), 40),
        "centred": util.kernel_shift(util.zeroize_negligible_val(kernel(), 40), sf=2),
        "twice": util.analytic_kernel(kernel()),
        "gradient map": util.create_gradient_map(image),
        "real": util.create_probability_map(util.create_gradient_map(image), 26),
        "hr": util.create_probability_map(util.nn_interpolation(util.create_gradient_map(small), 2), 64),
    }
    fill(parts(gan.G), positive=True)
    fill(parts(gan.D))
    torch.randn_like = torch.zeros_like  # no noise
    learner = code["learner"].Learner()
    learner.update_l_rate_freq, learner.lambda_update_freq, learner.bic_loss_to_start_change = 5, 1, 1e9
    for step in range(STEPS):
        gan.train(*(2 * crop - 1 for crop in crops()))
        learner.update(step, gan)
        gan.calc_curr_k()
        found[f"kernel {step}"] = gan.curr_k.detach()
        found[f"weights {step}"] = [gan.lambda_bicubic, gan.lambda_centralized, gan.lambda_sparse]
    return {key: shown(value) for key, value in found.items()}


def shown(values: object) -> list[float]:
    """The values that are kept."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    return [float(f"{one:.7g}") for one in flat[:: EVERY.get(flat.size, 1)]]


if __name__ == "__main__":
    with redirect_stdout(sys.stderr):
        values = made(Path(sys.argv[1]))
    rows = [f'"{name}": {json.dumps(values)}' for name, values in values.items()]
    print("{" + ",\n".join(rows) + "}")
