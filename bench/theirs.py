"""The authors' own degradations, and LIIF, run from a checkout of their repositories, to be measured beside ours.

    git clone https://github.com/XPixelGroup/BasicSR            # Real-ESRGAN's pipeline
    git clone https://github.com/cszn/KAIR                      # BSRGAN's and SwinIR's
    git clone https://github.com/yinboc/liif                    # bench/any_scale.py
    pip install opencv-python-headless                          # the first two need it

Their files run as they are, with these changes: `.view(` becomes `.reshape(` and `.cuda()` nothing, for on a CPU some tensors
are not contiguous; modules that the degradation does not need (networks, losses, readers) are left out; scipy's `interp2d` and
`finfo`, which are gone, are linear interpolation between grid points, as it was, and NumPy's.
"""

import math
import random
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import ndimage
from scipy.interpolate import RegularGridInterpolator
from torch import Tensor

# options/train_realesrgan_x4plus.yml of xinntao/Real-ESRGAN.
MIXED = {
    "kernel_list": ["iso", "aniso", "generalized_iso", "generalized_aniso", "plateau_iso", "plateau_aniso"],
    "kernel_prob": [0.45, 0.25, 0.12, 0.03, 0.12, 0.03],
    "sinc_prob": 0.1,
    "betag_range": [0.5, 4],
    "betap_range": [1, 2],
}
OPTIONS = {
    "scale": 4,
    "resize_prob": [0.2, 0.7, 0.1],
    "resize_range": [0.15, 1.5],
    "gaussian_noise_prob": 0.5,
    "noise_range": [1, 30],
    "poisson_scale_range": [0.05, 3],
    "gray_noise_prob": 0.4,
    "jpeg_range": [30, 95],
    "second_blur_prob": 0.8,
    "resize_prob2": [0.3, 0.4, 0.3],
    "resize_range2": [0.3, 1.2],
    "gaussian_noise_prob2": 0.5,
    "noise_range2": [1, 25],
    "poisson_scale_range2": [0.05, 2.5],
    "gray_noise_prob2": 0.4,
    "jpeg_range2": [30, 95],
    "gt_size": 256,
    "queue_size": 180,
    "blur_kernel_size": 21,
    "blur_kernel_size2": 21,
    "blur_sigma": [0.2, 3],
    "blur_sigma2": [0.2, 1.5],
    "final_sinc_prob": 0.8,
    "use_hflip": False,
    "use_rot": False,
    **MIXED,
    **{f"{name}2": value for name, value in MIXED.items()},
}


def _module(name: str, **content: Any) -> types.ModuleType:
    """A module of that name and content, which further imports find."""
    module = types.ModuleType(name)
    module.__dict__.update(content)
    sys.modules[name] = module
    return module


def _run(file: Path, name: str) -> types.ModuleType:
    """A file of theirs as the module `name`."""
    if not file.is_file():
        sys.exit(f"{file}: not there; pass the folder of a checkout (see bench/theirs.py)")
    source = file.read_text().replace(".view(", ".reshape(").replace(".cuda()", "").replace("scipy.finfo", "np.finfo")
    module = _module(name)
    exec(compile(source, str(file), "exec"), module.__dict__)
    return module


class BasicSR:
    """Real-ESRGAN's pipeline of XPixelGroup/BasicSR: its data set makes kernels, its model degrades a batch."""

    def __init__(self, checkout: str) -> None:
        root = Path(checkout) / "basicsr"

        class Registry:
            def register(self, suffix: str | None = None) -> Callable:
                return lambda kind: kind

        self.degradations = _run(root / "data/degradations.py", "basicsr.data.degradations")
        transforms = _run(root / "data/transforms.py", "basicsr.data.transforms")
        images = _run(root / "utils/img_process_util.py", "basicsr.utils.img_process_util")
        jpeg = _run(root / "utils/diffjpeg.py", "basicsr.utils.diffjpeg")
        self.jpeg, self.usm = jpeg.DiffJPEG, images.USMSharp
        _module("basicsr.utils.registry", DATASET_REGISTRY=Registry(), MODEL_REGISTRY=Registry())
        unused = dict.fromkeys(("FileClient", "get_root_logger"))
        known = {"DiffJPEG": jpeg.DiffJPEG, "USMSharp": images.USMSharp, "img2tensor": _to_tensors}
        self.utils = _module("basicsr.utils", imfrombytes=lambda image, float32: image, **unused, **known)
        _module("basicsr.losses.loss_util", get_refined_artifact_map=None)
        _module("basicsr.models.srgan_model", SRGANModel=object)
        dataset = _run(root / "data/realesrgan_dataset.py", "basicsr.data.realesrgan_dataset").RealESRGANDataset
        model = _run(root / "models/realesrgan_model.py", "basicsr.models.realesrgan_model").RealESRGANModel
        self.dataset, self.model = dataset.__new__(dataset), model.__new__(model)
        for name, value in OPTIONS.items():
            setattr(self.dataset, name, value)
        self.dataset.opt = OPTIONS | {"io_backend": {"type": "memory"}}
        self.dataset.blur_kernel_size = 21
        self.dataset.kernel_range = [2 * v + 1 for v in range(3, 11)]
        self.dataset.pulse_tensor = torch.zeros(21, 21)
        self.dataset.pulse_tensor[10, 10] = 1
        self.model.opt, self.model.device, self.model.is_train = OPTIONS, torch.device("cpu"), True
        self.model.jpeger, self.model.usm_sharpener = jpeg.DiffJPEG(differentiable=False), images.USMSharp()
        self.model._dequeue_and_enqueue = lambda: None  # the pool mixes batches, and changes no pair
        del transforms

    def items(self, images: list[np.ndarray]) -> dict[str, Tensor]:
        """What the data loader gives for these images, RGB float32 (H, W, 3): crops of 400 x 400 and kernels."""

        class Client:
            def get(self, path: int, kind: str) -> np.ndarray:
                return images[path]

        self.dataset.file_client, self.dataset.paths = Client(), list(range(len(images)))
        found = [self.dataset[i] for i in range(len(images))]
        return {key: torch.stack([item[key] for item in found]) for key in ("gt", "kernel1", "kernel2", "sinc_kernel")}

    def degrade(self, batch: dict[str, Tensor]) -> Tensor:
        """LR patches (N, 3, 64, 64) of a batch of `items`."""
        self.model.feed_data(batch)
        return self.model.lq


class KAIR:
    """BSRGAN's and SwinIR's pipelines of cszn/KAIR: `degradation_bsrgan` and `degradation_bsrgan_plus`."""

    def __init__(self, checkout: str) -> None:
        sys.path.insert(0, checkout)
        import scipy.interpolate

        scipy.interpolate.interp2d = _interp2d
        if not hasattr(ndimage, "filters"):
            ndimage.filters = ndimage
        utils = _module("utils")
        utils.__path__ = [str(Path(checkout) / "utils")]
        _module("utils.utils_image", **_image_functions(Path(checkout)))
        utils.utils_image = sys.modules["utils.utils_image"]
        self.blind = _run(Path(checkout) / "utils/utils_blindsr.py", "utils.utils_blindsr")

    def degrade(self, image: np.ndarray, kind: str = "bsrgan", size: int = 64, **options: Any) -> np.ndarray:
        """LR patch (size, size, 3) of an image (H, W, 3) in [0, 1]; kind bsrgan or bsrgan_plus."""
        return getattr(self.blind, f"degradation_{kind}")(image, sf=4, lq_patchsize=size, **options)[0]


def liif(checkout: str | Path, hidden: list[int]) -> tuple[torch.nn.Module, Callable[..., Tensor]]:
    """LIIF on EDSR-baseline of yinboc/liif with these widths of the MLP, and their make_coord."""
    root = Path(checkout)
    _module("tensorboardX", SummaryWriter=None)
    utils, models = _run(root / "utils.py", "utils"), _run(root / "models" / "models.py", "models")
    for name in ("mlp", "edsr", "liif"):
        _run(root / "models" / f"{name}.py", f"models.{name}")
    encoder = {"name": "edsr-baseline", "args": {"no_upsampling": True}}
    mlp = {"name": "mlp", "args": {"out_dim": 3, "hidden_list": hidden}}
    return models.make({"name": "liif", "args": {"encoder_spec": encoder, "imnet_spec": mlp}}), utils.make_coord


def _to_tensors(images: list[np.ndarray], **_: Any) -> list[Tensor]:
    return [torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))) for image in images]


def _interp2d(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> Callable:
    found = RegularGridInterpolator((y, x), z)
    return lambda x1, y1: found(np.stack(np.meshgrid(y1, x1, indexing="ij"), -1))


def _image_functions(checkout: Path) -> dict[str, Any]:
    """imresize_np and conversions of utils_image.py, which imports much that is not needed."""
    source = (checkout / "utils/utils_image.py").read_text()
    names = ("cubic", "calculate_weights_indices", "imresize_np", "single2uint", "uint2single")
    parts = {part.split("(")[0]: f"def {part}" for part in source.split("\ndef ")[1:]}
    space: dict[str, Any] = {"np": np, "torch": torch, "math": math, "random": random}
    for name in names:
        exec(parts[name].split("\n\n\n# ")[0].split('\n\n\n"""')[0].split("\n\n'''\n#")[0], space)
    return {name: space[name] for name in names}
