"""How alike the places of a feature map are: what a student and its teacher can compare whatever their numbers of channels.

He, Dai, Lu, Jiang, Xia: FAKD: Feature-Affinity Based Knowledge Distillation for Efficient Image Super-Resolution, 2020 (ICIP),
section 2.2.
"""

import torch
from torch import Tensor

_EPS = 1e-7  # of the authors' code


def affinity(features: Tensor) -> Tensor:
    """(N, C, *) with P places -> (N, P, P) in [-1, 1], float32: the cosines between the features of two places.

    48x48 places are 21 MB for each image of the batch, 24x24 are 1.3 MB.
    """
    with torch.autocast(features.device.type, enabled=False):  # cosines near 1 need more than 8 bits
        found = features.float().flatten(2)
        found = found / (found.norm(dim=1, keepdim=True) + _EPS)
        return found.mT @ found


def affinity_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """The mean absolute difference of the affinities of (N, C, *) and (N, D, *), a scalar (equation 4)."""
    return (affinity(student) - affinity(teacher)).abs().mean()
