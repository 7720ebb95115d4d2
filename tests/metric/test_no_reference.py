"""Learned metrics without a reference, of torchmetrics and pyiqa where these are installed; what is missing is one line."""

import importlib.util
import shutil

import pytest
import torch
from skimage import data
from torch import Tensor, nn

from sr.functional.resize import imresize
from sr.metric.arniqa import ARNIQA
from sr.metric.base import needs_reference, scored
from sr.metric.clip_iqa import CLIPIQA
from sr.metric.niqe import MODEL, NIQE
from sr.metric.psnr import PSNR
from sr.metric.pyiqa import PyIQA

PYIQA = importlib.util.find_spec("pyiqa") is not None


@pytest.fixture(scope="module")
def photo() -> Tensor:
    return torch.from_numpy(data.chelsea()[40:260, 100:400]).permute(2, 0, 1)[None] / 255


def test_a_metric_is_given_hr_only_where_it_needs_it(photo):
    class Brightness(nn.Module):  # a user's
        reference = False

        def forward(self, sr: Tensor) -> Tensor:
            return sr.mean(dim=(1, 2, 3))

    worse = imresize(imresize(photo, 1 / 2), 2)
    assert scored(Brightness(), worse, photo).item() == pytest.approx(worse.mean().item())
    assert scored(NIQE(crop_border=2), worse, photo) == scored(NIQE(crop_border=2), worse, None)
    assert scored(PSNR(crop_border=2), worse, photo) == PSNR(crop_border=2)(worse, photo)
    assert needs_reference(PSNR(crop_border=2)) and needs_reference(nn.MSELoss()) and not needs_reference(NIQE(crop_border=2))


@pytest.fixture(scope="module")
def arniqa(tmp_path_factory) -> ARNIQA:
    """With random weights in files of the release's form: an encoder with a projector, and a regressor in TorchScript."""
    from torchvision.models import resnet50

    class Regressor(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights, self.biases = nn.Parameter(torch.randn(1, 4096)), nn.Parameter(torch.tensor(50.0))

        def forward(self, x: Tensor) -> Tensor:
            return x @ self.weights.T + self.biases

    home = tmp_path_factory.mktemp("arniqa")
    (home / "hub" / "checkpoints").mkdir(parents=True)
    torch.manual_seed(0)
    encoder = nn.Sequential(*list(resnet50().children())[:-1])
    state = {f"model.{key}": value for key, value in encoder.state_dict().items()} | {"projector.0.weight": torch.zeros(1)}
    torch.save(state, home / "hub" / "checkpoints" / "ARNIQA.pth")
    torch.jit.script(Regressor()).save(str(home / "hub" / "checkpoints" / "regressor_koniq10k.pth"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", str(home))
        return ARNIQA(crop_border=2)


@pytest.mark.slow  # torchmetrics' ResNet-50
@pytest.mark.filterwarnings("ignore")
def test_arniqa_is_that_of_torchmetrics(arniqa, photo):
    pictures = torch.cat([photo, photo.flip(-1).roll(30, -2)])[..., 40:140, 40:140]
    cropped = pictures[..., 2:-2, 2:-2]
    theirs = arniqa.networks[0](cropped, normalize=True).flatten()
    torch.testing.assert_close(arniqa(pictures).float(), theirs, rtol=1e-4, atol=1e-5)
    assert arniqa(pictures[:1]).item() == pytest.approx(theirs[0].item(), abs=1e-4) and theirs[0] != theirs[1]
    assert not arniqa.state_dict() and not list(arniqa.parameters())


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: ARNIQA(crop_border=2, regressor="live"), r"metric\.arniqa\.regressor=live: choose koniq10k or kadid10k"),
        (lambda: ARNIQA(crop_border=2), r"ARNIQA needs .*ARNIQA\.pth, which is missing and could not be downloaded"),
    ],
)
def test_what_arniqa_lacks_is_one_line(make, message, tmp_path, monkeypatch):
    def nowhere(*_, **__) -> None:
        raise OSError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", nowhere)
    with pytest.raises((ValueError, FileNotFoundError), match=rf"^[^\n]*{message}[^\n]*$"):
        make()


@pytest.mark.skipif(
    all(importlib.util.find_spec(name) for name in ("piq", "transformers")), reason="piq and transformers are installed"
)
def test_clip_iqa_names_the_packages_that_it_needs():
    with pytest.raises(ValueError, match=r'^metric\.clip_iqa needs [^\n]*: pip install "\.\[clip\]"$'):
        CLIPIQA(crop_border=2)


@pytest.mark.skipif(PYIQA, reason="pyiqa is installed")
def test_pyiqa_is_named_with_its_licence():
    with pytest.raises(ValueError, match=r"^musiq needs the package pyiqa, whose licence forbids commercial use: pip install"):
        PyIQA(crop_border=2, name="musiq")


@pytest.mark.skipif(not PYIQA, reason='pyiqa is not installed: pip install ".[iqa]"')
class TestPyIQA:
    @pytest.fixture
    def home(self, tmp_path, monkeypatch):
        """Where pyiqa finds NIQE's parameters; it looks up the folder when it is imported."""
        (tmp_path / "pyiqa").mkdir()
        shutil.copy(MODEL, tmp_path / "pyiqa" / "niqe_modelparameters.mat")
        monkeypatch.setattr("pyiqa.utils.download_util.DEFAULT_CACHE_DIR", str(tmp_path / "pyiqa"))

    @pytest.mark.filterwarnings("ignore:pyiqa's metrics")
    def test_its_niqe_is_ours_up_to_its_float32(self, home, photo):
        theirs = PyIQA(crop_border=2, name="niqe")
        assert theirs(photo).item() == pytest.approx(NIQE(crop_border=2, channel="gray")(photo).item(), abs=0.02)
        assert not theirs.higher_is_better and not theirs.state_dict() and theirs.library.startswith("pyiqa ")

    def test_its_licence_is_said(self, home):
        with pytest.warns(UserWarning, match="PolyForm Noncommercial 1.0.0: no commercial use"):
            PyIQA(crop_border=2, name="niqe")

    @pytest.mark.parametrize("name", ["nonsense", "lpips"])
    def test_other_names_are_refused(self, name):
        with pytest.raises(ValueError, match=f"^pyiqa [0-9.]+ has no metric '{name}' without a reference"):
            PyIQA(crop_border=2, name=name)
