"""Options whose weights might never learn: DDP waits for the gradients of all, and raises where one never comes."""

import pytest
import torch

from sr.weights import checkpoint
from tests.jobs import SMALL, call
from tests.network.small import shrunk

CASES = [("swinir_large", 4, shrunk("swinir_large")), *(("carn", scale, {"multi_scale": True}) for scale in (2, 3, 4))]


@pytest.mark.parametrize(("name", "scale", "words"), CASES, ids=[f"{name}-x{scale}" for name, scale, _ in CASES])
def test_every_weight_that_learns_gets_a_gradient(build, name, scale, words):
    network = build(name, scale, **words).train()
    learning = {key: p for key, p in network.named_parameters() if p.requires_grad}
    side = -(-16 // network.multiple_of) * network.multiple_of
    gradients = torch.autograd.grad(network(torch.rand(2, 3, side, side)).mean(), list(learning.values()), allow_unused=True)
    assert not [key for key, gradient in zip(learning, gradients, strict=True) if gradient is None]


@pytest.mark.slow
def test_two_processes_train_a_network_with_branches_of_other_scales(tmp_path):
    """CARN with the upsampling of x2, x3 and x4, of which one learns; the others come out as they went in."""
    words = ["network=carn", "++network.multi_scale=true", "network.n_feats=8", "network.n_blocks=1", "trainer.devices=2"]
    plain = [word for word in SMALL if not word.startswith("network")]
    job = [*plain, *words, "schedule=constant", "trainer.limit_val_batches=1", "trainer.limit_test_batches=1"]
    files = []
    for steps in (1, 4):
        run = tmp_path / str(steps)
        done = call(
            "train.py", *job, f"trainer.max_steps={steps}", f"output_dir={run}", "data_dir=data", cwd=tmp_path, timeout=250
        )
        assert done.returncode == 0, done.stderr
        files.append(checkpoint.read(run / "checkpoints" / "last.ckpt")["state_dict"])
    same = {key: torch.equal(files[0][key], files[1][key]) for key in files[0] if ".upsample." in key}
    assert len(same) > 6 and all(equal == (".up2." not in key) for key, equal in same.items())
