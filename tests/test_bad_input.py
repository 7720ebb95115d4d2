"""What a user can get wrong: one clear line, exit code 1, nothing run and nothing lost."""

import os
import pickle
import socket
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sr.cli import explain
from sr.weights import checkpoint
from tests.jobs import SMALL, call, compose, run_train


def photo(file: Path, size: tuple[int, int] = (80, 64), seed: int = 0) -> Path:
    """A PNG of noise, (width, height)."""
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(file)
    return file


def refused(*words: object, match: str) -> str:
    """Run train.py in this process; the one line that the command line would print for its error."""
    with pytest.raises(Exception) as caught:  # noqa: B017 (what it is, explain() says)
        run_train(*words)
    line = explain(caught.value, "train")
    assert line is not None, caught.value
    assert match in line and "\n" not in line
    return line


def one_line(done: subprocess.CompletedProcess) -> str:
    """Of a process that failed as it should: its line on stderr."""
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    lines = [line for line in done.stderr.replace("\r", "\n").splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and done.stderr.strip() == lines[0], done.stderr
    return lines[0]


# -- training data -----------------------------------------------------------------------------------------------------


def test_no_such_folder_from_the_command_line(tmp_path):
    done = call("train.py", *SMALL, "data=folder", "data.train=/nope", "data_dir=data", "output_dir=run", cwd=tmp_path)
    assert done.stderr == "error: no such folder: /nope\n" and done.returncode == 1


def test_a_folder_without_images(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    refused(
        "data=folder", f"data.train={tmp_path}", f"data_dir={tmp_path}/data", f"output_dir={tmp_path}/run", match="no images in"
    )


def test_no_folder_said(tmp_path):
    words = ["data=folder", f"data_dir={tmp_path}/data", f"output_dir={tmp_path}/run"]
    refused(*words, match="data.train is missing: pass data.train=...")


@pytest.mark.parametrize("damage", ["truncated", "corrupt", "text", "empty"])
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_broken_image_is_named(tmp_path, damage, suffix):
    good, file = photo(tmp_path / "hr" / "a.png"), tmp_path / "hr" / f"b.{suffix}"
    Image.open(good).save(file)
    content = file.read_bytes()
    middle = len(content) // 2
    file.write_bytes(
        {
            "truncated": content[:middle],
            "corrupt": content[:60] + bytes(200) + content[260:],
            "text": b"<html>404 not found</html>",
            "empty": b"",
        }[damage]
    )
    if (damage, suffix) == ("corrupt", "jpg"):
        file.write_bytes(content[:2] + bytes(200) + content[202:])  # JPEG decodes damaged pixels; its header it needs
    words = [
        "data=folder",
        f"data.train={tmp_path}/hr",
        f"data_dir={tmp_path}/data",
        f"output_dir={tmp_path}/run",
        "validation=[]",
    ]
    line = refused(*words, match=f"b.{suffix}")
    assert "a.png" not in line
    file.unlink()
    run_train(*words, "trainer.max_steps=1")  # with the file gone the same folder works: nothing of it was kept


@pytest.mark.parametrize("name", ["broken.png", "truncated_image.png"])
def test_broken_images_from_the_wild(sr_data, tmp_path, name):
    photo(tmp_path / "hr" / "a.png")
    (tmp_path / "hr" / name).write_bytes((sr_data / "samples" / "formats" / name).read_bytes())
    words = [
        "data=folder",
        f"data.train={tmp_path}/hr",
        f"data_dir={tmp_path}/data",
        f"output_dir={tmp_path}/run",
        "validation=[]",
    ]
    refused(*words, match=name)


def test_an_image_smaller_than_the_patch(tmp_path):
    photo(tmp_path / "hr" / "large.png")
    photo(tmp_path / "hr" / "small.png", (31, 64))
    words = [
        "data=folder",
        f"data.train={tmp_path}/hr",
        f"data_dir={tmp_path}/data",
        f"output_dir={tmp_path}/run",
        "validation=[]",
    ]
    line = refused(*words, match="small.png: 31x64 pixels is smaller than the HR patch of 32x32")
    assert "data.patch_size=16" in line


def test_lr_of_another_size(tmp_path):
    photo(tmp_path / "hr" / "a.png")
    photo(tmp_path / "lr" / "a.png", (41, 32))
    words = ["data=folder", f"data.train={tmp_path}/hr", f"data.lr={tmp_path}/lr", "validation=[]"]
    refused(*words, f"data_dir={tmp_path}/data", f"output_dir={tmp_path}/run", match="lr/a.png is 32x41, expected 32x40")


def test_hr_without_an_lr_partner(tmp_path):
    photo(tmp_path / "hr" / "a.png")
    photo(tmp_path / "lr" / "b.png", (40, 32))
    words = ["data=folder", f"data.train={tmp_path}/hr", f"data.lr={tmp_path}/lr"]
    refused(*words, f"data_dir={tmp_path}/data", f"output_dir={tmp_path}/run", match="no LR partner for")


def test_no_benchmark_there(tmp_path):
    line = refused("benchmark=[set5]", f"data_dir={tmp_path}/data", f"output_dir={tmp_path}/run", match="Set5 is missing")
    assert "https://" in line and "SR_DATA" in line
    refused("benchmark=[]", f"data_dir={tmp_path}/data", f"output_dir={tmp_path}/run", match="nothing to measure on")


# -- values ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "word, match",
    [
        ("loss.l1.weight=abc", "loss.l1.weight=abc: sr.loss.l1.L1 wants float"),
        ("data.batch_size=abc", "data.batch_size=abc: sr.data.module.SRData wants int"),
        ("data.patch_size=1.5", "data.patch_size=1.5: sr.data.module.SRData wants int"),
        ("data.download=maybe", "data.download=maybe: sr.data.module.SRData wants bool"),
        ("trainer.precision=17", "17"),
        ("trainer.accelerator=abacus", "abacus"),
        ("trainer.max_steps=many", ".max_steps=many"),
        ("metric.psnr.channel=z", "unknown channel 'z'; choose y or rgb"),
        ("model.channel=z", "model.channel=z: choose rgb or y"),
        ("callback.checkpoint.mode=best", "callback.checkpoint.mode=best: choose max, min or last"),
        ("callback.checkpoint.monitor=val/pnsr", "val/pnsr is not measured; there are val/psnr"),
        (
            "callback=[default,early_stopping] callback.early_stopping.monitor=val/x",
            "early_stopping.monitor=val/x is not measured",
        ),
        ("callback.checkpoint.mode=min", "callback.checkpoint.mode=min: of psnr, higher is better; pass callback"),
        ("seed=-1", "seed=-1: a whole number from 0"),
        ("seed=abc", "seed=abc: a whole number from 0"),
        ("metric=[]", "nothing to measure with: pass metric=[psnr]"),
        ("degradation=[]", "degradation is empty"),
        ("+optimizer.beta=3", "optimizer.beta: torch.optim.Adam has no such option"),
        ("+network.n_feat=3", "'n_feat' is not an option of sr.network.compact.Compact"),
        ("data.batch_size=3 trainer.accumulate_grad_batches=2", "data.batch_size=3 cannot be split over 2"),
        ("trainer.accumulate_grad_batches=0", "trainer.accumulate_grad_batches=0: a whole number, at least 1"),
        ("trainer.val_check_interval=0", "trainer.val_check_interval=0: a whole number, at least 1"),
        ("trainer.log_every_n_steps=0", "trainer.log_every_n_steps=0: a whole number, at least 1"),
        ("trainer.gradient_clip_val=-1", "trainer.gradient_clip_val=-1: at least 0, or null"),
        ("trainer.devices=some", "`devices`"),
        ("model.channel=y", "model.channel=y: Compact sees RGB"),
        ("loss=[]", "no loss: pass loss=[l1]"),
        ("data.batch_size=0", "data.batch_size=0"),
        ("data.patch_size=0", "data.patch_size=0"),
        ("scale=0", "scale"),
        ("schedule.max_steps=0", "trainer.max_steps above 0"),
    ],
)
def test_a_bad_value_is_named(word, match, tmp_path):
    line = refused(*word.split(), f"data_dir={tmp_path}/data", f"output_dir={tmp_path}/run", match=match)
    assert len(line) < 400


# -- checkpoints -------------------------------------------------------------------------------------------------------


class Payload:
    """Pickled, it makes a file when it is loaded."""

    def __init__(self, file: Path) -> None:
        self.file = str(file)

    def __reduce__(self):
        return os.mkdir, (self.file,)


def spec_checkpoint(best: Path, file: Path, **spec: object) -> Path:
    """Our checkpoint, with a config that somebody changed."""
    content = checkpoint.read(best)
    content["sr"]["network"] = {**content["sr"]["network"], **spec}
    content["sr"]["config"]["network"] = {**content["sr"]["config"]["network"], **spec}
    torch.save(content, file)
    return file


def bad_checkpoints(best: Path, folder: Path) -> dict[str, Path]:
    """Kind -> file."""
    victim = folder / "run_by_the_file"
    files = {kind: folder / f"{kind}.ckpt" for kind in ("truncated", "empty", "text", "pickle", "zip", "foreign", "nothing")}
    files["truncated"].write_bytes(best.read_bytes()[:-2000])
    files["empty"].write_bytes(b"")
    files["text"].write_text("version https://git-lfs.github.com/spec/v1\n")
    files["pickle"].write_bytes(pickle.dumps({"state_dict": Payload(victim)}))
    torch.save({"state_dict": {}, "sr": Payload(victim)}, files["zip"])
    torch.save({"params": {"conv.weight": torch.zeros(3)}}, files["foreign"])
    torch.save([1, 2], files["nothing"])
    for name in ("os.system", "torch.hub.load", "sr.weights.checkpoint.load", "sr.network.upsample.nn.Linear", "builtins.exec"):
        files[name] = spec_checkpoint(best, folder / f"{name}.ckpt", _target_=name)
    files["hidden"] = spec_checkpoint(best, folder / "hidden.ckpt", n_feats={"_target_": "os.mkdir", "path": str(victim)})
    files["hydra"] = spec_checkpoint(best, folder / "hydra.ckpt", _args_=[1])
    return files


MESSAGES = {
    "truncated": "not a checkpoint, or truncated",
    "empty": "is an empty file; weights are read from",
    "text": "is a Git LFS pointer, whose content was not fetched",
    "pickle": "",
    "zip": "holds pickled code, which is never run",
    "foreign": "",
    "nothing": "holds a list",
    "hidden": "os.mkdir",
    "hydra": "",
}


@pytest.fixture(scope="module")
def bad(best, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    return folder, bad_checkpoints(best, folder)


KINDS = [
    *MESSAGES, "os.system", "torch.hub.load", "sr.weights.checkpoint.load", "sr.network.upsample.nn.Linear", "builtins.exec"
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("use", ["test", "predict", "resume"])
def test_a_bad_checkpoint_runs_nothing(bad, kind, use, tmp_path):
    from predict import predict
    from test import test

    folder, files = bad
    file = files[kind]
    photo(tmp_path / "photo.png")
    with pytest.raises(Exception) as caught:  # noqa: B017 (what it is, explain() says)
        if use == "test":
            test(compose("test", f"ckpt={file}", "benchmark=[sample]", f"output_dir={tmp_path}/out", "trainer.accelerator=cpu"))
        elif use == "predict":
            predict(compose("predict", f"ckpt={file}", f"input={tmp_path}/photo.png", f"output={tmp_path}/out", "device=cpu"))
        else:
            run_train(f"resume={file}", f"output_dir={tmp_path}/out", f"data_dir={tmp_path}/data")
    line = explain(caught.value, "train")
    assert line is not None, caught.value
    assert line.startswith(str(file)) and MESSAGES.get(kind, kind) in line and len(line.splitlines()) == 1
    assert not (folder / "run_by_the_file").exists()
    assert not (tmp_path / "out").exists()


def test_a_checkpoint_of_pickled_code_from_the_command_line(bad, tmp_path):
    folder, files = bad
    line = one_line(call("test.py", f"ckpt={files['zip']}", cwd=tmp_path))
    assert line.startswith(f"error: {files['zip']}: holds pickled code")
    assert one_line(call("test.py", f"ckpt={files['pickle']}", cwd=tmp_path)).startswith(
        f"error: {files['pickle']}: not a checkpoint"
    )
    assert not (folder / "run_by_the_file").exists()


def test_no_such_checkpoint(tmp_path):
    for word in ("resume", "init_from"):
        refused(
            f"{word}={tmp_path}/no.ckpt", f"output_dir={tmp_path}", f"data_dir={tmp_path}", match="no.ckpt: no such checkpoint"
        )
    (tmp_path / "best.ckpt").touch()  # a run that was killed after the first of its two
    refused(f"resume={tmp_path}/last.ckpt", f"output_dir={tmp_path}", match="no such checkpoint; there is best.ckpt")


def test_init_from_two_files(tmp_path):
    refused("init_from=[a.ckpt,b.ckpt]", f"output_dir={tmp_path}/run", match="init_from=a.ckpt,b.ckpt: name one file")


def test_init_from_another_architecture_gives_a_short_difference(best, tmp_path):
    line = refused(
        f"init_from={best}",
        "network.n_feats=16",
        f"output_dir={tmp_path}/run",
        f"data_dir={tmp_path}",
        match="does not fit Compact",
    )
    assert "(8, 3, 3, 3), not (16, 3, 3, 3)" in line and len(line) < 500


PLAIN_RECIPE = ("model=edsr_baseline", "network=compact_light", "scale=2")  # one that clips no gradients


# -- while it runs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["optimizer=sgd"], ["optimizer=adam"], ["optimizer=adamw"]])
def test_a_loss_that_is_no_number_stops_the_run(tmp_path, words):
    """The schedule lets two validations pass; the checkpoints of then stay, finite."""
    late = ["schedule=multistep", "schedule.milestones=[5]", "schedule.gamma=1e30"]
    words = [*PLAIN_RECIPE, *words, "optimizer.lr=1e-3", "trainer.max_steps=40", *late]
    line = refused(
        *words, f"output_dir={tmp_path}/run", f"data_dir={tmp_path}/data", match="the loss became NaN or infinite at step"
    )
    step = int(line.split("at step ")[1].split(";")[0])
    assert 6 <= step <= 12
    for name in ("best", "last"):
        content = checkpoint.read(tmp_path / "run" / "checkpoints" / f"{name}.ckpt")
        assert content["global_step"] == 4
        assert all(value.isfinite().all() for value in content["state_dict"].values())


def test_weights_that_are_no_numbers_are_never_kept(tmp_path):
    """The last step before a validation ruins the weights; the loss was still a number."""
    words = [
        *PLAIN_RECIPE,
        "optimizer=sgd",
        "optimizer.lr=1e-9",
        "loss.l1.weight=1e6",
        "schedule=multistep",
        "schedule.milestones=[7]",
        "schedule.gamma=1e45",
    ]
    refused(
        *words,
        "trainer.max_steps=8",
        f"output_dir={tmp_path}/run",
        f"data_dir={tmp_path}/data",
        match="weights became NaN or infinite at step 8",
    )
    for name in ("best", "last"):
        content = checkpoint.read(tmp_path / "run" / "checkpoints" / f"{name}.ckpt")
        assert all(value.isfinite().all() for value in content["state_dict"].values())


def test_wandb_without_a_network(tmp_path):
    """Logged in, but the server cannot be reached: the run ends, with its files."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    words = [*SMALL[:-1], "logger=wandb", "trainer.max_steps=2", "data_dir=data", "output_dir=run"]
    done = call("train.py", *words, cwd=tmp_path, WANDB_API_KEY="0" * 40, WANDB_BASE_URL=f"http://127.0.0.1:{port}")
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert (tmp_path / "run" / "metrics.json").is_file() and "W&B is offline" in done.stdout
