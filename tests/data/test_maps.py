import os
import pickle
import resource
from pathlib import Path

import numpy as np
import pytest

from sr.data import maps
from sr.data.maps import Maps


@pytest.fixture
def files(tmp_path) -> list[Path]:
    """Forty arrays of 1 MB with numbers in them."""
    made = []
    for index in range(40):
        made.append(tmp_path / f"{index}.npy")
        np.save(made[-1], np.random.default_rng(index).integers(0, 256, (2**10, 2**10), np.uint8))
    return made


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")
@pytest.mark.parametrize("budget", [4, 1000])
def test_memory_stays_within_the_budget(files, monkeypatch, budget):
    """Every byte of 40 MB is read three times; with a budget of 4 MB no more than that stays with the process."""
    monkeypatch.setattr(maps, "_BUDGET", budget * 2**20)
    opened, before = Maps(), resident()
    totals = [int(opened[file].sum(dtype=np.int64)) for _ in range(3) for file in files]
    grown = (resident() - before) / 2**20
    assert grown < 8 if budget == 4 else grown > 30
    assert totals[:40] == totals[40:80] == totals[80:] == [int(np.load(file).sum(dtype=np.int64)) for file in files]


def test_number_of_maps_is_bounded(files, monkeypatch):
    monkeypatch.setattr(maps, "_FILES", 7)
    opened = Maps()
    for _ in range(2):
        for file in files:
            np.testing.assert_array_equal(opened[file][:2], np.load(file)[:2])
            assert len(opened._arrays) <= 7


def test_is_read_only(files):
    with pytest.raises(ValueError, match="read-only"):
        Maps()[files[0]][0, 0] = 1


def test_goes_to_another_process_empty(files):
    opened = Maps()
    expected = opened[files[0]].copy()
    again = pickle.loads(pickle.dumps(opened))
    assert again._arrays == {}
    np.testing.assert_array_equal(again[files[0]], expected)


@pytest.mark.parametrize("damage", [lambda file: os.truncate(file, 1000), lambda file: os.truncate(file, 0), os.remove])
def test_a_damaged_file_is_named(files, damage):
    damage(files[3])
    with pytest.raises(ValueError, match=r"3\.npy: this decoded image is damaged or gone \(.*\): delete it and run again$"):
        Maps()[files[3]]
