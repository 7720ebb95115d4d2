"""Every discriminator of conf/discriminator keeps the contract; sizes and keys are those of the releases."""

import re

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from tests.jobs import CONF, compose

NAMES = sorted(file.stem for file in (CONF / "discriminator").glob("*.yaml"))
PARAMETERS = {  # of BasicSR without its older biases, counted by hand; pytorch-CycleGAN-and-pix2pix; Real-ESRGAN's log
    "vgg": 14_499_401,
    "patch": 2_765_633,
    "unet": 4_376_897,
}


def build(name: str, patch_size: int = 32, **options) -> torch.nn.Module:
    config = compose("train", "model=esrgan", f"discriminator={name}", f"data.patch_size={patch_size}")
    OmegaConf.set_struct(config, False)
    config.discriminator.update(options)
    torch.manual_seed(0)
    return instantiate(config.discriminator, _convert_="all")


@pytest.mark.parametrize("name", NAMES)
def test_logits_of_each_image_and_gradients_to_all(name):
    discriminator = build(name, patch_size=16, n_feats=4)
    images = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    logits = discriminator(images)
    assert logits.shape[:2] == (3, 1) and logits.dtype == torch.float32
    logits.square().mean().backward()
    assert images.grad.flatten(1).any(1).all()
    # Of one batch a normalisation may take the mean away, but not every gradient.
    assert [key for key, p in discriminator.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []
    discriminator.eval()
    with torch.no_grad():
        torch.testing.assert_close(discriminator(images)[:1], discriminator(images[:1]), atol=1e-5, rtol=1e-5)


@pytest.mark.medium
@pytest.mark.parametrize("name", [name if name == "patch" else pytest.param(name, marks=pytest.mark.slow) for name in NAMES])
def test_it_learns_to_tell_two_kinds_of_images(name):
    discriminator = build(name, patch_size=16, n_feats=8)
    # Batch norm after batch norm hides what differs between two batches.
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=4e-2 if name == "unstrided" else 1e-3)
    generator = torch.Generator().manual_seed(0)
    smooth = torch.rand(4, 3, 8, 8, generator=generator).repeat_interleave(8, 2).repeat_interleave(8, 3)
    rough = torch.rand(4, 3, 64, 64, generator=generator)
    for _ in range(30):
        optimizer.zero_grad()
        loss = torch.nn.functional.softplus(discriminator(smooth)).mean()
        loss = loss + torch.nn.functional.softplus(-discriminator(rough)).mean()
        loss.backward()
        optimizer.step()
    assert loss < 0.9  # 1.39 at chance


@pytest.mark.parametrize("name", PARAMETERS)
def test_sizes_of_the_releases(name):
    assert sum(p.numel() for p in build(name).parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("name", NAMES)
def test_yaml_names_the_module(name):
    module = type(build(name)).__module__.removeprefix("sr.discriminator.")
    assert re.match(rf"{module}(_|$)", name)
    assert (CONF / "discriminator" / f"{name}.yaml").read_text().startswith("# ")


def test_unet_has_the_keys_of_real_esrgan():
    """UNetDiscriminatorSN's: RealESRGAN_x4plus_netD.pth."""
    normed = [f"conv{i}.weight_{part}" for i in range(1, 9) for part in ("orig", "u", "v")]
    ends = [f"conv{i}.{part}" for i in (0, 9) for part in ("weight", "bias")]
    state = build("unet").state_dict()
    assert sorted(state) == sorted(normed + ends)
    assert state["conv3.weight_orig"].shape == (512, 256, 4, 4) and state["conv9.weight"].shape == (1, 64, 3, 3)


def test_vgg_has_the_keys_of_basicsr():
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    keys = [f"conv{i}_{j}.weight" for i in range(5) for j in (0, 1)] + ["conv0_0.bias"]
    keys += [f"bn{i}_{j}.{part}" for i in range(5) for j in (0, 1) if (i, j) != (0, 0) for part in norm]
    keys += [f"linear{i}.{part}" for i in (1, 2) for part in ("weight", "bias")]
    state = build("vgg").state_dict()
    assert sorted(state) == sorted(keys)
    assert state["linear1.weight"].shape == (100, 512 * 4 * 4) and state["conv4_1.weight"].shape == (512, 512, 4, 4)


@pytest.mark.parametrize(("n_layers", "field"), [(1, 16), (2, 34), (3, 70)])
def test_patch_sees_as_far_as_its_name_says(n_layers, field):
    """The gradient of one logit reaches a window of that many pixels."""
    discriminator = build("patch", n_layers=n_layers, n_feats=4, norm="none")
    image = torch.rand(1, 3, 160, 160, generator=torch.Generator().manual_seed(0)).requires_grad_()
    logits = discriminator(image)
    logits[0, 0, logits.shape[2] // 2, logits.shape[3] // 2].backward()
    rows = image.grad.abs().sum((0, 1, 3)).nonzero()
    assert rows.max() - rows.min() + 1 == field


@pytest.mark.parametrize(
    ("name", "size", "says"),
    [
        ("vgg", 100, "built for patches of 64x64, not 100x100"),
        ("unet", 60, "multiples of 8, not 60x60"),
        ("patch", 20, "at least 24x24 pixels, not 20x20"),
    ],
)
def test_another_size_is_refused_in_one_line(name, size, says):
    with pytest.raises(ValueError, match=says) as error:
        build(name, patch_size=16, n_feats=4)(torch.rand(1, 3, size, size))
    assert "\n" not in str(error.value)


def test_unknown_norm_names_the_choices():
    with pytest.raises(Exception, match="discriminator.norm=group: choose one of batch, instance, spectral, none"):
        build("patch", norm="group")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("vgg", {"n_feats": 0}),
        ("vgg", {"n_stages": 0}),
        ("vgg", {"n_hidden": -1}),
        ("vgg", {"kernel_size": 5}),
        ("vgg", {"kernel_size": 2}),
        ("patch", {"n_layers": 0}),
        ("patch", {"n_feats": 0}),
        ("unet", {"n_feats": 0}),
    ],
)
def test_numbers_that_make_no_network_are_named(name, options):
    with pytest.raises(Exception, match=f"InputError.*{next(iter(options))}"):
        build(name, **{"patch_size": 16, **options})
