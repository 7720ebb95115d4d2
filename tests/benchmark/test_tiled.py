"""Tiles are pieces of whole images, HR and LR, and a score each."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sr.benchmark.pairs import Benchmark
from sr.benchmark.tiled import Tiled
from sr.errors import InputError
from sr.image.photograph import photograph


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    pixels = (photograph(100, 3)[0].permute(1, 2, 0) * 255).byte().numpy()
    Image.fromarray(pixels[:70]).save(folder / "a.png")
    Image.fromarray(np.ascontiguousarray(pixels[:64, :32])).save(folder / "b.png")
    return folder


def test_tiles_are_cut_from_the_whole(folder):
    whole, tiles = Benchmark("whole", folder, 2), Tiled(name="tiles", hr=folder, scale=2, tile=32)
    tiles.prepare()
    rows, columns = ("0000", "0032"), ("0000", "0032", "0064")
    assert tiles.names == [f"a_{y}_{x}" for y in rows for x in columns] + ["b_0000_0000", "b_0032_0000"]
    assert len(tiles) == 8
    one, last = tiles[5], tiles[7]
    assert one["name"] == "a_0032_0064" and torch.equal(one["hr"], whole[0]["hr"][:, 32:64, 64:96])
    assert torch.equal(one["lr"], whole[0]["lr"][:, 16:32, 32:48]) and torch.equal(last["lr"], whole[1]["lr"][:, 16:32, :16])


@pytest.mark.parametrize(
    "tile, message", [(33, "tile=33 is not a multiple of scale=2"), (64, "is smaller than a tile of 64x64")]
)
def test_wrong_tiles_are_one_line(tile, message, folder):
    with pytest.raises(InputError, match=rf"^benchmark tiles: [^\n]*{message}$"):
        Tiled(name="tiles", hr=folder, scale=2, tile=tile).prepare()
