"""Multiply-adds of networks for clips: those of one frame, deformable convolutions included."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from sr.device.count import _deformable, multiply_adds
from sr.network.deformable import Aligned
from sr.network.rrn import RRN
from sr.report.costs import measure


def test_a_recurrent_network_runs_each_weight_once_per_frame():
    network = RRN(scale=2, n_feats=8, n_blocks=1)
    weights = sum(p.numel() for name, p in network.named_parameters() if name.endswith("weight"))
    assert multiply_adds(network, 64, 96) == weights * 32 * 48


def test_a_deformable_convolution_counts_as_a_convolution():
    part = Aligned(8, groups=2)
    with torch.no_grad(), FlopCounterMode(display=False, custom_mapping=_deformable()) as counter:
        part(torch.rand(1, 8, 5, 6), torch.rand(1, 8, 5, 6))
    offsets = part.conv_offset.weight.numel()
    assert counter.get_total_flops() == 2 * 5 * 6 * (offsets + part.weight.numel())


def test_networks_for_clips_are_timed_by_the_frame():
    network = RRN(scale=2, n_feats=8, n_blocks=1).eval()
    found = measure({"rrn": network}, 16, device=torch.device("cpu"), rounds=1)
    assert found["rrn"].seconds > 0
