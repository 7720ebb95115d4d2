"""model.quantise=int8 through the whole: trained with an average, resumed bit for bit, scored, exported as trained."""

import pytest
import torch
from hydra.errors import InstantiationException

from sr.backend.files import facts, opened
from sr.cli.export import export as command
from sr.errors import InputError
from sr.weights.load import load
from tests.jobs import ONE_PHOTO, SMALL, compose, run_script, run_train

WORDS = (*SMALL, *ONE_PHOTO, "metric=[psnr]", "model.quantise=int8", "model.ema=0.5", "trainer.max_steps=8")


@pytest.mark.slow
def test_trained_resumed_scored_and_exported(tmp_path):
    pytest.importorskip("onnxruntime", reason='pip install ".[export]"')
    for folder, steps in (("whole", 8), ("part", 4)):
        done = run_script("train.py", *WORDS, f"trainer.max_steps={steps}", f"output_dir={folder}", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    last = tmp_path / "part" / "checkpoints" / "last.ckpt"
    assert run_script("train.py", f"resume={last}", "trainer.max_steps=8", cwd=tmp_path).returncode == 0
    first, second = (
        torch.load(tmp_path / one / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"] for one in ("whole", "part")
    )
    assert first.keys() == second.keys() and "average.module.ranges.0.high" in first
    assert all(torch.equal(first[key], second[key]) for key in first)

    file = tmp_path / "whole" / "checkpoints" / "last.ckpt"
    done = run_script("test.py", f"ckpt={file}", "benchmark=[sample]", *ONE_PHOTO[1:], "output_dir=t", cwd=tmp_path)
    assert f"{file}: Compact in 8 bits, as it was trained: 1 convolutions" in done.stdout
    command(compose("export", f"ckpt={file}", f"output={tmp_path}/a.onnx"))
    made, network = opened(tmp_path / "a.onnx"), load(file)
    assert (facts(tmp_path / "a.onnx").precision, facts(tmp_path / "a.onnx").network) == ("int8", "Compact")
    lr = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert (made(lr) - network(lr)).square().mean() < 0.5 * (network.plain()(lr) - network(lr)).square().mean()


@pytest.mark.slow
def test_starts_from_a_network_in_float(best, tmp_path, capsys):
    run_train(f"output_dir={tmp_path}", "model.quantise=int8", f"init_from={best}", "trainer.max_steps=1", "optimizer.lr=1e-9")
    made, start = load(tmp_path / "checkpoints" / "last.ckpt"), load(best)
    for name, value in start.state_dict().items():
        torch.testing.assert_close(made.network.state_dict()[name], value, rtol=0, atol=1e-6)
    assert made.learned() and "keep their random" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["model.quantise=int4"], "model.quantise=int4: pass model.quantise=int8"),
        (["model.float_layers=[body.0]"], "model.float_layers without model.quantise: pass model.quantise=int8"),
        (["model.quantise=int8", "model.float_layers=[head]"], "float_layers: Compact has no convolution head"),
    ],
)
def test_wrong_words(words, match):
    from sr import build

    with pytest.raises((InputError, InstantiationException), match=match):
        build.model(compose("train", *SMALL, *words))
