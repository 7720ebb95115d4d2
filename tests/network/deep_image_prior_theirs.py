"""What the hourglass of deep image prior's authors gives: writes tests/network/deep_image_prior_theirs.json.

git clone https://github.com/DmitryUlyanov/deep-image-prior
python -m tests.network.deep_image_prior_theirs deep-image-prior > tests/network/deep_image_prior_theirs.json
"""

import json
import sys

import torch

from tests.model.kernelgan_theirs import fill, parts, waves

SMALL = {"channels": 3, "n_feats": 12, "n_skip": 4, "n_levels": 5, "depth": 8}
EVERY = 401  # of the result's values one in so many is kept


def noise() -> torch.Tensor:
    """(1, 8, 64, 96) in [0, 0.1]."""
    return torch.from_numpy(waves((1, SMALL["depth"], 64, 96), 1.3)).float() / 20 + 0.05


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    from models.skip import skip

    widths = [SMALL["n_feats"]] * SMALL["n_levels"]
    options = {"pad": "reflection", "upsample_mode": "bilinear", "need_sigmoid": True, "need_bias": True}
    network = skip(SMALL["depth"], 3, widths, widths, [SMALL["n_skip"]] * SMALL["n_levels"], **options)
    fill(parts(network))
    with torch.no_grad():
        print(json.dumps([round(value, 6) for value in network(noise()).flatten()[::EVERY].tolist()]))
