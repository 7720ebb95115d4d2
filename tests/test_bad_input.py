"""What a user can get wrong: one clear line, exit code 1, nothing run and nothing lost."""

import socket

import pytest
from PIL import Image

from sr.weights import checkpoint
from tests.jobs import SMALL, call, run_script, run_train
from tests.refusals import photo, refused


@pytest.mark.slow
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
    refused(*words, match="missing option: pass data.train=DIR")


@pytest.mark.medium
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


@pytest.mark.medium
def test_no_benchmark_there(tmp_path):
    line = refused("benchmark=[set5]", f"data_dir={tmp_path}/data", f"output_dir={tmp_path}/run", match="Set5 not found")
    assert "https://" in line and "SR_DATA" in line
    refused("benchmark=[]", f"data_dir={tmp_path}/data", f"output_dir={tmp_path}/run", match="no benchmark: pass benchmark=")


@pytest.mark.parametrize(
    "word, match",
    [
        ("loss.l1.weight=abc", "loss.l1.weight=abc: sr.loss.l1.L1 expects float"),
        ("data.batch_size=abc", "data.batch_size=abc: sr.data.module.SRData expects int"),
        ("data.patch_size=1.5", "data.patch_size=1.5: sr.data.module.SRData expects int"),
        ("data.download=maybe", "data.download=maybe: sr.data.module.SRData expects bool"),
        ("trainer.precision=17", "17"),
        ("trainer.accelerator=abacus", "abacus"),
        ("trainer.max_steps=many", ".max_steps=many"),
        ("metric.psnr.channel=z", "unknown channel 'z'; choose y or rgb"),
        ("model.channel=z", "model.channel=z: choose rgb or y"),
        ("callback.checkpoint.mode=best", "callback.checkpoint.mode=best: choose max, min or last"),
        ("callback.checkpoint.monitor=val/pnsr", "val/pnsr is not measured; choose one of val/psnr"),
        (
            "callback=[default,early_stopping] callback.early_stopping.monitor=val/x",
            "early_stopping.monitor=val/x is not measured",
        ),
        ("callback.checkpoint.mode=min", "callback.checkpoint.mode=min: for psnr, higher is better; pass callback"),
        ("seed=-1", "seed=-1: must be a whole number from 0"),
        ("seed=abc", "seed=abc: must be a whole number from 0"),
        ("metric=[]", "no metric: pass metric=[psnr]"),
        ("degradation=[]", "degradation is empty"),
        ("+optimizer.beta=3", "optimizer.beta: torch.optim.Adam has no such option"),
        ("+network.n_feat=3", "'n_feat' is not an option of sr.network.compact.Compact"),
        ("data.batch_size=3 trainer.accumulate_grad_batches=2", "data.batch_size=3 cannot be split over 2"),
        ("trainer.accumulate_grad_batches=0", "trainer.accumulate_grad_batches=0: must be a whole number of at least 1"),
        ("trainer.val_check_interval=0", "trainer.val_check_interval=0: must be a whole number of at least 1"),
        ("trainer.log_every_n_steps=0", "trainer.log_every_n_steps=0: must be a whole number of at least 1"),
        ("trainer.gradient_clip_val=-1", "trainer.gradient_clip_val=-1: must be at least 0, or null"),
        ("trainer.devices=some", "`devices`"),
        ("model.channel=y", "model.channel=y: Compact needs RGB"),
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


PLAIN_RECIPE = ("model=edsr_baseline", "network=compact_light", "scale=2")  # one that clips no gradients


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


@pytest.mark.slow
def test_wandb_without_a_network(tmp_path):
    """Logged in, but the server cannot be reached: the run ends, with its files."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    words = [*SMALL[:-1], "logger=wandb", "trainer.max_steps=2", "data_dir=data", "output_dir=run"]
    done = run_script("train.py", *words, cwd=tmp_path, WANDB_API_KEY="0" * 40, WANDB_BASE_URL=f"http://127.0.0.1:{port}")
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert (tmp_path / "run" / "metrics.json").is_file() and "W&B is offline" in done.stdout
