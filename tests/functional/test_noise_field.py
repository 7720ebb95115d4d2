"""The noise of a pixel depends on the seed and on its place, not on what else is cut from the plane."""

import torch
from scipy.stats import kstest

from sr.functional.noise_field import noise_field, places


def cut(seed: int, top: int, left: int, height: int, width: int, turns: int = 2) -> list[torch.Tensor]:
    field = noise_field(seed, places((height, width), torch.tensor([[top, left]])), 3)
    return [next(field) for _ in range(turns)]


def test_cuts_agree_where_they_overlap():
    whole, part = cut(0, 0, 0, 150, 200), cut(0, 37, 61, 80, 100)
    for one, other in zip(whole, part, strict=True):
        assert torch.equal(one[..., 37:117, 61:161], other)


def test_a_batch_of_places_is_each_place():
    starts = torch.tensor([[0, 0], [64, 10], [64, 10]])
    together = next(noise_field(5, places((20, 30), starts), 3))
    assert all(torch.equal(one[None], cut(5, *start, 20, 30)[0]) for one, start in zip(together, starts.tolist(), strict=True))
    same = next(noise_field(5, places((20, 30), starts[1:]), 3))
    assert torch.equal(same, together[1:])


def test_flipped_places_have_flipped_noise():
    place = places((40, 70), torch.tensor([[10, 20]]))
    plain = next(noise_field(1, place, 2))
    assert torch.equal(next(noise_field(1, place.flip(-1), 2)), plain.flip(-1))
    assert torch.equal(next(noise_field(1, place.rot90(1, (-2, -1)), 2)), plain.rot90(1, (-2, -1)))


def test_it_is_standard_normal_and_independent():
    """Of pixels, bands, turns and seeds, and over the edges of blocks."""
    one, two = cut(0, 0, 0, 256, 256)
    other = cut(1, 0, 0, 256, 256)[0]
    assert kstest(one.flatten().numpy(), "norm").pvalue > 1e-3
    pairs = [(one, two), (one, other), (one[:, 0], one[:, 1]), (one[..., 1:], one[..., :-1]), (one[..., 64:], one[..., :-64])]
    for a, b in pairs:
        assert (
            abs(torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1].item()) < 0.015
        )  # 5 sigma of 65,536 pairs: 0.02
