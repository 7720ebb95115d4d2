"""Released files are recognised by all their keys: families, SPAN of merged convolutions."""

import pytest
import torch
import torch.nn.functional as F

import sr
import sr.network
from sr.image.photograph import photograph
from sr.network.imdn import IMDN
from sr.weights import probe
from sr.weights.recognise import candidates, families

MODULE = '''
from torch import nn
from sr.network.imdn import IMDN
from sr.network.release import Release, direct


class Longer(IMDN):
    """An IMDN with one convolution more, whose keys are all of IMDN's and two more."""

    release = Release(("IMDB1.c1.weight",), direct("fea_conv.weight", r"IMDB(\\\\d+)\\\\."))

    def __init__(self, *, scale=4, n_feats=64, n_blocks=6):
        super().__init__(scale=scale, n_feats=n_feats, n_blocks=n_blocks)
        self.more = nn.Conv2d(3, 3, 1)
'''


@pytest.mark.parametrize("name", ["aaa_longer", "zzz_longer"])
def test_a_family_is_one_module_and_all_keys_decide(tmp_path, monkeypatch, name):
    (tmp_path / f"{name}.py").write_text(MODULE.replace("\\\\", "\\"))
    monkeypatch.setattr(sr.network, "__path__", [*sr.network.__path__, str(tmp_path)])
    families.cache_clear()
    try:
        longer = next(family for family in families() if family.__name__ == "Longer")
        for kind in (IMDN, longer):
            tensors = kind(scale=3, n_feats=16, n_blocks=2).state_dict()
            (found,) = candidates(tensors, "weights.pth")[0]
            assert type(found.build()) is kind
    finally:
        monkeypatch.undo()
        families.cache_clear()


def test_families_come_in_one_order():
    modules = [family.__module__ for family in families()]
    assert modules == sorted(modules) and len(modules) >= 17


@pytest.mark.parametrize("scale", [2, 4])
def test_span_of_merged_convolutions_alone(scale):
    """What the authors' test code needs, and some files hold."""
    from sr.network.spandrel import Spandrel

    torch.manual_seed(0)
    span = Spandrel(architecture="SPAN", scale=scale, n_feats=48, n_blocks=None, options={"num_in_ch": 3, "num_out_ch": 3})
    lr = photograph(16)
    with torch.no_grad():
        expected = span.eval()(lr)
        merged = {k: v for k, v in span.state_dict().items() if "eval_conv" in k or k.startswith(("conv_cat", "upsampler"))}
        assert len(merged) == 2 * (2 + 18 + 2)
        first, rare = candidates(merged, "span.pth")
        found = first[0].build().eval()
        assert found.scale == scale and torch.equal(found(lr), expected)
        other = next(one for one in rare if one.options == {"options.img_range": 1.0}).build().eval()
        assert not torch.equal(other(lr), expected)
        probe.probe(found)
    found.train()(F.pad(lr, (0, 0))).mean().backward()  # and it goes on learning
    assert found.conv_1.conv[1].weight.grad.any()
