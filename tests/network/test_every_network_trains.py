"""Every file of conf/network takes a step, is validated, tested and saved, and enlarges a photo the same when loaded again."""

import copy

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image

import sr
from sr import build
from sr.data.source.sample import Sample
from sr.functional.resize import imresize
from sr.image.file import to_pixels, to_tensor
from sr.metric.psnr import PSNR
from sr.network.reparameterised import blocks, deployed
from tests.enlarge import enlarge
from tests.jobs import compose
from tests.network.small import CONF, NAMES, PARAMS, scale_of, shrunk


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder with a piece of one photo, 64x64 pixels, to train on and to be measured on."""
    folder = tmp_path_factory.mktemp("photos")
    pixels = np.asarray(Image.open(Sample(held_out=True).files()[1][0]))  # coffee
    Image.fromarray(pixels[200:264, 300:364]).save(folder / "coffee.png")
    return folder


HEAVY = ("atd_light", "dat_light", "drct", "hat_small", "rgt_small")  # attention whose smallest run takes seconds
HEAVY += ("abpn", "bsrn_small", "coordinate", "efdn", "lte", "repsr_m4c16")  # much like others of their families
HEAVY += ("liif", "meta_sr", "rdn", "rfdn", "mosr", "plksr", "swin2sr", "vdsr", "zssr_cnn", "bsrn")


@pytest.mark.parametrize(
    "name", [pytest.param(*p.values, marks=pytest.mark.slow) if p.values[0] in HEAVY else p for p in PARAMS]
)
def test_train_test_and_predict(name, photos, tmp_path):
    check(name, photos, tmp_path, **shrunk(name, n_blocks=1))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_train_test_and_predict_at_full_size(name, photos, tmp_path):
    check(name, photos, tmp_path)


def check(name, photos, folder, **network):
    scale = scale_of(name)
    cfg = job(name, photos, folder, network)
    build.seed(cfg)
    model = build.model(cfg)
    cfg.data.patch_size = -(-12 // model.network.multiple_of) * model.network.multiple_of
    data, trainer = build.data(cfg), build.trainer(cfg, model)
    before = {key: p.detach().clone() for key, p in model.network.named_parameters() if p.requires_grad}
    if not before:
        with pytest.raises(ValueError, match="has nothing to train; test.py scores it as it is"):
            build.fit(trainer, model, data)
        return

    build.fit(trainer, model, data)
    state = {key: value.clone() for key, value in model.network.state_dict().items()}
    assert trainer.global_step == 1
    assert any(not torch.equal(state[key], value) for key, value in before.items())
    assert all(state[key].isfinite().all() for key in before)

    results = build.test(trainer, model, data)["folder"]
    network = sr.load(folder / "checkpoints" / "best.ckpt")
    assert type(network) is type(model.network) and (network.scale, network.multiple_of) == (scale, model.network.multiple_of)
    trained = model.network
    state = state if not blocks(trained) else deployed(copy.deepcopy(trained).eval()).state_dict()
    assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())

    photo = sr.image.file.read(photos / "coffee.png")
    hr = to_tensor(photo.pixels)
    small = sr.image.file.Image(to_pixels(imresize(hr, 1 / scale, rounding=True), np.uint8))
    score = PSNR(crop_border=scale if scale > 1 else 0)(to_tensor(enlarge(network, small, tile=None).pixels), hr).item()
    assert score == pytest.approx(results["psnr"], abs=0.01)  # some pixels lie so near to a half that the layout decides


def job(name, photos, folder, network):
    """The real config: this network, one step, two patches, one small photo."""
    cfg = compose(
        "train",
        f"scale={scale_of(name)}",
        f"degradation=[{'bicubic' if scale_of(name) > 1 else 'noise'}]",
        "data=folder",
        f"data.train={photos}",
        f"data.cache_dir={photos}/cache",
        "data.batch_size=2",  # DAT has batch norm on one value an image
        "data.n_workers=0",
        "validation=[]",  # of one photo nothing can be kept from training
        "benchmark=folder",
        f"benchmark.folder.hr={photos}",
        "metric=[psnr]",
        "callback=[checkpoint,finite]",
        "logger=none",
        "trainer.accelerator=cpu",
        "trainer.max_steps=1",
        f"output_dir={folder}",
    )
    cfg.network = OmegaConf.merge(OmegaConf.load(CONF / f"{name}.yaml"), network)  # as network={name} composes it
    return cfg
