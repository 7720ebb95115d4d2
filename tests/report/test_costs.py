"""Timings that are compared, and the front that is drawn through them."""

import copy
import random
from itertools import combinations

import pytest
import torch

from sr.network.compact import Compact
from sr.network.edsr import EDSR
from sr.network.interpolation import Interpolation
from sr.report.costs import identity, measure
from sr.report.front import front

CPU = torch.device("cpu")


def edsr(**options: object) -> EDSR:
    return EDSR(scale=2, **{"n_feats": 8, "n_blocks": 2, **options})


def test_identical_networks_have_one_timing():
    """Two seeds of one architecture, and one that differs in a width."""
    networks = {"a": edsr(), "b": edsr(), "wide": edsr(n_feats=16), "bicubic": Interpolation(scale=2)}
    found = measure({name: network.eval() for name, network in networks.items()}, 24, device=CPU, rounds=3)
    assert found["a"].shared_with is None and found["b"].shared_with == "a"
    assert (found["b"].seconds, found["b"].low, found["b"].high) == (found["a"].seconds, found["a"].low, found["a"].high)
    assert found["wide"].shared_with is None and found["wide"].seconds != found["a"].seconds
    for timing in found.values():
        assert 0 < timing.low <= timing.seconds <= timing.high and timing.rounds == 3


def test_identity_is_class_settings_and_shapes():
    same = [edsr(), edsr(), copy.deepcopy(edsr()).eval()]
    assert len({identity(network) for network in same}) == 1
    others = [edsr(), edsr(n_feats=12), edsr(n_blocks=3), edsr(res_scale=0.2), Compact(scale=2, n_feats=8, n_blocks=2)]
    others += [Interpolation(scale=2, kernel=kernel) for kernel in ("bicubic", "bilinear")]  # no weights to tell them apart
    assert len({identity(network) for network in others}) == len(others)


def test_times_inside_the_spread_are_equal():
    """The figures of two identical networks, 2.82 and 2.66 s: the front is not drawn through both."""
    quality = {"a": 33.9, "b": 33.7, "fast": 31.0, "slow": 33.0}
    cost = {"a": (2.6, 3.1), "b": (2.5, 2.9), "fast": (0.5, 0.6), "slow": (4.0, 4.4)}
    assert front(quality, cost) == ["fast", "a"]
    assert front(quality, cost | {"b": (2.0, 2.5)}) == ["fast", "b", "a"]  # clearly faster: a choice of its own
    assert front({"a": 1.0, "b": 1.0}, {"a": (1, 2), "b": (1.5, 3)}) == ["a", "b"]  # equal in both
    assert front({"a": 1.0, "b": 1.0}, {"a": (1, 2), "b": (2.5, 3)}) == ["a"]


@pytest.mark.parametrize("seed", range(20))
def test_without_a_spread_it_is_the_plain_front(seed):
    draw = random.Random(seed)
    points = {str(index): (draw.randint(0, 6), draw.randint(1, 6)) for index in range(8)}
    found = front({name: q for name, (q, _) in points.items()}, {name: (c, c) for name, (_, c) in points.items()})
    beaten = {
        b
        for one, two in combinations(points, 2)
        for a, b in ((one, two), (two, one))
        if points[a][0] >= points[b][0] and points[a][1] <= points[b][1] and points[a] != points[b]
    }
    assert set(found) == points.keys() - beaten
