"""Released files say by their keys what they are."""

import pytest
import torch
from omegaconf import OmegaConf
from safetensors.torch import save_file

import sr
from sr.network.inputs import takes_size
from sr.network.rlfn import RLFN
from sr.weights import checkpoint
from sr.weights.rebuild import build_network
from sr.weights.recognise import candidates
from tests.jobs import compose
from tests.network.small import CLASSES, NAMES, PARAMS, build, scale_of, shrunk
from tests.released import released

TINY = released(RLFN, taps=(1, 1, 0), back=(-1, -1))
SILENT = ("FSRCNN", "SRCNN", "VDSR", "ResizeConv", "PAN", "ZSSRCNN")  # the scale is not in the shapes of their tensors


def built(name, scale=2, **options):
    """The network of a YAML, with two blocks at most; x1 where it does not enlarge."""
    return build(name, scale_of(name, scale), **shrunk(name, narrow=True), **options)


NOTHING_TO_RECOGNISE = ("deep_linear", *(name for name in NAMES if name.startswith("interpolation")))
NOTHING_TO_RECOGNISE += tuple(name for name in NAMES if getattr(CLASSES[name], "draws_noise", False))  # nothing was released


@pytest.mark.parametrize("name", [param for param in PARAMS if param.values[0] not in NOTHING_TO_RECOGNISE])
def test_what_a_yaml_builds_is_recognised(name):
    network = built(name, **({"global_skip": False} if name == "liif_small" else {}))  # the first variant
    tensors = network.state_dict()
    if type(network).__name__ in SILENT:
        with pytest.raises(
            ValueError, match=f"{type(network).__name__} weights do not store their scale: pass scale=(1, )?2, 3"
        ):
            candidates(tensors, "weights.pth")
        found = candidates(tensors, "weights.pth", 2)[0][0].build()
    else:
        found = candidates(tensors, "weights.pth")[0][0].build()
    if takes_size(network):  # any scale: that of a result whose size is not passed
        network.scale = found.scale
    assert type(found) is type(network) and (found.scale, found.multiple_of) == (network.scale, network.multiple_of)
    side = max(16, network.multiple_of)
    lr = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(found.eval()(lr), network(lr), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("file", "kind", "scale"),
    [("IMDN_x2.pth", "IMDN", 2), ("IMDN_x4.pth", "IMDN", 4), ("realesr-animevideov3.pth", "Compact", 4)],
)
def test_released_files(sr_data, file, kind, scale):
    network = sr.load(sr_data / "weights" / file)
    assert (type(network).__name__, network.scale, network.training) == (kind, scale, False)


def test_fsrcnn_wants_to_be_told_its_scale(sr_data):
    file = sr_data / "weights" / "fsrcnn_x3.pth"
    assert sr.load(file, scale=3).scale == 3
    with pytest.raises(ValueError, match=r"fsrcnn_x3.pth: FSRCNN weights do not store their scale: pass scale=2, 3 or 4"):
        sr.load(file)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"params_ema": state, "params": {}},
        lambda state: {"state_dict": {f"module.{key}": value for key, value in state.items()}, "epoch": 3},
        lambda state: {"state_dict": {f"generator.{k}": v for k, v in state.items()} | {"discriminator.x": torch.ones(1)}},
        lambda state: {"model": {f"module.generator.{key}": value for key, value in state.items()}},
        lambda state: {"generator": state, "discriminator": {"x": torch.ones(1)}},
        lambda state: {f"_orig_mod.{key}": value for key, value in state.items()},
        lambda state: {"sr": None, "state_dict": state},
        lambda state: {1: torch.ones(1), **state},
    ],
)
@pytest.mark.parametrize("ending", ["pth", pytest.param("pt", marks=pytest.mark.slow)])  # both are read by torch.load
def test_wrappers(tmp_path, wrap, ending):
    state = TINY.state_dict()
    torch.save(wrap(state), tmp_path / f"weights.{ending}")
    found = sr.load(tmp_path / f"weights.{ending}").state_dict()
    assert all(torch.equal(found[key], value) for key, value in state.items())


def test_safetensors(tmp_path):
    save_file(TINY.state_dict(), tmp_path / "weights.safetensors")
    assert isinstance(sr.load(tmp_path / "weights.safetensors"), RLFN)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s | {"extra.weight": torch.ones(1)}, r"does not fit IMDN: 1 keys unexpected \(extra.weight\)"),
        (lambda s: {k: v for k, v in s.items() if "LR_conv" not in k}, r"2 keys missing \(LR_conv.bias, LR_conv.weight\)"),
        (lambda s: s | {"LR_conv.weight": torch.ones(1, 1, 1, 1)}, r"LR_conv.weight has shape \(1, 1, 1, 1\), expected \(64,"),
        (
            lambda s: {"a.b": torch.ones(1)},
            r"no known network has these keys \(a.b, ...\); for an architecture of your own, pass net",
        ),
        (lambda s: {}, "no weights under known keys; found nothing"),
        (lambda s: {"weights_of_mine": s}, r"no weights under known keys; found weights_of_mine"),
        (lambda s: {"sr": {}}, "no weights under known keys; found sr"),
        (lambda s: s | {"upsampler.0.weight": torch.ones(13, 64, 3, 3)}, "looks like IMDN, but 13 channels before"),
        (
            lambda s: {k: v for k, v in s.items() if k != "fea_conv.weight"},
            "looks like IMDN, but has no tensor 'fea_conv.weight'",
        ),
        (lambda s: {"body.0.weight": torch.ones(2, 3), "body.1.weight": torch.ones(2)}, "weights.pth: "),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(tmp_path, change, message):
    torch.save(change(built("imdn").state_dict()), tmp_path / "weights.pth")
    with pytest.raises(ValueError, match=message) as error:
        sr.load(tmp_path / "weights.pth")
    assert "\n" not in str(error.value)


def test_a_scale_that_contradicts_the_file(sr_data):
    with pytest.raises(ValueError, match=r"scale=3, but .*IMDN_x2.pth is for scale 2"):
        sr.load(sr_data / "weights" / "IMDN_x2.pth", scale=3)


@pytest.mark.slow
def test_test_scores_a_released_file(sr_data, tmp_path):
    from sr.cli.test import test

    words = [f"ckpt={sr_data}/weights/IMDN_x2.pth", "benchmark=[set5]", f"data_dir={sr_data}", f"output_dir={tmp_path}"]
    test(compose("test", "trainer.accelerator=cpu", "metric=[psnr]", *words))
    assert OmegaConf.load(tmp_path / "metrics.json").set5.psnr == pytest.approx(38.00, abs=0.02)


def test_without_a_benchmark_it_asks_for_one(sr_data, tmp_path):
    from sr.cli.test import test

    with pytest.raises(ValueError, match=r"no benchmark: pass benchmark="):
        test(compose("test", f"ckpt={sr_data}/weights/IMDN_x2.pth", f"output_dir={tmp_path}"))


def test_init_from_a_released_file(sr_data):
    from sr import build

    file = sr_data / "weights" / "IMDN_x2.pth"
    network = build.network(compose("train", "network=imdn", "scale=2", f"init_from={file}"))
    stored = checkpoint.weights(checkpoint.read(file))
    assert all(torch.equal(value, stored[key]) for key, value in network.state_dict().items())


def test_a_checkpoint_config_builds_spandrels_networks_safely():
    spec = OmegaConf.to_container(compose("train", "network=swinir_light", "network.n_blocks=1").network, resolve=True)
    assert type(build_network(spec, "file")).__name__ == "SwinIR"
    with pytest.raises(ValueError, match="unknown architecture 'os'; choose one of"):
        build_network(spec | {"architecture": "os"}, "file")
    with pytest.raises(ValueError, match="SwinIR cannot be built"):
        build_network(spec | {"options": {"window": 8}}, "file")
