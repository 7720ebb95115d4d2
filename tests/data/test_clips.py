"""Training samples of clips: pure functions of (seed, i), cut as from the whole clip; what is held out; what is refused."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from sr.augmentation.chain import Chain
from sr.augmentation.flip import Flip
from sr.augmentation.mixup import MixUp
from sr.augmentation.reverse import Reverse
from sr.augmentation.turn import Turn
from sr.data.clip_set import ClipSet
from sr.data.clips import ClipData, by_frame
from sr.data.plan import Phase, Plan
from sr.data.split import Split
from sr.data.stream import unchanged
from sr.degradation.bicubic import Bicubic
from sr.degradation.blur import Blur
from sr.degradation.chain import Chain as Degradations
from sr.degradation.noise import Noise
from sr.errors import InputError, MissingError
from sr.image.kind import PHOTO
from tests.clips import moving, write_frames, write_video

ALL = {"flip": Flip(), "turn": Turn(), "reverse": Reverse()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three clips: two of frames, one a video file."""
    made = tmp_path_factory.mktemp("clips")
    write_frames(made / "hr" / "a", moving("chelsea", 12))
    write_frames(made / "hr" / "b" / "deep", moving("ihc", 9, 36, 44))
    write_video(made / "hr" / "c.mkv", moving("motorcycle_left", 10))
    return made


def clips(folder, *, augmentation=None, stages=None, **options) -> ClipData:
    chain = Degradations({**(stages or {}), "bicubic": Bicubic(2)}, 2)
    settings = {
        "train": str(folder / "hr"),
        "benchmark": {},
        "scale": 2,
        "frames": 4,
        "patch_size": 8,
        "batch_size": 4,
        "seed": 3,
    }
    settings |= {"cache_dir": str(folder / "cache")} | options
    return ClipData(degradation=chain, augmentation=Chain(augmentation or {}), **settings)


def ready(*args, **options) -> ClipData:
    data = clips(*args, **options)
    data.prepare_data()
    data.setup("fit")
    return data


def made(data: ClipData, index: int, **options) -> dict[str, torch.Tensor]:
    return data.finish(data.patches(Plan(seed=data.seed, phases=data.phases, **options)).batch(index))


@pytest.fixture(scope="module")
def data(folder) -> ClipData:
    return ready(folder, augmentation=ALL, stages={"blur": Blur(kernel_size=7), "noise": Noise()})


def test_shapes_and_range(data):
    batch = made(data, 0)
    assert (
        batch["lr"].shape == (4, 4, 3, 8, 8) and batch["hr"].shape == (4, 4, 3, 16, 16) and batch["scale"].tolist() == [2] * 4
    )
    assert all(batch[key].dtype == torch.float32 and 0 <= batch[key].min() <= batch[key].max() <= 1 for key in ("lr", "hr"))


def test_any_number_of_processes_and_restarts_gives_the_same_samples(data):
    whole = made(data, 5)
    for rank in range(2):
        share = made(data, 5, rank=rank, world_size=2)
        assert all(torch.equal(share[key], whole[key][2 * rank : 2 * rank + 2]) for key in ("lr", "hr"))
    assert not torch.equal(made(data, 6)["lr"], whole["lr"])


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_any_number_of_workers_and_a_resume_give_the_same_bits(data, workers):
    later = data.patches(Plan(seed=data.seed, phases=data.phases, first_batch=5))
    loader = iter(DataLoader(later, batch_size=None, num_workers=workers, collate_fn=unchanged))
    for index in (5, 6, 7):
        assert torch.equal(data.finish(next(loader))["lr"], made(data, index)["lr"])


def test_a_sample_is_frames_in_a_row_and_its_lr_the_crop_of_the_whole_lr(folder):
    """Also at the edges, where both are mirrored; backwards it is in the other order."""
    data = ready(folder, augmentation={"reverse": Reverse()}, patch_size=12, batch_size=8)
    wholes = []
    for clip in data.hr.sets[0]:
        hr = torch.from_numpy(np.array(clip)).permute(0, 3, 1, 2)[None].float() / 255
        wholes.append((data.degradation(hr, {})[0], hr[0]))
    forwards = set()
    for index in range(2):
        batch = made(data, index)
        for lr, hr in zip(batch["lr"], batch["hr"], strict=True):
            found = [(t, ahead) for whole in wholes for t, ahead in places(whole, lr, hr)]
            assert found
            forwards |= set(found)
    assert {ahead for _, ahead in forwards} == {True, False} and len({t for t, _ in forwards}) > 4


def places(whole, lr, hr):
    """(first frame, whether forwards) of the places in a clip where both halves of a sample lie, bit for bit."""
    low, high = whole
    for ahead in (True, False):
        lr_now, hr_now = (clip if ahead else clip.flip(0) for clip in (lr, hr))
        for t, y, x in (high == hr_now[0, :, 0, 0].view(3, 1, 1)).all(1).nonzero().tolist():
            part = high[t : t + len(hr), :, y : y + hr.shape[-2], x : x + hr.shape[-1]]
            below = low[t : t + len(lr), :, y // 2 : y // 2 + lr.shape[-2], x // 2 : x // 2 + lr.shape[-1]]
            if not (y % 2 or x % 2) and torch.equal(part, hr_now) and torch.equal(below, lr_now):
                yield t, ahead


def test_the_parameters_of_a_sample_hold_for_all_its_frames(folder):
    still = write_frames(folder / "still" / "a", np.repeat(moving("chelsea", 1), 6, 0)).parent
    data = ready(folder, train=str(still), stages={"blur": Blur(kernel_size=7)})
    lr = made(data, 0)["lr"]
    assert torch.equal(lr, lr[:, :1].expand_as(lr)) and not torch.equal(lr[0], lr[1])
    drifts = made(ready(folder, train=str(still), stages={"blur": Blur(kernel_size=7)}, drift=0.9), 0)["lr"]
    assert not torch.equal(drifts[:, 0], drifts[:, -1]) and torch.equal(drifts[:, 0], lr[:, 0])


def test_a_network_of_pictures_gets_the_frames(data):
    clip = made(data, 1)
    frames = by_frame({**clip, "name": ["a", "b", "c", "d"]})
    assert frames["lr"].shape == (16, 3, 8, 8) and torch.equal(frames["hr"].view_as(clip["hr"]), clip["hr"])
    assert frames["scale"].shape == (16,) and "name" not in frames


def test_the_length_grows_by_config(folder):
    data = ready(folder, progressive=[{"from_step": 0, "frames": 2}, {"from_step": 3, "frames": 6, "batch_size": 2}])
    assert data.phases == (Phase(0, 8, 4, 2), Phase(3, 8, 2, 6))
    assert made(data, 2)["lr"].shape == (4, 2, 3, 8, 8) and made(data, 3)["lr"].shape == (2, 6, 3, 8, 8)


def test_a_short_clip_goes_back_and_forth_if_asked_for(folder):
    with pytest.raises(InputError, match="deep: 9 frames, but data.frames=12: remove the clip, or pass a smaller data.frames"):
        ready(folder, frames=12)
    short = write_frames(folder / "short" / "a", moving("chelsea", 3, 16, 16)).parent
    data = ready(folder, train=str(short), frames=6, short="mirror", batch_size=1)
    hr = made(data, 0)["hr"][0]
    assert torch.equal(hr, hr.flip(0)) and not torch.equal(hr[0], hr[1])


def test_paired_lr_is_read_and_cut_at_the_same_place(folder):
    for name, photo in (("a", "chelsea"), ("b", "ihc")):
        frames = moving(photo, 6)
        write_frames(folder / "pairs" / "hr" / name, frames)
        write_frames(folder / "pairs" / "lr" / name, frames[:, ::2, ::2])
    paths = {"train": str(folder / "pairs" / "hr"), "lr": str(folder / "pairs" / "lr")}
    batch = made(ready(folder, **paths, augmentation={"flip": Flip(0)}), 0)
    assert torch.equal(batch["lr"], batch["hr"][..., ::2, ::2])
    (folder / "pairs" / "lr" / "b" / "5.png").unlink()
    with pytest.raises(InputError, match="lr/b: 5 frames, but .*hr/b has 6"):
        ready(folder, **paths)
    with pytest.raises(MissingError, match="hr/a: no LR clips called a in"):
        ready(folder, **paths | {"lr": str(folder / "hr" / "b")})


def test_whole_clips_are_held_out(folder, capsys):
    data = clips(folder, validation={"split": Split(scale=2, size=1)}, val_frames=5)
    data.prepare_data()
    data.setup("fit")
    held = data.validation["split"]
    assert len(held) == 1 and len(data.hr) == 2 and held.clip_pairs[0][0] not in data.hr.sets[0].files
    item = held[0]
    assert item["hr"].shape[0] == item["frames"] == 5 and item["lr"].shape[-1] * 2 == item["hr"].shape[-1]
    assert f"validation: held-out clips: {held.names[0]}\n" in capsys.readouterr().out


def test_a_damaged_video_stops_is_skipped_or_kept(folder, tmp_path):
    write_frames(tmp_path / "hr" / "a", moving("chelsea", 6))
    file = write_video(tmp_path / "hr" / "cut.mkv", moving("motorcycle_left", 40, 64, 64))
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    options = {"train": str(tmp_path / "hr"), "cache_dir": str(tmp_path / "cache")}
    with pytest.raises(InputError, match="cut.mkv: broken .*data.corrupt=skip, or data.corrupt=keep"):
        ready(folder, **options)
    with pytest.warns(UserWarning, match="left out of the training set .*cut.mkv"):
        assert len(ready(folder, **options, corrupt="skip").hr) == 1
    with pytest.warns(UserWarning, match="1 of 2 images are damaged, and only the frames that can be read are used"):
        kept = ready(folder, **options, corrupt="keep")
    assert len(kept.hr) == 2 and 4 < len(kept.hr[1]) < 40


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"frames": 0}, "data.frames=0: pass a whole number of at least 1"),
        ({"short": "no"}, "data.short=no: choose stop or mirror"),
        ({"drift": 2}, "data.drift=2: pass a number from 0 to 1"),
        ({"drift": 0.5}, r"data.drift=0.5: nothing of degradation=\[bicubic\] can change"),
        ({"augmentation": {"mixup": MixUp()}}, "augmentation=mixup is for pictures: clips take"),
        ({"benchmark": {"set5": [1]}}, "set5 is a set of pictures: with data=clips choose"),
    ],
)
def test_bad_options_are_one_line(folder, options, says):
    with pytest.raises(InputError, match=f"^{says}"):
        clips(folder, **options)


def test_reverse_is_for_clips():
    with pytest.raises(InputError, match="^augmentation=reverse is for clips: pass data=clips"):
        Reverse().apply(torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 8, 8), {"on": torch.ones(1, dtype=torch.bool)}, None)


def test_frames_that_are_too_small_are_one_line(folder):
    with pytest.raises(InputError, match="deep: frames of 36x44 are smaller than the HR crop of 40: pass"):
        ready(folder, patch_size=20)
    assert made(ready(folder, patch_size=20, small="mirror"), 0)["hr"].shape[-1] == 40


def test_lr_of_a_set_does_not_depend_on_the_run(folder):
    chain = Degradations({"noise": Noise(), "bicubic": Bicubic(2)}, 2)
    pairs = [(folder / "hr" / "a", None)]
    one, again = (ClipSet(pairs, None, chain, PHOTO)[0]["lr"] for _ in range(2))
    assert torch.equal(one, again) and not torch.equal(one[0], one[1])
