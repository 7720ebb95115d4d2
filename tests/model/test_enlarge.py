"""Evaluation where the memory is short: what is tried, what is said, and the one line where nothing fits."""

import pytest
import torch
from torch import nn

from sr.cli.explain import explain
from sr.errors import ShortMemoryError
from sr.infer.upscaler import upscale
from sr.model.enlarge import Enlarger, memory_for
from sr.network.compact import Compact
from sr.network.edvr import EDVR
from sr.network.rrn import RRN


class Short(nn.Module):
    """A network on a device that holds so many LR pixels."""

    multiple_of = 1

    def __init__(self, network: nn.Module, pixels: int) -> None:
        super().__init__()
        self.network, self.pixels, self.scale, self.asked = network, pixels, network.scale, []

    def forward(self, lr):
        self.asked.append(lr.shape[-2] * lr.shape[-1])
        if self.asked[-1] > self.pixels:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return self.network(lr)


class Pooled(Compact):
    """Looks at the whole image."""

    def forward(self, lr):
        return super().forward(lr) + 1e-3 * lr.mean()


@pytest.fixture
def lr() -> torch.Tensor:
    return torch.rand(1, 3, 150, 200, generator=torch.Generator().manual_seed(0))


def small(kind: type = Compact) -> nn.Module:
    torch.manual_seed(0)
    return kind(scale=2, n_feats=8, n_blocks=2).eval()


@torch.no_grad()
def test_tiles_that_cover_the_reach_are_the_whole_and_larger_images_are_not_tried_again(lr, recwarn):
    network, enlarge = Short(small(), 12_000), Enlarger()
    sr = enlarge(network, lr, "set5/a")
    torch.testing.assert_close(sr, upscale(network.network, lr), atol=1e-6, rtol=0)
    (said,) = [str(warning.message) for warning in recwarn if "memory" in str(warning.message)]
    assert (
        said.startswith("set5/a: not enough memory for 200x150 LR pixels at once")
        and "equals the result of the whole image" in said
    )
    network.asked.clear()
    enlarge(network, lr, "set5/b")
    assert max(network.asked) <= 12_000
    network.asked.clear()
    enlarge(network, lr[..., :100, :100], "set5/c")
    assert network.asked == [10_000]  # it fits


@torch.no_grad()
def test_a_network_that_pools_is_said_to_be_near(lr):
    with pytest.warns(UserWarning, match="which approximates the result of the whole image$"):
        sr = Enlarger()(Short(small(Pooled), 20_000), lr, "set5/a")
    torch.testing.assert_close(sr, upscale(small(Pooled), lr), atol=1e-3, rtol=0)


@torch.no_grad()
def test_where_nothing_fits_one_line_names_the_image(lr):
    with pytest.raises(ShortMemoryError, match=r"^set5/a: not enough memory for 200x150 LR pixels, even in small tiles"):
        Enlarger()(Short(small(), 100), lr, "set5/a")


def test_other_errors_are_not_taken_for_it(lr):
    class Broken(Short):
        def forward(self, lr):
            raise RuntimeError("a defect")

    with pytest.raises(RuntimeError, match="^a defect$"):
        Enlarger()(Broken(small(), 0), lr, "set5/a")


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 9 bytes")]
)
def test_an_allocators_error_becomes_one_line(error):
    with pytest.raises(ShortMemoryError, match="^b100/x: not enough memory to measure it"), memory_for("b100/x"):
        raise error
    assert explain(error, "train").startswith("out of memory (")


@torch.no_grad()
def test_flip_seq_is_that_of_mmagic():
    """MirrorSequence, then the mean of `feats[:, t // 4]` and `feats[:, -1 - t // 4]`: mmagic's models/editors/basicvsr."""
    torch.manual_seed(0)
    clip = torch.rand(1, 7, 3, 16, 16)
    network = RRN(scale=2, n_feats=4, n_blocks=1).eval()
    feats = network(torch.cat([clip, clip.flip(1)], 1))
    centre = 0.5 * (feats[:, 14 // 4] + feats[:, -1 - 14 // 4])
    torch.testing.assert_close(Enlarger()(network, clip, "a", flip_seq=True)[:, 3], centre, atol=1e-6, rtol=0)
    assert (Enlarger()(network, clip, "a")[:, 3] - centre).abs().max() > 1e-4
    window = EDVR(scale=4, n_feats=8, n_blocks=1, n_extract_blocks=1, groups=2).eval()
    for other in (window, small()):  # they look at the frames around each alone, and at single frames
        assert torch.equal(Enlarger()(other, clip, "a", flip_seq=True), Enlarger()(other, clip, "a"))
