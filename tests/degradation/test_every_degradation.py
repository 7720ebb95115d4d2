"""Every degradation of conf/degradation keeps the contract, in a chain with a stage that shrinks."""

import pytest
import torch
from skimage import data
from torch import Tensor

from sr.degradation.chain import Chain
from sr.degradation.sequence import Sequence
from sr.functional.draws import Draws
from tests.chains import FILES, SAME_SIZE, chain_of

# Noise has no place in the image; blocks begin at the corner of what a codec is given.
NOT_LOCAL = {"noise", "jpeg", "webp", "video_codec"}
SCALES = {**dict.fromkeys(SAME_SIZE, (1,)), "realbasicvsr": (4,), "bd": (2, 4)}  # encoders take long; even ones
CASES = [(file, scale) for file in FILES for scale in SCALES.get(file.stem, (2, 3, 4))]


@pytest.fixture(scope="module", params=CASES, ids=lambda p: f"{p[0].stem}-x{p[1]}")
def chain(request) -> Chain:
    file, scale = request.param
    made = chain_of(file, scale)
    name, stage = next(iter(made.stages.items()))
    # A pipeline, made of several stages, has its file's name; another stage that of its module.
    module = type(stage).__module__ if isinstance(stage, Sequence) else f"sr.degradation.{name}"
    assert file.stem.startswith(name) and type(stage).__module__ == module
    return made


def parameters(chain: Chain, start: int, count: int) -> dict[str, Tensor]:
    values = chain.sample(Draws(seed=1, start=start, count=count, stream="test"))
    assert all(len(value) == count for value in values.values())
    return {name: torch.as_tensor(value) for name, value in values.items()}


def test_shape_and_grid(chain, patches):
    lr = chain(patches, parameters(chain, 0, 5))
    assert lr.shape == (5, 3, 96 // chain.scale, 96 // chain.scale) and lr.dtype == torch.float32
    assert torch.equal(lr, (lr * 255).round().clamp(0, 255) / 255) and not lr.requires_grad
    assert lr.std() > 0.05  # still a picture


def test_same_parameters_give_the_same_pixels(chain, patches):
    given = parameters(chain, 0, 5)
    assert torch.equal(chain(patches, given), chain(patches, given))


def test_a_sample_is_the_same_alone_and_in_a_batch(chain, patches):
    batch = chain(patches, parameters(chain, 20, 5))
    for i in range(5):
        assert torch.equal(chain(patches[i : i + 1], parameters(chain, 20 + i, 1)), batch[i : i + 1])


def test_margins_change_nothing(chain):
    if not any(isinstance(stage, Sequence) for stage in chain.stages.values()):
        pytest.skip("test_a_patch_with_margin_is_the_crop_of_the_whole says more")
    s, size, given = chain.scale, 24 // chain.scale, chain.sample(Draws(seed=1, start=7, count=1, stream="test"))
    photo, m = torch.from_numpy(data.chelsea()).permute(2, 0, 1)[None] / 255, chain.reach(given, size)
    cuts = [photo[..., 138 - m - more : 162 + m + more, 198 - m - more : 222 + m + more] for more in (0, s, 2 * s)]
    made = [chain(cut, given, size) for cut in cuts]
    assert made[0].shape[-1] == size and torch.equal(made[1], made[0]) and torch.equal(made[2], made[0])


def test_words_say_what_is_done(chain):
    words = chain.words(parameters(chain, 0, 3), 3)
    assert len(words) == 3 and all(0 < len(text) < 400 and "tensor" not in text and "array" not in text for text in words)


def test_layout_and_autocast_change_nothing(chain, patches):
    given = parameters(chain, 0, 5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        made = chain(patches.contiguous(memory_format=torch.channels_last), given)
    assert torch.equal(made, chain(patches, given))


def test_a_patch_with_margin_is_the_crop_of_the_whole(chain, photo):
    pipeline = any(isinstance(stage, Sequence) for stage in chain.stages.values())  # its grids begin at the patch's corner
    if pipeline or NOT_LOCAL & set(chain.stages):
        pytest.skip("depends on the place of the patch by design")
    s, m = chain.scale, chain.margin
    assert m % s == 0
    given = parameters(chain, 3, 1)
    whole = chain(photo, given)
    for top, left in ((48, 72), (m, m), (240 - m - 48, 336 - m - 48)):
        top, left = top // s * s, left // s * s
        lr = chain(photo[..., top - m : top + 48 + m, left - m : left + 48 + m], given)
        lr = lr[..., m // s : m // s + 48 // s, m // s : m // s + 48 // s]
        assert torch.equal(lr, whole[..., top // s : (top + 48) // s, left // s : (left + 48) // s])
