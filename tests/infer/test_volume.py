"""Windows that slide through a volume, against the whole volume at once."""

import pytest
import torch

from sr.errors import InputError
from sr.infer.volume import VolumeUpscaler, upscale_volume
from sr.network.compact import Compact
from sr.network.edsr3d import EDSR3D
from sr.network.vnet import VNet
from tests.volumes import brain


def lively(axes: object, scale: int = 2) -> EDSR3D:
    """A network whose weights are far from the interpolation, and whose receptive field reaches 5 voxels."""
    torch.manual_seed(1)
    network = EDSR3D(scale=scale, axes=axes, n_feats=4, n_blocks=1).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(2.5)
    return network


@pytest.mark.parametrize(("scale", "axes"), [(2, "through_plane"), (2, "isotropic"), (4, [4, 1, 2])])
def test_windows_equal_the_whole_volume(sr_data, scale, axes):
    network, lr = lively(axes, scale), brain(sr_data, (33, 25, 12))
    whole = upscale_volume(network, lr, tile=None)
    with torch.inference_mode():
        torch.testing.assert_close(whole, network(lr))
    torch.testing.assert_close(upscale_volume(network, lr, tile=22, overlap=16), whole, atol=1e-5, rtol=0)
    assert (upscale_volume(network, lr, tile=12, overlap=0) - whole).abs().max() > 1e-3  # a seam, so the test can fail


def test_slabs_cover_the_volume_once_and_only_few_slices_are_read(sr_data):
    network, lr, read = lively("through_plane"), brain(sr_data, (60, 20, 24)), []

    def part(z: slice, y: slice, x: slice):
        read.append(z.stop - z.start)
        return lr[:, :, z, y, x]

    slabs = list(VolumeUpscaler(network, tile=20, overlap=16).slabs(part, lr.shape[2:]))
    firsts = [first for first, _ in slabs]
    assert len(slabs) > 5 and max(read) <= 20 and max(slab.shape[2] for _, slab in slabs) <= 40
    assert firsts == [sum(slab.shape[2] for _, slab in slabs[:n]) for n in range(len(slabs))]
    torch.testing.assert_close(
        torch.cat([slab for _, slab in slabs], 2), upscale_volume(network, lr, tile=None), atol=1e-5, rtol=0
    )


def test_odd_sizes_are_padded_for_networks_that_halve(sr_data):
    torch.manual_seed(0)
    network = VNet(scale=2, axes="through_plane", n_feats=4, n_blocks=[1, 1, 1], kernel_size=3).eval()
    lr = brain(sr_data, (9, 13, 10))
    for tile in (None, 8):
        assert upscale_volume(network, lr, tile=tile, overlap=4).shape == (1, 1, 18, 13, 10)


def test_the_ensemble_does_not_depend_on_the_orientation(sr_data):
    network, lr = lively("through_plane"), brain(sr_data, (8, 10, 12))
    made = upscale_volume(network, lr, ensemble=True)
    for dims in ((-1,), (-3, -2)):
        torch.testing.assert_close(upscale_volume(network, lr.flip(dims), ensemble=True).flip(dims), made, atol=1e-5, rtol=0)
    assert not torch.allclose(made, upscale_volume(network, lr), atol=1e-4)


def test_windows_are_halved_when_memory_is_short(sr_data):
    network, lr = lively("through_plane"), brain(sr_data, (80, 12, 12))
    forward, seen = network.forward, []

    def short(x):
        seen.append(x.shape[2])
        if x.shape[2] > 48:
            raise MemoryError
        return forward(x)

    network.forward = short
    made = VolumeUpscaler(network, tile=None, overlap=16, halve=True)(lr)
    assert seen[0] == 80 and max(seen[1:]) <= 40
    network.forward = forward
    torch.testing.assert_close(made, upscale_volume(network, lr, tile=None), atol=1e-5, rtol=0)
    network.forward = short
    with pytest.raises(MemoryError):
        upscale_volume(network, lr, tile=None)


def test_what_does_not_fit_is_one_line():
    with pytest.raises(InputError, match="^Compact is for pictures"):
        upscale_volume(Compact(scale=2, n_feats=4, n_blocks=1), torch.zeros(1, 3, 4, 4, 4))
    with pytest.raises(InputError, match=r"^lr has shape \(1, 4, 4, 4\): expected \(N, C, D, H, W\)"):
        upscale_volume(lively("isotropic"), torch.zeros(1, 4, 4, 4))
    with pytest.raises(InputError, match="^overlap=16 does not fit tile=8"):
        upscale_volume(lively("isotropic"), torch.zeros(1, 1, 20, 20, 20), tile=8)
