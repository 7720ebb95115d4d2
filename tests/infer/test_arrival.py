"""Results that are copied to the host while the next are computed: all of them, in order."""

import torch

from sr.functional.resize import imresize
from sr.image.photograph import photograph
from sr.infer.arrival import arriving
from sr.infer.upscaler import Upscaler
from tests.network.small import build


def test_pieces_come_in_order_and_some_are_under_way():
    asked = []

    def pieces():
        for number in range(5):
            asked.append(number)
            yield number, 0, torch.tensor(number)

    found = arriving(pieces(), 2)
    assert next(found)[0] == 0 and asked == [0, 1, 2]
    assert [int(tensor) for _, _, tensor in found] == [1, 2, 3, 4]
    assert [int(tensor) for _, _, tensor in arriving(pieces(), 9)] == [0, 1, 2, 3, 4]


def test_tiles_that_are_sent_to_the_device_and_blended_there_are_the_same():
    """With the CPU as the device."""
    network, lr = build("compact_light", 2).eval(), imresize(photograph(96), 1 / 2)
    upscaler = Upscaler(network, tile=24, overlap=8, batch=3)
    both = [
        [*upscaler._blocks(lambda rows, columns: lr[..., rows, columns], *upscaler._grids(48, 48), device)]
        for device in (None, torch.device("cpu"))
    ]
    assert len(both[0]) > 4
    for ours, theirs in zip(*both, strict=True):
        assert ours[:2] == theirs[:2] and torch.equal(ours[2], theirs[2])
