"""ZSSR as a finished network: it trains a small network on each image that it enlarges.

Shocher, Cohen, Irani: "Zero-Shot" Super-Resolution using Deep Internal Learning, 2018, arXiv:1712.06087.
"""

from pathlib import Path
from typing import Any

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from sr.device.private import bf16_on_cpu
from sr.errors import InputError
from sr.files import whole
from sr.network.fitted import Fitted
from sr.network.zssr_cnn import ZSSRCNN
from sr.network.zssr_task import Task, content

_SAVE_EVERY = 250  # steps: a minute of work is lost at most


class ZSSR(Fitted):
    """(N, C, H, W) in [0, 1] -> (N, C, sH, sW): each image is its own training set. No weights of its own.

    The result is a pure function of the image, `seed` and the options, on one machine; it is also what train.py
    experiment=zssr makes of the image.

    Args:
        seed: of the first weights and of the training pairs, together with the image's content.
        precision: of the training: "32", or "auto": bf16 where the hardware multiplies it faster. The final image is made in
            float32.
        folder: where results and unfinished trainings are kept, by the content of the image: an interrupted evaluation goes on
            from there, in every bit. None: nothing is kept.
        n_feats, n_layers: of `sr.network.zssr_cnn.ZSSRCNN`.
        gradual, crop, noise, kernel, back_projection, max_steps: of `sr.network.zssr_task.Task`.
    """

    def __init__(
        self,
        *,
        scale: int = 2,
        channels: int = 3,
        n_feats: int = 64,
        n_layers: int = 8,
        seed: int = 0,
        precision: str | int = "32",
        folder: str | None = None,
        gradual: bool = False,
        crop: int = 128,
        noise: float = 0.0,
        kernel: str | None = None,
        back_projection: int = 10,
        max_steps: int = 3000,
    ) -> None:
        if str(precision) not in ("32", "auto"):
            raise InputError(f"network.precision={precision}: choose 32 or auto")
        self.precision = str(precision)
        self.network = {"scale": scale, "channels": channels, "n_feats": n_feats, "n_layers": n_layers}
        self.task = {"scale": scale, "gradual": gradual, "crop": crop, "noise": noise, "kernel": kernel}
        self.task |= {"back_projection": back_projection, "max_steps": max_steps}
        tried = Task(torch.zeros(1, channels, 1024, 1024), **self.task)  # options are refused before an image is read
        options = {**self.network, **self.task, "kernel": None if kernel is None else tried.kernel.tobytes()}
        options |= {"precision": self.precision}
        super().__init__(scale=scale, channels=channels, seed=seed, folder=folder, options=options)
        self.least = tried.least

    def made(self, lr: Tensor, generator: torch.Generator) -> Tensor:
        """Train a network on the image, and enlarge the image with it. An unfinished training goes on from its file."""
        task, part = Task(lr, seed=self.seed, **self.task), None
        if self.folder is not None:
            part = Path(self.folder) / "fitted" / f"{content(lr, self.seed, self.options).hex()}.part"
        network = ZSSRCNN(**self.network).to(lr.device, memory_format=torch.channels_last)
        network.reset(task.generator())
        fused = lr.device.type in ("cpu", "cuda")
        optimizer = torch.optim.Adam(network.parameters(), lr=task.rule.lr, fused=fused or None)
        first = _restored(part, task, network, optimizer) if part is not None and part.is_file() else 0
        total, size = len(task.scales) * task.max_steps, f"{lr.shape[-1]}x{lr.shape[-2]}"
        with tqdm(total=total, initial=first, desc=f"ZSSR on {size}", unit="step", leave=False, mininterval=0.5) as progress:
            step, half = first, self._autocast(lr.device)
            while not task.done:
                optimizer.param_groups[0]["lr"] = task.rule.rate
                son, father = (image.contiguous(memory_format=torch.channels_last) for image in task.pair(step))
                with torch.autocast(lr.device.type, half, enabled=half is not None):
                    made = network(son, size=tuple(father.shape[-2:]))
                optimizer.zero_grad()
                F.l1_loss(made.float(), father).backward()
                optimizer.step()
                task.after_step(network)
                step += 1
                progress.update()
                if part is not None and step % _SAVE_EVERY == 0:
                    state = {"task": task, "network": network, "optimizer": optimizer}
                    with whole(part) as temporary:
                        torch.save({"step": step} | {name: one.state_dict() for name, one in state.items()}, temporary)
        if part is not None:
            part.unlink(missing_ok=True)
        return task.enlarged(network, lr)

    def _autocast(self, device: torch.device) -> torch.dtype | None:
        if self.precision == "32":
            return None
        fast = torch.cuda.is_bf16_supported(including_emulation=False) if device.type == "cuda" else bf16_on_cpu()
        return torch.bfloat16 if fast and device.type in ("cpu", "cuda") else None


def _restored(part: Path, task: Task, network: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Restore an unfinished training; returns its step."""
    state: dict[str, Any] = torch.load(part, weights_only=True)
    for name, one in {"task": task, "network": network, "optimizer": optimizer}.items():
        one.load_state_dict(state[name])
    return state["step"]
