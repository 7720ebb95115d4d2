"""Arrays in one copy to a device."""

import numpy as np
import torch

from sr.functional.sent import packed, sent, sent_by_name, unpacked

ARRAYS = [
    np.arange(5, dtype=np.int64)[::-1].copy(),
    np.array([True, False, True]),
    np.float32(0.25),
    np.linspace(0, 1, 6).reshape(2, 3),
    np.zeros((0, 4), np.float32),
    np.arange(24, dtype=np.uint8).reshape(2, 3, 4).transpose(2, 0, 1),
]


def test_what_crosses_in_one_buffer_is_unchanged():
    for ours, array in zip(unpacked(*packed(ARRAYS)), ARRAYS, strict=True):
        assert ours.numpy().dtype == array.dtype and ours.shape == array.shape
        np.testing.assert_array_equal(ours.numpy(), array)


def test_on_the_cpu_nothing_is_copied():
    array = np.arange(3.0)
    assert sent([array], torch.device("cpu"))[0].data_ptr() == array.ctypes.data
    assert list(sent_by_name({"sigma": array, "gray": np.array([True])}, torch.device("cpu"))) == ["sigma", "gray"]
