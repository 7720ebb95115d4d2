"""Which images are measured, and by which process: the limit is the set's, not a process's."""

from types import SimpleNamespace

import pytest

from sr.data.share import limited, position, share

KEY = "trainer.limit_val_batches"


@pytest.mark.parametrize(
    "limit, expected", [(None, 5), (1.0, 5), (1, 1), (3, 3), (20, 5), (0.5, 2), (0.2, 1), (0, 0), (0.0, 0)]
)
def test_an_int_counts_images_and_a_float_is_a_fraction(limit, expected):
    assert limited(5, limit, KEY, "set5") == expected


def test_a_fraction_of_no_image_is_refused():
    with pytest.raises(
        ValueError, match=r"^trainer.limit_val_batches=0.1 leaves none of the 5 images of set5: pass at least 0.2, or"
    ):
        limited(5, 0.1, KEY, "set5")


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 20])
@pytest.mark.parametrize("world", [1, 2, 3, 4, 7])
def test_each_image_is_measured_once(count, world):
    shares = [share(count, rank, world) for rank in range(world)]
    assert sorted(index for images in shares[:count] for index in images) == list(range(count))
    assert all(list(images) == [0] for images in shares[count:])  # Lightning refuses an empty loader
    for rank, images in enumerate(shares[:count]):
        trainer = SimpleNamespace(global_rank=rank, world_size=world)
        assert [position(trainer, batch) for batch in range(len(images))] == list(images)
