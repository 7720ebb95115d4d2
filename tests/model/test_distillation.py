"""Distillation against the same terms written out, with real teachers from files."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sr import build
from sr.errors import InputError
from sr.functional.affinity import affinity
from sr.functional.color import rgb_to_y
from sr.model.distillation import Distillation, DistillationGAN
from sr.network.compact import Compact
from sr.network.espcn import ESPCN
from sr.weights import checkpoint
from sr.weights.load import load
from tests.jobs import compose
from tests.model.gan_job import TINY
from tests.model.test_regression import batch, compact, regression
from tests.run.test_resume import assert_equal, stopped_and_whole


def write(file: Path, seed: int = 1, **options: int) -> str:
    """The checkpoint of a small Compact with random weights."""
    torch.manual_seed(seed)
    options = {"scale": 2, "n_feats": 6, "n_blocks": 2, **options}
    state = {f"network.{key}": value for key, value in Compact(**options).state_dict().items()}
    spec = {"_target_": "sr.network.compact.Compact", **options}
    checkpoint.write({"sr": {"network": spec, "config": {"scale": options["scale"]}}, "state_dict": state}, file)
    return str(file)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("teachers")
    return [write(folder / "a.ckpt"), write(folder / "b.ckpt", seed=2)]


def taught(teacher, network=None, loss=None, **options) -> Distillation:
    made = regression(network or compact(), loss)
    parts = {"optimizer": made.optimizer, "schedule": made.schedule, "loss": dict(made.loss.losses.items())}
    return Distillation(teacher=teacher, network=made.network, metric={}, **parts, **options)


def cosines(features: Tensor) -> Tensor:
    """torch's own, for each pair of places."""
    flat = features.flatten(2)
    return F.cosine_similarity(flat[..., None], flat[:, :, None], dim=1)


def test_affinities_are_cosines():
    features = torch.randn(2, 5, 3, 4, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(affinity(features), cosines(features), atol=1e-5)


def test_the_loss_is_the_sum_of_its_terms(files):
    features = {"body.1": "body.3"}  # of 4 and of 6 channels
    model, data = taught(files, features=features, weights={"hr": 0.5, "output": 2.0, "features": 3.0}), batch()
    out = model.training_step(data, 0)

    sr, teachers = model.network(data["lr"]), [load(file) for file in files]
    target = sum(teacher(data["lr"]) for teacher in teachers) / 2
    ours = cosines(model.network.body[:2](data["lr"]))
    apart = sum((cosines(teacher.body[:4](data["lr"])) - ours).abs().mean() for teacher in teachers) / 2
    terms = [(sr - data["hr"]).abs().mean(), (sr - target).abs().mean(), apart]
    assert torch.allclose(out["loss"], 0.5 * terms[0] + 2 * terms[1] + 3 * terms[2], atol=1e-6)
    assert torch.allclose(torch.stack([out["parts"][f"teacher_{name}"] for name in ("output", "features")]),
                          torch.stack(terms[1:]), atol=1e-6)  # fmt: skip
    out["loss"].backward()
    assert all(parameter.grad is not None for parameter in model.network.parameters())
    assert {name.split(".")[0] for name in model.state_dict()} == {"network"}  # teachers are in their own files


def test_channel_y_learns_from_the_luma_of_the_teacher(files):
    model, data = taught(files[0], ESPCN(scale=2), channel="y", weights={"hr": 0.0}), batch()
    lr, target = rgb_to_y(data["lr"]), rgb_to_y(load(files[0])(data["lr"]))
    assert torch.allclose(model.training_step(data, 0)["loss"], (model.network(lr) - target).abs().mean(), atol=1e-6)


def test_where_hr_has_no_data_the_teacher_has_no_say(files):
    model, data = taught(files[0], weights={"hr": 0.0}), batch()
    mask = torch.zeros(2, 1, 16, 16, dtype=torch.bool)
    assert model.training_step({**data, "mask": mask}, 0)["loss"] == 0


def test_the_student_itself_is_said(files):
    with pytest.warns(UserWarning, match=f"{files[0]}: Compact has the weights that the network starts from"):
        taught(files[0], load(files[0]))


@pytest.mark.parametrize(
    "options, line",
    [
        ({"teacher": []}, "model.teacher is empty: pass model.teacher=FILE"),
        ({"weights": {"hrs": 1}}, "model.weights.hrs: no such term; there are hr, output, features, perceptual"),
        ({"weights": {"hr": -1}}, "model.weights.hr=-1: pass a number from 0 up"),
        ({"weights": {"output": 0}}, "no term uses the teacher; pass model.weights.output=1"),
        ({"weights": {"perceptual": 1}}, r"needs a perceptual loss: pass loss=\[l1,perceptual\]"),
        ({"features": {"bodi.1": "body.1"}}, "model.features: Compact has no part 'bodi.1'; nearest: body.1"),
        ({"features": {"body.1": "tail"}}, "model.features, of .*a.ckpt: Compact has no part 'tail'"),
        ({"network": {"scale": 4}}, r"a.ckpt: Compact is for scale 2, but the run has scale=4"),
        ({"network": {"channels": 1}}, "a.ckpt: Compact is for 3 channels, but the network for 1"),
    ],
)
def test_what_does_not_fit_is_one_line(files, options, line):
    network = Compact(**{"scale": 2, "n_feats": 4, "n_blocks": 1, **options.pop("network", {})})
    with pytest.raises(InputError, match=line):
        taught(**{"teacher": files[0], "network": network, **options})


def test_features_of_a_compiled_network_are_refused(files):
    model = taught(files[0], features={"body.1": "body.1"})
    model._how = True  # without torch's compiler, which takes seconds to import
    with pytest.raises(InputError, match="pass model.compile=false"):
        model._check_terms()


def test_another_file_is_not_the_teacher_of_a_run_that_goes_on(files, tmp_path):
    file = write(tmp_path / "teacher.ckpt")
    model, saved = taught(file), {"state_dict": taught(file).state_dict()}
    model.on_save_checkpoint(saved)
    model.on_load_checkpoint(saved)
    write(tmp_path / "teacher.ckpt", seed=3)
    with pytest.raises(InputError, match=rf"model.teacher: the run had {file} \(sha256 \w+\), now there is {file} \(sha256"):
        taught(file).on_load_checkpoint(saved)
    with pytest.raises(InputError, match="pass the files that it had"):
        taught(files).on_load_checkpoint(saved)


def test_a_recipe_without_a_teacher_says_what_to_pass(tmp_path):
    with pytest.raises(InputError, match="Distillation requires teacher: pass model.teacher=...$"):
        build.model(compose("train", "model=distillation", f"output_dir={tmp_path}"))


@pytest.mark.medium
def test_a_stopped_run_goes_on_as_if_nothing_had_been(files, tmp_path):
    words = ["model=distillation", f"model.teacher=[{files[0]},{files[1]}]", "model.features={body.1: body.3}", "model.ema=0.9"]
    part, whole = stopped_and_whole(tmp_path, *words)
    assert_equal(whole["state_dict"], part["state_dict"])
    assert_equal(whole["optimizer_states"], part["optimizer_states"])
    assert load(tmp_path / "part" / "checkpoints" / "last.ckpt").n_feats == 8  # an ordinary checkpoint, of the student


@pytest.mark.slow
def test_a_generator_learns_the_perceptual_features_of_a_released_teacher(sr_data, tmp_path):
    teacher = sr_data / "weights" / "IMDN_x4.pth"
    words = ["model=esrgan", "+model/module@model=distillation_gan", f"model.teacher={teacher}", "model.weights.perceptual=2"]
    model = build.model(compose("train", *words, *TINY, f"output_dir={tmp_path}"))
    assert isinstance(model, DistillationGAN) and model.features == {}
    data = {"lr": torch.rand(1, 3, 8, 8), "hr": torch.rand(1, 3, 32, 32)}
    sr, loss, parts = model._network_loss(data, adversarial=False)
    target, perceptual = load(teacher)(data["lr"]), model.loss.losses["perceptual"]
    terms = [model.loss(sr, data["hr"])[0], (sr - target).abs().mean(), 2 * perceptual(sr, target)]
    assert torch.allclose(loss, sum(terms), rtol=1e-5)
    assert {"perceptual", "teacher_perceptual", "teacher_output"} <= parts.keys()
