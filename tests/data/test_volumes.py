"""Training patches of volumes: pure functions of (seed, i), cut as from the whole volume; and what is refused."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from sr.augmentation.chain import Chain
from sr.augmentation.flip_axes import FlipAxes, flipped
from sr.augmentation.turn import Turn
from sr.data.plan import Phase, Plan
from sr.data.split import Split
from sr.data.stream import unchanged
from sr.data.volume_set import VolumeSet, held_out
from sr.data.volume_store import VolumeStore
from sr.data.volumes import VolumeData
from sr.degradation.slice_profile import SliceProfile
from sr.degradation.volume_chain import VolumeChain
from sr.errors import InputError, MissingError
from sr.image.kind import Kind
from tests.volumes import brain, write_brain

MRI = Kind("mri", 1, "float32", (0, 1), None, False, (0,), percentiles=(0, 99.9))


@pytest.fixture(scope="module")
def folder(sr_data, tmp_path_factory):
    """Three volumes of different sizes, one as NumPy's file."""
    made = tmp_path_factory.mktemp("volumes")
    write_brain(sr_data, made / "a.nii.gz", (32, 24, 28))
    write_brain(sr_data, made / "deep" / "b.nii", (25, 30, 26))
    np.save(made / "c.npy", brain(sr_data, (20, 22, 24))[0, 0].numpy())
    return made


def volumes(folder, *, axes="through_plane", augmentation=None, thickness=1.0, **options) -> VolumeData:
    chain = VolumeChain({"slice_profile": SliceProfile(scale=2, axes=axes, thickness=thickness)}, 2, axes)
    settings = {"train": str(folder), "benchmark": {}, "kind": MRI, "scale": 2, "axes": axes, "patch_size": [4, 6, 8]}
    settings |= {"batch_size": 4, "cache_dir": str(folder / "cache"), "seed": 3} | options
    return VolumeData(degradation=chain, augmentation=Chain(augmentation or {}), **settings)


def ready(*args, **options) -> VolumeData:
    data = volumes(*args, **options)
    data.prepare_data()
    data.setup("fit")
    return data


def plan(data: VolumeData, **options) -> Plan:
    return Plan(seed=data.seed, phases=data.phases, **options)


@pytest.fixture(scope="module")
def data(folder) -> VolumeData:
    return ready(folder, augmentation={"flip_axes": FlipAxes()}, thickness=[0.9, 1.3])


def test_shapes_and_range(data):
    made = data.finish(data.patches(plan(data)).batch(0))
    assert made["lr"].shape == (4, 1, 4, 6, 8) and made["hr"].shape == (4, 1, 8, 6, 8) and made["scale"].tolist() == [2] * 4
    assert made["hr"].dtype == torch.float32 and made["hr"].min() > -0.01 and made["hr"].max() < 1.5


def test_any_number_of_processes_workers_and_restarts_gives_the_same_samples(data):
    whole = data.finish(data.patches(plan(data)).batch(5))
    for rank in range(2):
        share = data.finish(data.patches(plan(data, rank=rank, world_size=2)).batch(5))
        assert all(torch.equal(share[key], whole[key][2 * rank : 2 * rank + 2]) for key in ("lr", "hr"))
    later = data.patches(plan(data, first_batch=5))
    resumed = next(iter(DataLoader(later, batch_size=None, num_workers=1, collate_fn=unchanged)))
    assert torch.equal(data.finish(resumed)["lr"], whole["lr"])
    assert not torch.equal(data.finish(data.patches(plan(data)).batch(6))["lr"], whole["lr"])


def test_an_lr_patch_is_the_crop_of_the_whole_volumes_lr(folder):
    """Also at the edges, where both are mirrored."""
    data = ready(folder, patch_size=[6, 8, 8])
    wholes = []
    for voxels in data.hr.sets[0]:
        hr = torch.from_numpy(np.array(voxels)).movedim(-1, 0)[None, :, : len(voxels) // 2 * 2]
        wholes.append((data.degradation(hr, {}), hr))
    seen = set()
    for index in range(12):
        made = data.finish(data.patches(plan(data)).batch(index))
        for lr, hr in zip(made["lr"], made["hr"], strict=True):
            found = [place for whole in wholes for place in places(whole, lr, hr)]
            assert found
            seen |= set(found)
    assert any(place[0] == 0 for place in seen) and len(seen) > 30


def places(whole, lr, hr):
    """Where a pair lies in a volume, bit for bit: (d, h, w) of its HR patch."""
    low, high = whole[0][0, 0], whole[1][0, 0]
    for d, h, w in (high == hr[0, 0, 0, 0]).nonzero().tolist():
        window = tuple(slice(first, first + size) for first, size in zip((d, h, w), hr.shape[1:], strict=True))
        below = (slice(d // 2, d // 2 + lr.shape[1]), *window[1:])
        if d % 2 == 0 and torch.equal(high[window], hr[0]) and torch.equal(low[below], lr[0]):
            yield d, h, w


def test_isotropic_patches_and_one_number_for_all_sides(folder):
    data = ready(folder, axes="isotropic", patch_size=5)
    made = data.finish(data.patches(plan(data)).batch(0))
    assert made["lr"].shape == (4, 1, 5, 5, 5) and made["hr"].shape == (4, 1, 10, 10, 10)


def test_flips_move_both_volumes_alike_and_all_orientations_come():
    hr = torch.rand(8, 1, 4, 6, 6)
    made = flipped(hr, torch.arange(8))
    assert torch.equal(made[0], hr[0]) and torch.equal(made[4], hr[4].flip(-3)) and torch.equal(made[7], hr[7].flip((1, 2, 3)))
    cube = torch.arange(8.0).view(1, 1, 2, 2, 2).expand(8, -1, -1, -1, -1)
    assert len({tuple(one.flatten().tolist()) for one in flipped(cube, torch.arange(8))}) == 8


def test_whole_files_are_held_out(folder, capsys):
    data = volumes(folder, validation={"split": Split(scale=2, size=1)}, benchmark={})
    held = data.validation["split"]
    assert len(held) == 1 and not set(held.files) & set(data.store.files) and len(data.store.files) == 2
    item, again = held[0], volumes(folder, validation={"split": Split(scale=2, size=1)}, seed=9).validation["split"][0]
    sizes = [2 * item["lr"].shape[1], *item["lr"].shape[2:]]
    assert list(item["hr"].shape[1:]) == sizes and torch.equal(item["lr"], again["lr"])
    data.prepare_data()
    assert capsys.readouterr().out.startswith(f"validation: held-out training volumes: {held.names[0]}\n")


def test_a_broken_volume_among_the_held_out_is_skipped_too(sr_data, tmp_path):
    files = [write_brain(sr_data, tmp_path / f"{name}.nii.gz", (20, 22, 24)) for name in "ab"]
    _, (broken,) = held_out(files, None)
    broken.write_bytes(broken.read_bytes()[:2000])
    options = {"cache_dir": str(tmp_path / "cache"), "validation": {"split": Split(scale=2)}}
    with pytest.raises(InputError, match=f"{broken}: cannot be read"):
        ready(tmp_path, **options)
    with pytest.warns(UserWarning, match=f"^validation leaves out {broken}: cannot be read"):
        data = ready(tmp_path, corrupt="skip", **options)
    assert not data.validation and [file for file in files if file != broken] == list(data.store.files)


def test_one_volume_alone_is_trained_on(folder, capsys):
    data = volumes(folder / "a.nii.gz", validation={"split": Split(scale=2)}, cache_dir=str(folder / "cache"))
    data.prepare_data()
    assert "no training volume can be held out" in capsys.readouterr().out and data.sets("val") == {}


def test_a_changed_volume_of_the_same_name_is_read_again(sr_data, tmp_path):
    """As a changed picture is: nothing of the old one is trained on."""
    file = write_brain(sr_data, tmp_path / "a.nii", (8, 10, 12))
    store = VolumeStore([file], tmp_path / "cache", "stop", MRI)
    assert store.build() == 1 and VolumeStore([file], tmp_path / "cache", "stop", MRI).build() == 0
    before, size = store[0].copy(), file.stat().st_size
    nibabel = pytest.importorskip("nibabel")
    voxels = nibabel.load(file)
    nibabel.Nifti1Image(np.array(voxels.dataobj.get_unscaled())[::-1], voxels.affine, voxels.header).to_filename(file)
    again = VolumeStore([file], tmp_path / "cache", "stop", MRI)
    assert file.stat().st_size == size and again.build() == 1 and not np.array_equal(again[0], before)


def test_a_small_volume_is_mirrored_if_asked_for(folder):
    data = ready(folder, patch_size=[14, 24, 32], small="mirror")
    assert data.finish(data.patches(plan(data)).batch(0))["hr"].shape == (4, 1, 28, 24, 32)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"patch_size": [4, 6]}, r"data.patch_size=\[4, 6\]: pass LR voxels, one number or three sides"),
        ({"batch_size": 0}, "data.batch_size=0: pass a whole number of at least 1"),
        ({"augmentation": {"turn": Turn()}}, "augmentation=turn is for pictures: volumes take"),
        ({"benchmark": {"set5": [1]}}, "set5 is a set of pictures: with data=volumes choose"),
        ({"validation": {"split": Split(scale=2, size=3)}}, r"validation=\[split\] should hold out 3 of 3 training volumes"),
        ({"small": "no"}, "data.small=no: choose stop or mirror"),
    ],
)
def test_bad_options_are_one_line(folder, options, says):
    with pytest.raises(InputError, match=f"^{says}"):
        volumes(folder, **options)


def test_bad_volumes_are_one_line(folder, sr_data, tmp_path):
    with pytest.raises(InputError, match=r"c.npy: 20x22x24 voxels \(D, H, W\) are smaller than the HR patch of 24x16x16; "):
        ready(folder, patch_size=[12, 16, 16])
    with pytest.raises(MissingError, match="^data.train: no volumes in .*: looked for .npy, .nii.gz"):
        volumes(tmp_path)
    thick = write_brain(sr_data, tmp_path / "thick.nii.gz", (16, 16, 16), (1, 1, 3))
    with pytest.raises(
        InputError,
        match=r"thick.nii.gz: voxels of 3x1x1 mm .* not cubes, but axes=isotropic.*data.anisotropic=true",
    ):
        ready(thick, axes="isotropic", cache_dir=str(tmp_path / "cache"))
    chain = VolumeChain({"slice_profile": SliceProfile(scale=2, axes="isotropic")}, 2, "isotropic")
    with pytest.raises(InputError, match="are not cubes, but axes=isotropic"):
        VolumeSet([thick], chain, MRI).prepare()
    VolumeSet([thick], chain, MRI, anisotropic=True).prepare()
    ready(thick, axes="isotropic", anisotropic=True, cache_dir=str(tmp_path / "cache"))
    np.save(tmp_path / "nan.npy", np.full((16, 16, 16), np.nan, np.float32))
    with pytest.raises(InputError, match="nan.npy: 4096 of 4096 voxels are NaN or infinite: replace them first"):
        ready(tmp_path / "nan.npy", cache_dir=str(tmp_path / "cache"))
    with pytest.warns(UserWarning, match="left out of the training set .*nan.npy"):
        ready(tmp_path, corrupt="skip", cache_dir=str(tmp_path / "cache"))


def test_the_phase_has_three_sides(folder):
    assert volumes(folder, patch_size=4).phases == (Phase(0, (4, 4, 4), 4),)
