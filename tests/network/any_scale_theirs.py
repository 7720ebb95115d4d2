"""What the authors' code gives for networks of any scale: writes tests/network/any_scale_theirs.json.

git clone https://github.com/yinboc/liif && git clone https://github.com/jaewon-lee-b/lte
python -m tests.network.any_scale_theirs liif lte > tests/network/any_scale_theirs.json   # each clone in its own process
"""

import json
import subprocess
import sys
from unittest.mock import MagicMock

import torch
from torch import Tensor, nn

LR, SIZES = (5, 6), ((10, 12), (12, 20), (13, 14), (5, 6), (21, 46))  # x2, between, x1, beyond 4; no pixel lies on an edge
EVERY = 13  # of the results' values one in so many is kept
EDSR = {"name": "edsr-baseline", "args": {"no_upsampling": True, "n_resblocks": 2, "n_feats": 8}}
RDN = {"name": "rdn", "args": {"no_upsampling": True, "G0": 8, "RDNconfig": "A"}}
MLP = {"name": "mlp", "args": {"out_dim": 3, "hidden_list": [16, 12]}}
CASES = {
    "liif": {"liif": {"encoder_spec": EDSR, "imnet_spec": MLP}},
    "liif without ensemble": {"liif": {"encoder_spec": EDSR, "imnet_spec": MLP, "local_ensemble": False}},
    "liif without unfolding": {"liif": {"encoder_spec": EDSR, "imnet_spec": MLP, "feat_unfold": False}},
    "liif without cell": {"liif": {"encoder_spec": EDSR, "imnet_spec": MLP, "cell_decode": False}},
    "rdn": {"liif": {"encoder_spec": RDN, "imnet_spec": MLP}},
    "meta_sr": {"metasr": {"encoder_spec": EDSR}},
    "lte": {"lte": {"encoder_spec": EDSR, "imnet_spec": MLP, "hidden_dim": 24}},
}


def filled(network: nn.Module) -> nn.Module:
    """The network with weights that any machine makes the same, without a generator of random numbers."""
    for key, value in sorted(network.state_dict().items()):
        if "_mean." not in key:
            fan_in = value[0].numel() if value.ndim > 1 else 4
            wave = torch.sin(torch.arange(value.numel(), dtype=torch.float64) * (1.7 + len(key) / 100))
            value.copy_((wave.view(value.shape) * (2 / fan_in) ** 0.5).float())
    return network


def image() -> Tensor:
    """(1, 3, H, W) in [0, 1]."""
    return torch.sin(torch.arange(3 * LR[0] * LR[1], dtype=torch.float64) * 0.7).view(1, 3, *LR).float() / 2 + 0.5


@torch.no_grad()
def made() -> dict[str, list[list[float]]]:
    """Each of their networks' results at each size, in the folder of a clone."""
    sys.path.insert(0, ".")
    for name in ("tensorboardX", "timm", "timm.models", "timm.models.layers"):  # for logs and for SwinIR: not used here
        sys.modules[name] = MagicMock()
    import models
    from utils import make_coord

    torch.Tensor.cuda = lambda self: self  # their query_rgb needs a GPU
    found = {}
    for name, case in CASES.items():
        if (model := next(iter(case))) not in models.models.models:
            continue
        network = filled(models.make({"name": model, "args": case[model]}))
        found[name] = []
        for size in SIZES:
            coord = make_coord(size)[None]
            cell = torch.ones_like(coord) * 2 / torch.tensor(size)
            if model == "lte":  # test.py, batched_predict: beyond the largest scale, the cell is that of the largest
                cell = cell * (torch.tensor(size) / torch.tensor(LR) / 4).clamp(min=1)
            result = network(image() * 2 - 1, coord, cell)[0].T * 0.5 + 0.5
            found[name].append([round(value, 7) for value in result.flatten()[::EVERY].tolist()])
    return found


if __name__ == "__main__":
    if sys.argv[1:]:
        parts = [subprocess.run([sys.executable, __file__], cwd=one, check=True, stdout=-1).stdout for one in sys.argv[1:]]
        lte, liif = json.loads(parts[1]), json.loads(parts[0])
        rows = [f'"{name}": {json.dumps(values)}' for name, values in ({"lte": lte["lte"]} | liif).items()]
        print("{" + ",\n".join(rows) + "}")
    else:
        print(json.dumps(made()))
