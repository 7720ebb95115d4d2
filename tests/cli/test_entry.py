"""The command line's face: help, the nearest valid words, exit codes."""

import shlex
import sys

import pytest
from hydra.errors import HydraException

from sr.cli import CONF, _check_lists, explain, job_folder, job_name, run_dir
from sr.errors import InputError, UnreachableError
from tests.jobs import compose, run_script


@pytest.mark.medium
@pytest.mark.parametrize("script", ["train", "test", "predict"])
def test_help_names_examples_and_every_room_with_its_choices(script, tmp_path):
    done = run_script(f"{script}.py", "--help", cwd=tmp_path)
    assert done.returncode == 0 and not done.stderr
    assert f"python {script}.py" in done.stdout
    assert not list(tmp_path.iterdir())
    if script == "train":
        for file in CONF.glob("*/*.yaml"):
            if file.parent.name != "hydra":
                assert file.parent.name in done.stdout and file.stem in done.stdout, file


def test_cfg_shows_the_composed_config_without_running(tmp_path):
    done = run_script("train.py", "model=edsr", "network.n_blocks=5", "--cfg", "job", cwd=tmp_path)
    assert done.returncode == 0 and "n_blocks: 5" in done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "output_dir, resume, folder",
    [
        ("mine", "a/checkpoints/last.ckpt", "mine"),
        (None, "a/checkpoints/last.ckpt", "a"),
        (None, "a/last.ckpt", "a"),
        (None, None, "outputs/edsr/now"),
    ],
)
def test_run_dir(output_dir, resume, folder):
    assert run_dir(output_dir, resume, "edsr", "now") == folder


def test_a_job_is_named_by_what_the_sweep_varies(monkeypatch):
    monkeypatch.setattr("sys.argv", ["train.py", "-m", "model=srcnn,edsr", "loss=[l1,ssim]", "data.train=/a,/b", "seed=1"])
    name = job_name(["model=edsr", "loss=[l1,ssim]", "data.train=/a", "seed=1"])
    assert name == "model-edsr_data.train-a"
    assert job_name([]) == "run" and "/" not in job_name(["a='x y/z'"])


@pytest.mark.parametrize("word", ["seed=1,2", "seed=range(1,3)", "seed=choice(1,2)", "seed=glob(*)"])
def test_a_folder_is_named_by_what_a_sweep_varies(monkeypatch, word):
    monkeypatch.setattr(sys, "argv", ["train.py", "-m", "loss=[l1,ssim]", word])
    assert job_folder(None, 0, ["loss=[l1,ssim]", "seed=1"]) == "0_seed-1"
    assert job_folder("l1", 0, ["loss=[l1,ssim]", "variant=l1", "seed=1"]) == "l1_seed-1"


@pytest.mark.parametrize(
    "word, line",
    [
        ("data.batchsize=3", "unknown config key 'data.batchsize'; nearest: data.batch_size"),
        ("trainer.max_stesp=3", "unknown config key 'trainer.max_stesp'; nearest: trainer.max_steps"),
        ("network.nfeats=3", "unknown config key 'network.nfeats'; nearest: network.n_feats"),
        ("batch_size=3", "unknown config key 'batch_size'; nearest: data.batch_size"),
        ("model=edrs", "unknown model 'edrs'; nearest: edsr"),
        ("loss=[l1,ssmi]", "unknown loss 'ssmi'; nearest: ssim"),
        ("logger=wand", "unknown logger 'wand'; nearest: wandb; choices: csv, none, tensorboard, wandb"),
        ("callback=[default,earlystopping]", "unknown callback 'earlystopping'; nearest: early_stopping"),
        ("lose=l1", "unknown config key 'lose'; nearest: loss"),
        ("discriminator=unet", "this recipe has no discriminator; choose a model=... that has one"),
        ("network={n_feats:8,depth:3}", "network has no key depth; to add it, pass +network.depth=..."),
    ],
)
def test_a_misspelt_word_gets_its_nearest(word, line, monkeypatch):
    monkeypatch.setattr("sys.argv", ["train.py", word])
    with pytest.raises(HydraException) as caught:
        compose("train", word)
    text = explain(caught.value, "train")
    assert text.startswith(line) and "\n" not in text


@pytest.mark.parametrize(
    "value", ["a[1].png", "a=b.png", "my photo (1), x.png", "a,b.png", "#h.png", "it's.png", "ünï 漢字.png"]
)
def test_a_value_that_hydra_cannot_read_is_shown_in_quotes(value):
    with pytest.raises(HydraException) as caught:
        compose("predict", f"input={value}")
    text = explain(caught.value, "predict")
    assert text.startswith(f"input={value}: ") and "\n" not in text
    (word,) = shlex.split(text.split('"-_./ ": ')[1])
    assert compose("predict", word).input == value


def test_an_error_of_ours_says_more_than_the_librarys_that_caused_it():
    try:
        try:
            raise OSError("HTTPSConnectionPool(host=...): Max retries exceeded")
        except OSError as error:
            raise UnreachableError("cannot download a.zip: run again to go on") from error
    except ConnectionError as error:
        assert explain(error, "train") == "cannot download a.zip: run again to go on"


@pytest.mark.parametrize(
    "word, line",
    [
        (
            "degradation=[blur,bicubic,noise,jpeg,noise]",
            r"noise and noise both set .* \+degradation.noise2=",
        ),
        ("degradation=[blur,bicubic,blur_anisotropic]", "blur and blur_anisotropic both set degradation.blur"),
    ],
)
def test_a_stage_that_a_list_would_lose(word, line):
    with pytest.raises(ValueError, match=line):
        _check_lists([word])
    _check_lists(["degradation=[blur,bicubic,noise,jpeg]", "augmentation=[flip,turn,moa]", "loss=[l1,l1]"])


def test_what_a_worker_says_is_its_last_line():
    said = "Caught InputError in DataLoader worker process 0.\nOriginal Traceback:\n  File x\nsr.errors.InputError: a: cut"
    assert explain(InputError(said), "train") == "a: cut"
