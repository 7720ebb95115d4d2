"""Checkpoints that are broken or hold code: one clear line, nothing run."""

import os
import pickle
from pathlib import Path

import pytest
import torch

from sr.cli import explain
from sr.weights import checkpoint
from tests.jobs import compose, run_script, run_train
from tests.refusals import one_line, photo, refused


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
    "empty": "this is an empty file; weights are read from",
    "text": "this is a Git LFS pointer without its content",
    "pickle": "not a checkpoint",
    "zip": "contains pickled code, which is never run",
    "foreign": "",
    "nothing": "contains a list",
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
    from sr.cli.predict import predict
    from sr.cli.test import test

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
    line = one_line(run_script("test.py", f"ckpt={files['zip']}", cwd=tmp_path))
    assert line.startswith(f"error: {files['zip']}: contains pickled code")
    assert not (folder / "run_by_the_file").exists()


def test_no_such_checkpoint(tmp_path):
    for word in ("resume", "init_from"):
        refused(
            f"{word}={tmp_path}/no.ckpt", f"output_dir={tmp_path}", f"data_dir={tmp_path}", match="no.ckpt: no such checkpoint"
        )
    (tmp_path / "best.ckpt").touch()  # a run that was killed after the first of its two
    refused(f"resume={tmp_path}/last.ckpt", f"output_dir={tmp_path}", match="no such checkpoint; there is best.ckpt")


def test_init_from_two_files(tmp_path):
    refused("init_from=[a.ckpt,b.ckpt]", f"output_dir={tmp_path}/run", match="init_from=a.ckpt,b.ckpt: pass one file")


def test_init_from_another_architecture_gives_a_short_difference(best, tmp_path):
    line = refused(
        f"init_from={best}",
        "network.n_feats=16",
        f"output_dir={tmp_path}/run",
        f"data_dir={tmp_path}",
        match="does not fit Compact",
    )
    assert "(8, 3, 3, 3), expected (16, 3, 3, 3)" in line and len(line) < 500
