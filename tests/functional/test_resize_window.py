"""A part of an image, resized with the pixels around it, against imresize of the whole image by the same scale."""

import pytest

from sr.functional.resize import imresize
from sr.functional.resize_window import imresize_window, reach
from sr.image.photograph import photograph


@pytest.mark.parametrize("side, size", [(24, 12), (36, 12), (48, 12), (12, 12), (25, 12), (41, 12), (31, 12), (18, 12)])
@pytest.mark.parametrize("rounding", [255, None])
def test_it_is_the_crop_of_the_whole_images_lr(side, size, rounding):
    photo = (photograph(4 * side, 3) * 255).round() / 255
    whole = imresize(photo, size=(4 * size, 4 * size), rounding=rounding)
    margin = reach(side, size)
    window = photo[..., side - margin : 2 * side + margin, 2 * side - margin : 3 * side + margin]
    part = imresize_window(window, margin, size, rounding=rounding)
    expected = whole[..., size : 2 * size, 2 * size : 3 * size]
    apart = (part - expected).abs()
    if rounding is None:
        assert apart.max() < 1e-6
    elif side != 18:
        assert not apart.any()
    else:  # at x1.5 sums can be half a level; imresize leaves the direction to rounding errors
        assert apart.max() < 1.001 / 255 and (apart > 0).float().mean() < 0.01
