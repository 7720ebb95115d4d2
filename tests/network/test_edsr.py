import pytest
import torch
import torch.nn as nn


def official_shapes(scale: int, n_feats: int, n_blocks: int) -> dict[str, tuple[int, ...]]:
    """state_dict of sanghyun-son/EDSR-PyTorch, src/model/edsr.py, as in its files edsr_baseline_x2-1bc95232.pt ..."""
    layers = {"head.0": (n_feats, 3), f"body.{n_blocks}": (n_feats, n_feats), "tail.1": (3, n_feats)}
    layers |= {f"body.{i}.body.{j}": (n_feats, n_feats) for i in range(n_blocks) for j in (0, 2)}
    layers |= {
        2: {"tail.0.0": (4 * n_feats, n_feats)},
        3: {"tail.0.0": (9 * n_feats, n_feats)},
        4: {"tail.0.0": (4 * n_feats, n_feats), "tail.0.2": (4 * n_feats, n_feats)},
    }[scale]
    shapes = {"sub_mean.weight": (3, 3, 1, 1), "sub_mean.bias": (3,)}
    shapes |= {"add_mean.weight": (3, 3, 1, 1), "add_mean.bias": (3,)}
    for key, (n_out, n_in) in layers.items():
        shapes |= {f"{key}.weight": (n_out, n_in, 3, 3), f"{key}.bias": (n_out,)}
    return shapes


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_keys_and_shapes_of_the_baseline(build, scale):
    shapes = {key: tuple(value.shape) for key, value in build("edsr_baseline", scale).state_dict().items()}
    assert shapes == official_shapes(scale, 64, 16)


# Table 1 of the paper rounds to 1.5M and 43M; the exact figures are those that IMDN, RCAN and SwinIR print.
@pytest.mark.parametrize(
    ("name", "scale", "published"),
    [
        ("edsr_baseline", 2, 1.37e6),
        ("edsr_baseline", 4, 1.52e6),
        ("edsr", 2, 40.7e6),
        ("edsr", 4, 43.1e6),
    ],
)
def test_n_parameters(build, name, scale, published):
    assert sum(p.numel() for p in build(name, scale).parameters()) == pytest.approx(published, rel=2e-3)


class Release(nn.Module):
    """EDSR put together from the release's own blocks, which spandrel keeps beside IPT (same authors' common.py)."""

    def __init__(self, scale: int, n_feats: int, n_blocks: int, res_scale: float) -> None:
        from spandrel.architectures.IPT.__arch import common

        super().__init__()
        conv = common.default_conv
        blocks = [common.ResBlock(conv, n_feats, 3, res_scale=res_scale) for _ in range(n_blocks)]
        self.sub_mean, self.add_mean = common.MeanShift(255), common.MeanShift(255, sign=1)
        self.head = nn.Sequential(conv(3, n_feats, 3))
        self.body = nn.Sequential(*blocks, conv(n_feats, n_feats, 3))
        self.tail = nn.Sequential(common.Upsampler(conv, scale, n_feats), conv(n_feats, 3, 3))

    def forward(self, x):
        x = self.head(self.sub_mean(x))
        return self.add_mean(self.tail(self.body(x) + x))


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_agrees_with_the_release(build, scale):
    ours = build("edsr_baseline", scale, n_feats=16, n_blocks=3, res_scale=0.1)
    theirs = Release(scale, 16, 3, 0.1)
    assert ours.load_state_dict(theirs.state_dict())
    lr = torch.rand(1, 3, 17, 23, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(ours(lr), theirs(lr * 255) / 255, atol=1e-5, rtol=0)
