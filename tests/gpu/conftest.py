"""Tests marked `gpu` are skipped without one."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _gpu(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("no CUDA GPU; with one: python bench/gpu.py only=tests")
