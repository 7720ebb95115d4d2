"""LR that the run's degradation makes of any folder of HR: made once, kept, and never taken for another pipeline's."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import DictConfig, OmegaConf
from PIL import Image
from skimage import data as photos

from sr import build
from sr.benchmark.degraded import Degraded
from sr.degradation.bicubic import Bicubic
from sr.degradation.chain import Chain
from sr.degradation.jpeg import JPEG
from sr.degradation.kernel import Kernel
from sr.degradation.noise import Noise
from sr.degradation.pipeline import Pipeline
from sr.degradation.sequence import Sequence
from sr.errors import InputError, MissingError
from sr.functional.resize import imresize
from sr.image.file import read_rgb8, to_pixels, to_tensor
from sr.weights.checkpoint import about
from tests.jobs import CONF, SMALL, compose, run_script


@pytest.fixture(scope="module")
def hr(tmp_path_factory) -> Path:
    """Two small photos, of sides that are no multiples of 4."""
    folder = tmp_path_factory.mktemp("hr")
    for name, top in (("a", 0), ("b", 100)):
        Image.fromarray(photos.astronaut()[top : top + 66, 180:251]).save(folder / f"{name}.png")
    return folder


def pipeline(stage: object | None = None, **options: object) -> Pipeline:
    stages = {"bicubic": Bicubic(4), **({"stage": stage} if stage else {})}
    return Pipeline(
        ",".join(stages), Chain(stages, 4), {name: {"_target_": type(s).__name__} | options for name, s in stages.items()}
    )


def degraded(hr: Path, folder: Path, stage: object | None = None, **options: object) -> Degraded:
    made = Degraded("degraded", hr, 4, pipeline(stage), folder, **options)
    made.prepare()
    return made


def test_lr_is_made_of_whole_images_and_kept(hr, tmp_path):
    made = degraded(hr, tmp_path)
    assert len(made) == 2 and made.names == ["a", "b"] and made[0]["hr"].shape == (3, 64, 68)
    for index in range(2):
        image = read_rgb8(hr / f"{made.names[index]}.png")[:64, :68]
        expected = to_pixels(imresize(to_tensor(image), 1 / 4, rounding=True))  # MATLAB's: tests/functional/test_resize.py
        assert np.array_equal(made[index]["lr"].permute(1, 2, 0), expected)
        assert np.array_equal(made[index]["hr"].permute(1, 2, 0), image)
    files = [lr for _, lr in made.pairs]
    times = [file.stat().st_mtime_ns for file in files]
    again = degraded(hr, tmp_path)
    assert [file.stat().st_mtime_ns for _, file in again.pairs] == times and again.record == made.record
    assert not list(tmp_path.rglob("*.tmp"))


def test_images_draw_by_their_names(hr, tmp_path):
    """An image that is added, or taken out, changes no other."""
    both = degraded(hr, tmp_path / "cache", Noise())
    (tmp_path / "one").mkdir()
    shutil.copy(hr / "b.png", tmp_path / "one" / "b.png")
    one = degraded(tmp_path / "one", tmp_path / "cache", Noise())
    assert np.array_equal(one[0]["lr"], both[1]["lr"]) and one.folder != both.folder
    other = degraded(hr, tmp_path / "cache", Noise(), seed=1)
    assert other.folder != both.folder and not np.array_equal(other[1]["lr"], both[1]["lr"])


def test_the_hash_is_of_pipeline_seed_and_hr(hr, tmp_path):
    def hash_of(source: Path = hr, made: Pipeline | None = None, **options: object) -> str:
        return Degraded("degraded", source, 4, made or pipeline(), tmp_path, **options).record["hash"]

    copy = Path(shutil.copytree(hr, tmp_path / "elsewhere"))
    first = hash_of()
    assert hash_of(copy) == first and re.fullmatch("[0-9a-f]{12}", first)
    Image.fromarray(np.asarray(Image.open(copy / "a.png")) ^ 1).save(copy / "a.png")
    others = {hash_of(copy), hash_of(seed=1), hash_of(made=pipeline(JPEG())), hash_of(made=pipeline(JPEG(), quality=[30, 40]))}
    assert len(others | {first}) == 5


def test_lr_of_another_pipeline_is_refused(hr, tmp_path):
    first, noisy = degraded(hr, tmp_path), degraded(hr, tmp_path, Noise())
    assert np.array_equal(degraded(hr, tmp_path / "other", Noise(), stored=noisy.folder)[0]["lr"], noisy[0]["lr"])
    with pytest.raises(InputError, match=r"is other LR \(pipeline bicubic and here bicubic,stage\), so .*stored=null"):
        degraded(hr, tmp_path, Noise(), stored=first.folder)
    with pytest.raises(InputError, match=r"measured on other LR \(seed 0 and here 3\), so scores cannot be compared"):
        degraded(hr, tmp_path, seed=3, expected=first.record)
    with pytest.raises(InputError, match="not LR that benchmark=.degraded. has made: there is no readable degraded.json"):
        degraded(hr, tmp_path, stored=hr)


def test_lr_files_that_were_changed_are_refused(hr, tmp_path):
    """Another image of the same size, a damaged file, none."""
    folder = degraded(hr, tmp_path).folder
    file = folder / "lr" / "a.png"
    changes = (
        lambda: Image.fromarray(np.asarray(Image.open(file)) ^ 1).save(file),
        lambda: file.write_bytes(file.read_bytes()[:99]),
        file.unlink,
    )
    for change in changes:
        change()
        with pytest.raises(
            InputError, match=f"a.png: missing, or not the LR that was made .*: remove {folder}, and LR is made"
        ):
            degraded(hr, tmp_path)


def test_what_a_killed_making_left_is_cleared_away(hr, tmp_path):
    """A half made folder and a lock, as SIGKILL leaves them."""
    left = Degraded("degraded", hr, 4, pipeline(), tmp_path).folder
    for folder in (left.with_name(f".{left.name}.tmp") / "lr", left / "lr"):
        folder.mkdir(parents=True)
        (folder / "old.png").write_bytes(bytes(9))
    left.with_name(f"{left.name}.lock").touch()
    assert sorted(file.name for file in (degraded(hr, tmp_path).folder / "lr").iterdir()) == ["a.png", "b.png"]
    assert [file.name for file in left.parent.iterdir()] == [left.name]


@pytest.mark.parametrize("key", ["stored", "cache_dir"])
def test_an_empty_folder_is_not_the_working_folder(hr, tmp_path, key):
    with pytest.raises(InputError, match=f"^benchmark degraded: {key} is empty: pass benchmark.degraded.{key}="):
        Degraded("degraded", hr, 4, pipeline(), **{"cache_dir": tmp_path, key: ""})


def test_only_a_folder_in_data_dir_is_looked_for_there(tmp_path):
    for folder, advice in ((tmp_path / "data" / "B100", "pass a folder that exists as hr=, or set data_dir .environment"),
                           (tmp_path / "mine", "pass a folder that exists as hr=$")):  # fmt: skip
        with pytest.raises(MissingError, match=f"^degraded not found: no such folder {folder}; {advice}"):
            Degraded("degraded", folder, 4, pipeline(), tmp_path / "data" / "cache").prepare()


BLUR = Sequence({"blur": Kernel((21, 21), {"iso": 1.0}, (3, 3))}, 1)
TINY = {  # side of HR -> a chain for which it is too small, and what is said
    12: (Chain({"blur": BLUR}, 1), ": degradation: a picture of 12x12 pixels"),
    3: (Chain({"bicubic": Bicubic(4)}, 4), " is smaller than the scale 4"),
}


@pytest.mark.parametrize("side", TINY)
def test_hr_that_is_too_small_is_named(tmp_path, side):
    (tmp_path / "hr").mkdir()
    Image.fromarray(photos.astronaut()[:side, :side]).save(tmp_path / "hr" / "tiny.png")
    chain, said = TINY[side]
    with pytest.raises(InputError, match=f"^benchmark degraded: {tmp_path}/hr/tiny.png{said}"):
        Degraded("degraded", tmp_path / "hr", chain.scale, Pipeline("x", chain, {}), tmp_path).prepare()


def test_at_scale_1_something_has_to_change(hr, tmp_path):
    with pytest.raises(InputError, match="benchmark degraded: degradation=.bicubic. changes nothing at scale=1"):
        Degraded("degraded", hr, 1, Pipeline("bicubic", Chain({"bicubic": Bicubic(1)}, 1), {}), tmp_path)


def words(hr: Path, folder: Path, *more: str) -> list[str]:
    mine = [f"benchmark.degraded.hr={hr}", f"validation.degraded.hr={hr}", f"data_dir={folder}", "metric=[psnr]"]
    return [*SMALL, "scale=4", "benchmark=[degraded]", "validation=[degraded]", "trainer.max_steps=2", *mine, *more]


@pytest.fixture(scope="module")
def run(hr, tmp_path_factory) -> Path:
    """The folder of data of a small run on noisy images."""
    folder = tmp_path_factory.mktemp("run")
    done = run_script("train.py", *words(hr, folder, "degradation=[bicubic,noise]", "output_dir=out"), cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("LR of 2 images made by bicubic,noise into") == 1  # for validation and test together
    assert "degraded: LR made by bicubic,noise, seed 0, of 2 images (hash " in done.stdout
    return folder


@pytest.mark.medium
def test_a_run_is_tested_on_the_lr_that_its_checkpoint_names(run, hr):
    record = json.loads((run / "out" / "metrics.json").read_text())["degraded"]["degraded"]
    assert (run / "cache" / "degraded" / f"bicubic+noise-{record['hash']}" / "lr" / "a.png").is_file()
    ckpt = "ckpt=out/checkpoints/best.ckpt"
    done = run_script("test.py", ckpt, f"data_dir={run}", "metric=[psnr]", "trainer.accelerator=cpu", "output_dir=t1", cwd=run)
    assert done.returncode == 0 and "images made" not in done.stdout, done.stderr
    results = [json.loads((run / folder / "metrics.json").read_text()) for folder in ("out", "t1")]
    assert results[0] == results[1]
    Image.fromarray(photos.astronaut()[:70, :70]).save(hr / "c.png")
    done = run_script("test.py", ckpt, f"data_dir={run}", "trainer.accelerator=cpu", "output_dir=t2", cwd=run)
    (hr / "c.png").unlink()
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "error: benchmark degraded: the checkpoint's run was measured on other LR (hr " in done.stderr


def test_released_weights_need_a_degradation(hr, tmp_path):
    words = ["benchmark=[degraded]", "degradation=[realesrgan]", f"benchmark.degraded.hr={hr}", f"data_dir={tmp_path}"]
    cfg = compose("test", "network=interpolation_nearest", "scale=4", *words)
    build.settle_image(cfg)
    assert build.benchmarks(cfg).benchmark["degraded"].degradation.name == "realesrgan"
    cfg.benchmark.degraded.degradation = "bsrgan"  # whatever the run is trained on
    assert build.benchmarks(cfg).benchmark["degraded"].degradation.name == "bsrgan"
    cfg.benchmark.degraded.degradation = "bsrgun"
    with pytest.raises(InputError, match="benchmark.degraded.degradation=bsrgun: not there; nearest: bsrgan"):
        build.benchmarks(cfg)
    cfg.benchmark.degraded.degradation, cfg.degradation = "${degradation}", None
    with pytest.raises(InputError, match="benchmark degraded has no degradation to make LR with: pass degradation="):
        build.benchmarks(cfg)


@pytest.mark.parametrize(("name", "usual"), [("clips", r"\[bicubic\]"), ("bursts", r"\[burst,bicubic\]")])
def test_the_usual_degradation_of_a_set_is_advised(name, usual):
    cfg = OmegaConf.create({"degradation": None, "benchmark": OmegaConf.load(CONF / "benchmark" / f"{name}.yaml")})
    with pytest.raises(InputError, match=f"benchmark {name} has no degradation to make LR with: pass degradation={usual} or"):
        build.sets(cfg, "benchmark", cfg.benchmark)


def settled(run: Path, *words: str) -> DictConfig:
    """The config of test.py for the run's checkpoint and `benchmark=[degraded]`."""
    file = run / "out" / "checkpoints" / "best.ckpt"
    cfg = compose("test", f"ckpt={file}", "benchmark=[degraded]", f"data_dir={run}", *words)
    build.tested_network(cfg)
    return cfg


def test_the_benchmark_by_name_is_that_of_the_run(run, hr, capsys):
    """Its HR, pipeline and seed, and its LR has to be the same; what the command line passes is the command line's."""
    cfg = settled(run)
    (made,), record = build.benchmarks(cfg).benchmark.values(), about(cfg.ckpt)["sr"]["degraded"]["degraded"]
    assert (made.hr, made.seed, made.degradation.name) == (hr, 0, "bicubic,noise") and made.expected == record == made.record
    said = f"benchmark degraded: hr={hr} degradation=[bicubic,noise] seed=0 of the run of {cfg.ckpt}\n"
    assert capsys.readouterr().out == said
    for word, what in (("benchmark.degraded.seed=3", "seed"), ("degradation=[bicubic]", "degradation")):
        cfg = settled(run, word)
        (made,) = build.benchmarks(cfg).benchmark.values()
        assert made.hr == hr and made.expected is None and made.record != record
        assert capsys.readouterr().out.endswith(f" of the run of {cfg.ckpt}; {what} of this command\n")
    assert (made.seed, made.degradation.name) == (0, "bicubic")


@pytest.mark.medium
def test_another_degradation_begins_the_best_score_anew(run, hr, tmp_path):
    """`resume=` with validation=[degraded]: 99 dB on the LR before are no score on the LR from now on."""
    content = torch.load(run / "out" / "checkpoints" / "last.ckpt", weights_only=True)
    (key,) = (key for key in content["callbacks"] if key.startswith("Checkpoint"))
    content["callbacks"][key]["score"] = 99.0
    torch.save(content, tmp_path / "last.ckpt")
    mine = ["degradation=[bicubic]", f"output_dir={tmp_path}/on", "trainer.max_steps=3", "callback=[checkpoint]", "logger=none"]
    cfg = compose("train", *words(hr, run, *mine))
    model = build.model(cfg)
    trainer = build.trainer(cfg, model)
    said = r"validation changed from degraded by degradation=\[bicubic,noise\] to degraded by degradation=\[bicubic\]; scores"
    with pytest.warns(UserWarning, match=said):
        build.fit(trainer, model, build.data(cfg), resume=f"{tmp_path}/last.ckpt")
    assert trainer.global_step == 3 and 0 < build.score(trainer) < 60
