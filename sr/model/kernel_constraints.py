"""What a blur kernel should be like, and when KernelGAN begins to ask for it.

Bell-Kligler, Shocher, Irani 2019, arXiv:1909.06581, section 4.3; weights and times are those of the authors' code
(github.com/sefibk/KernelGAN, kernelGAN.py and learner.py), which differ from the paper's.
"""

import torch
from torch import Tensor, nn

_DECAY, _LEAST, _ENTERS = 100.0, 1e-6, 1e-3  # of the bicubic term: its divisor, its end, and where two constraints begin


class KernelConstraints(nn.Module):
    """Losses of a kernel (k, k), and the factor of the loss that keeps its images near bicubic downscaling.

    At first the kernel has to sum to 1 and to be small at its boundary, and images have to be near bicubic. When they were for
    three steps, the factor falls, every `every` steps, from 1 to 1/100, 1e-4 and 1e-6. From 1e-4 on the kernel has to be
    centred and sparse too.

    Args:
        scale: of the downscaler.
        kernel_size: k, odd.
        total, boundary, centre, sparse: weights.
        near: distance from bicubic below which images are near it.
        every: steps between two changes.
    """

    def __init__(
        self,
        scale: int,
        kernel_size: int,
        *,
        total: float = 0.5,
        boundary: float = 0.5,
        centre: float = 1.0,
        sparse: float = 5.0,
        near: float = 0.4,
        every: int = 200,
    ) -> None:
        super().__init__()
        self.weights = {"total": total, "boundary": boundary, "centre": centre, "sparse": sparse}
        self.near, self.every = near, every
        self.wanted = kernel_size // 2 + 0.5 * (scale - kernel_size % 2)  # as `sr.functional.given_kernel.aligned`
        self.register_buffer("mask", boundary_mask(kernel_size), persistent=False)
        self.register_buffer("factor", torch.ones(()))
        self.register_buffer("steps_near", torch.zeros((), dtype=torch.int64))
        self.register_buffer("late", torch.zeros((), dtype=torch.bool))  # whether centre and sparse count

    def forward(self, kernel: Tensor) -> dict[str, Tensor]:
        """Each loss by name, without its weight."""
        total, axis = kernel.sum(), torch.arange(float(len(kernel)), device=kernel.device)
        rows, columns = (kernel.sum(1 - dim) @ axis / total for dim in (0, 1))
        return {
            "total": (1 - total).abs(),
            "boundary": (kernel * self.mask).abs().mean(),
            "centre": ((rows - self.wanted) ** 2 + (columns - self.wanted) ** 2) / 2,
            "sparse": (kernel.abs() ** 0.2).mean(),
        }

    def weighted(self, losses: dict[str, Tensor]) -> Tensor:
        """Their sum, with the weights of this step."""
        early, late = (sum(self.weights[name] * losses[name] for name in names) for names in _PARTS)
        return early + late if self.late else early

    @torch.no_grad()
    def update(self, step: int, distance: Tensor) -> None:
        """After step `step`, counted from 0, whose images had this distance from bicubic."""
        if step == 0:
            return
        if self.steps_near < 3:
            self.steps_near.copy_(torch.where(distance < self.near, self.steps_near + 1, 0))
        elif step % self.every == 0 and self.factor > _LEAST:
            self.factor.div_(_DECAY).clamp_(min=_LEAST)
            self.late.logical_or_(self.factor < _ENTERS)


_PARTS = ("total", "boundary"), ("centre", "sparse")


def boundary_mask(side: int) -> Tensor:
    """(k, k): 0 in the middle, outside of it 30 times 1 minus a Gaussian of sigma k whose peak is 1."""
    axis = torch.arange(side, dtype=torch.float64) - side // 2
    line = torch.exp(-(axis**2) / (2 * side**2))
    mask, margin = 1 - line[:, None] * line, (side - (side // 2 + side % 2)) // 2 - 1
    mask[margin : side - margin, margin : side - margin] = 0
    return 30 * mask.float()
