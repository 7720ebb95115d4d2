"""sr/sweep/share.py: GPUs and cores for jobs at once."""

import os

from sr.sweep.share import shares


def test_shares_of_gpus_and_cores(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3,4")
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert [share.variables["CUDA_VISIBLE_DEVICES"] for share in shares(None, devices=2)] == ["0,1", "2,3"]
    assert [share.variables["CUDA_VISIBLE_DEVICES"] for share in shares(3, devices=2)] == ["0,1", "2,3", "4,0"]
    assert [share.cores for share in shares(2, devices=1)] == [{0, 1, 2, 3}, {4, 5, 6, 7}]
    assert shares(2, devices=2)[0].variables["OMP_NUM_THREADS"] == "2"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert len(shares(None, devices=1)) == 8 and "CUDA_VISIBLE_DEVICES" not in shares(None, devices=1)[0].variables
    assert [share.cores for share in shares(9, devices=1)][7:] == [{7}, {0}]
