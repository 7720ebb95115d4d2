"""Real pairs in the layouts in which they are published, made of images of Set5 and their LR; City100's own crops."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf
from PIL import Image

from sr.benchmark.pairs import Benchmark
from sr.data.source.matched import Matched
from sr.errors import InputError, MissingError
from tests.jobs import CONF, IMAGE

LAYOUTS = {  # benchmark -> HR and LR of the first and the second pair
    "realsr": [(f"RealSR(V3)/{c}/Test/4/{c}_001_HR.png", f"RealSR(V3)/{c}/Test/4/{c}_001_LR4.png") for c in ("Canon", "Nikon")],
    "drealsr": [(f"DRealSR/Test_x4/test_HR/{n}_x1.png", f"DRealSR/Test_x4/test_LR/{n}_x4.png") for n in ("DSC_1", "P1")],
}
for name, folder in (("realsr_crop", "RealSRVal_crop128"), ("drealsr_crop", "DrealSRVal_crop128")):
    LAYOUTS[name] = [tuple(f"StableSR_testsets/{folder}/test_{k}/{n}.png" for k in ("HR", "LR")) for n in ("Canon_1", "P2")]


def benchmark(name: str, folder: Path, scale: int = 4) -> Benchmark:
    node = OmegaConf.load(CONF / "benchmark" / f"{name}.yaml")[name]
    known = {"data_dir": str(folder), "scale": scale, "image": IMAGE, "node": node}
    return instantiate(OmegaConf.create(known).node, _convert_="all")


@pytest.fixture(params=sorted(LAYOUTS))
def laid_out(request, sr_data, tmp_path) -> tuple[str, Path]:
    for place, image in zip(LAYOUTS[request.param], ("baby", "butterfly"), strict=True):
        sources = (f"HR/{image}.png", f"LR_bicubic/X4/{image}x4.png")
        for target, source in zip(place, sources, strict=True):
            (tmp_path / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(sr_data / "benchmark" / "Set5" / source, tmp_path / target)
    return request.param, tmp_path


def test_each_published_layout_is_read(laid_out, recwarn):
    name, folder = laid_out
    images = benchmark(name, folder)
    images.prepare()
    assert (
        len(images) == 2 and len(set(images.names)) == 2 and not any(mark in "".join(images.names) for mark in ("_HR", "_x1"))
    )
    for index, (hr, lr) in enumerate(LAYOUTS[name]):
        sample = images[index]
        for key, file in (("hr", hr), ("lr", lr)):
            expected = np.asarray(Image.open(folder / file).convert("RGB"))[: sample[key].shape[1], : sample[key].shape[2]]
            assert np.array_equal(sample[key].permute(1, 2, 0), expected)
    published = [str(warning.message) for warning in recwarn if "is incomplete: 2 of" in str(warning.message)]
    assert len(published) == (name != "drealsr")
    with pytest.raises(InputError, match="sizes do not match at x2") if "crop" in name else pytest.raises(MissingError):
        benchmark(name, folder, scale=2).prepare()


def test_a_pair_that_is_not_whole_is_named(laid_out):
    name, folder = laid_out
    (folder / LAYOUTS[name][1][1]).unlink()
    with pytest.raises(MissingError, match=f"no LR partner for .*{Path(LAYOUTS[name][1][0]).name}; .* 1 of 2 images have none"):
        benchmark(name, folder).prepare()


def test_a_missing_set_is_one_line(tmp_path):
    with pytest.raises(
        MissingError, match=r"RealSR not found: no such folder .*RealSR\(V3\); download it from https://github.com/csjcai"
    ):
        benchmark("realsr", tmp_path).prepare()
    Image.new("RGB", (8, 8)).save(tmp_path / "a_HR.png")
    with pytest.raises(MissingError, match="no HR images in .*; looked for"):
        Matched(tmp_path, r"(.+)_X\.png", r"(.+)_Y\.png").files()
    shutil.copy(tmp_path / "a_HR.png", tmp_path / "b_HR.png")
    with pytest.raises(InputError, match="are both HR of one pair"):
        Matched(tmp_path, r"(?:.+)(_HR)\.png", r"(.+)_Y\.png").files()


def test_city100_has_both_cameras_and_one_grid(sr_data):
    images = benchmark("city100", sr_data, scale=1)
    images.prepare()
    cameras = [name.split("_")[0] for name in images.names]
    assert len(images) == 26 and set(cameras) == {"NikonD5500", "iPhoneX"}
    sample = images[0]
    assert sample["lr"].shape == sample["hr"].shape and not np.array_equal(sample["lr"], sample["hr"])


def test_images_without_partners(sr_data, tmp_path):
    """lr=None: those that match, in order; of a set whose HR and LR do not correspond."""
    for name in ("baby", "bird"):
        shutil.copy(sr_data / "benchmark" / "Set5" / "HR" / f"{name}.png", tmp_path / f"{name}_LR.png")
    source = Matched(tmp_path, r"(.+)_LR\.png", None)
    source.prepare()
    assert source.files() == [(tmp_path / f"{name}_LR.png", None) for name in ("baby", "bird")]
    assert source.names() == ["baby", "bird"]
    with pytest.raises(MissingError, match="no images in .*; looked for nothing"):
        Matched(tmp_path, "nothing", None).files()
