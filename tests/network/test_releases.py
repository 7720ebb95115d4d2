"""Released files of the families that are written here: their keys and shapes, their parameters, their results."""

import pytest
import torch

from sr.weights import checkpoint
from sr.weights.fit import load_weights

Shapes = dict[str, tuple[int, ...]]


def conv(key: str, n_out: int, n_in: int, size: int = 3, bias: bool = True) -> Shapes:
    return {f"{key}.weight": (n_out, n_in, size, size)} | ({f"{key}.bias": (n_out,)} if bias else {})


def esa(key: str, n: int, f: int, convs: tuple[str, ...]) -> Shapes:
    shapes = conv(f"{key}.conv1", f, n, 1) | conv(f"{key}.conv_f", f, f, 1) | conv(f"{key}.conv4", n, f, 1)
    for name in convs:
        shapes |= conv(f"{key}.{name}", f, f)
    return shapes


def separable(key: str, n_out: int, n_in: int) -> Shapes:
    return conv(f"{key}.pw", n_out, n_in, 1, bias=False) | conv(f"{key}.dw", n_out, 1)


def imdn(scale: int) -> Shapes:
    """Zheng222/IMDN, checkpoints/IMDN_x2.pth ..."""
    shapes = conv("fea_conv", 64, 3) | conv("c.0", 64, 384, 1) | conv("LR_conv", 64, 64) | conv("upsampler.0", 3 * scale**2, 64)
    for b in (f"IMDB{i}" for i in range(1, 7)):
        shapes |= conv(f"{b}.c1", 64, 64) | conv(f"{b}.c2", 64, 48) | conv(f"{b}.c3", 64, 48) | conv(f"{b}.c4", 16, 48)
        shapes |= conv(f"{b}.c5", 64, 64, 1) | conv(f"{b}.cca.conv_du.0", 4, 64, 1) | conv(f"{b}.cca.conv_du.2", 64, 4, 1)
    return shapes


def rfdn(scale: int) -> Shapes:
    """njulj/RFDN, trained_model/RFDN_AIM.pth (x4)."""
    shapes = conv("fea_conv", 50, 3) | conv("c.0", 50, 200, 1) | conv("LR_conv", 50, 50) | conv("upsampler.0", 3 * scale**2, 50)
    for b in (f"B{i}" for i in range(1, 5)):
        for i in (1, 2, 3):
            shapes |= conv(f"{b}.c{i}_d", 25, 50, 1) | conv(f"{b}.c{i}_r", 50, 50)
        shapes |= conv(f"{b}.c4", 25, 50) | conv(f"{b}.c5", 50, 100, 1)
        shapes |= esa(f"{b}.esa", 50, 12, ("conv_max", "conv2", "conv3", "conv3_"))
    return shapes


def rlfn(scale: int, n: int = 52, mid: int = 52, n_blocks: int = 6) -> Shapes:
    """bytedance/RLFN, model_zoo/rlfn_x2.pth, rlfn_s_x2.pth, rlfn_ntire_x4.pth ..."""
    shapes = conv("conv_1", n, 3) | conv("conv_2", n, n) | conv("upsampler.0", 3 * scale**2, n)
    for b in (f"block_{i}" for i in range(1, n_blocks + 1)):
        shapes |= conv(f"{b}.c1_r", mid, n) | conv(f"{b}.c2_r", mid, mid) | conv(f"{b}.c3_r", n, mid) | conv(f"{b}.c5", n, n, 1)
        shapes |= esa(f"{b}.esa", n, 16, ("conv2", "conv3"))
    return shapes


def bsrn(scale: int) -> Shapes:
    """xiaom233/BSRN, experiments/pretrained_models/net_g_BSRN_x2.pth ..."""
    shapes = separable("fea_conv", 64, 12) | conv("c1", 64, 512, 1) | separable("c2", 64, 64)
    shapes |= conv("upsampler.upsampleOneStep.0", 3 * scale**2, 64)
    for b in (f"B{i}" for i in range(1, 9)):
        for i in (1, 2, 3):
            shapes |= conv(f"{b}.c{i}_d", 32, 64, 1) | separable(f"{b}.c{i}_r", 64, 64)
        shapes |= separable(f"{b}.c4", 32, 64) | conv(f"{b}.c5", 64, 128, 1) | esa(f"{b}.esa", 64, 16, ())
        for name in ("conv_max", "conv2", "conv3", "conv3_"):
            shapes |= separable(f"{b}.esa.{name}", 16, 16)
        shapes |= conv(f"{b}.cca.conv_du.0", 4, 64, 1) | conv(f"{b}.cca.conv_du.2", 64, 4, 1)
    return shapes


def pan(scale: int) -> Shapes:
    """zhaohengyuan1/PAN, experiments/pretrained_models/PANx2_DF2K.pth ..."""
    shapes = conv("conv_first", 40, 3) | conv("trunk_conv", 40, 40) | conv("conv_last", 3, 24)
    for i in (1, 2) if scale == 4 else (1,):
        shapes |= conv(f"upconv{i}", 24, 40 if i == 1 else 24) | conv(f"att{i}.conv", 24, 24, 1) | conv(f"HRconv{i}", 24, 24)
    for b in (f"SCPA_trunk.{i}" for i in range(16)):
        shapes |= conv(f"{b}.conv1_a", 20, 40, 1, bias=False) | conv(f"{b}.conv1_b", 20, 40, 1, bias=False)
        shapes |= conv(f"{b}.k1.0", 20, 20, bias=False) | conv(f"{b}.PAConv.k2", 20, 20, 1)
        shapes |= conv(f"{b}.PAConv.k3", 20, 20, bias=False) | conv(f"{b}.PAConv.k4", 20, 20, bias=False)
        shapes |= conv(f"{b}.conv3", 40, 40, 1, bias=False)
    return shapes


def carn(groups: int, mobile: bool) -> Shapes:
    """nmhkahn/CARN-pytorch, checkpoint/carn.pth and carn_m.pth."""
    shapes = {f"{k}.shifter.{p}": s for k in ("sub_mean", "add_mean") for p, s in (("weight", (3, 3, 1, 1)), ("bias", (3,)))}
    shapes |= conv("entry", 64, 3) | conv("exit", 3, 64)
    for block in ("", "b1.", "b2.", "b3."):
        for i in (1, 2, 3):
            shapes |= conv(f"{block}c{i}.body.0", 64, 64 * (i + 1), 1)
    for block in ("b1", "b2", "b3"):
        for i in (1,) if mobile else (1, 2, 3):
            shapes |= conv(f"{block}.b{i}.body.0", 64, 64 // groups) | conv(f"{block}.b{i}.body.2", 64, 64 // groups)
            shapes |= conv(f"{block}.b{i}.body.4", 64, 64, 1) if mobile else {}
    for scale, stages in ((2, {0: 4}), (3, {0: 9}), (4, {0: 4, 3: 4})):
        for i, factor in stages.items():
            shapes |= conv(f"upsample.up{scale}.body.{i}", 64 * factor, 64 // groups)
    return shapes


def vapsr(scale: int, n: int = 48, n_blocks: int = 21, groups: int = 1) -> Shapes:
    """zhoumumu/VapSR, vapsr."""
    shapes = conv("conv_first", n, 3) | conv("conv_body", n, n // groups)
    if scale == 4:
        shapes |= conv("upsampler.0", 64, n) | conv("upsampler.3", 12, 16)
    else:
        shapes |= conv("upsampler.0", 56, n) | conv("upsampler.2", 3 * scale**2, 56)
    for b in (f"body.{i}" for i in range(n_blocks)):
        shapes |= conv(f"{b}.proj_1", 64, n, 1) | conv(f"{b}.proj_2", n, 64, 1)
        shapes |= {f"{b}.pixel_norm.weight": (n,), f"{b}.pixel_norm.bias": (n,)} | conv(
            f"{b}.atten_branch.pointwise", 64, 64, 1
        )
        shapes |= conv(f"{b}.atten_branch.depthwise", 64, 1, 5) | conv(f"{b}.atten_branch.depthwise_dilated", 64, 1, 5)
    return shapes


def efdn(scale: int) -> Shapes:
    """NTIRE 2022's model zoo, team01_efdn.pth."""
    shapes = conv("head", 48, 3) | conv("tail.0", 3 * scale**2, 48)
    for i in range(3):
        shapes |= conv(f"local_fuse.{i}", 48, 96, 1)
    for c in (f"cells.{i}" for i in range(4)):
        for name, key, size in (("conv1", "conv1x1", 1), ("conv2", "rep_conv", 3), ("conv3", "rep_conv", 3)):
            shapes |= conv(f"{c}.{name}.{key}", 48, 48, size) | {f"{c}.{name}.act.weight": (48,)}
        for i in range(4):
            shapes |= conv(f"{c}.branch.{i}", 24, 48, 1)
        shapes |= conv(f"{c}.fuse", 48, 96, 1) | esa(f"{c}.att", 48, 12, ("conv_max", "conv2", "conv3", "conv3_"))
    return shapes


def bsrn_small(scale: int) -> Shapes:
    """xiaom233/BSRN, net_g_BSRN-S.pth; NTIRE 2022's model zoo, team18_bsrn.pth."""

    def linear(key: str, n_out: int, n_in: int) -> Shapes:
        return {f"{key}.weight": (n_out, n_in), f"{key}.bias": (n_out,)}

    def pair(key: str, n_out: int, n_in: int) -> Shapes:
        return linear(f"{key}.pw", n_out, n_in) | conv(f"{key}.dw", n_out, 1)

    shapes = pair("fea_conv", 48, 12) | linear("c1", 48, 240) | pair("c2", 48, 48)
    shapes |= conv("upsampler.upsampleOneStep.0", 3 * scale**2, 48)
    for b in (f"B{i}" for i in range(1, 6)):
        for i in (1, 2, 3):
            shapes |= linear(f"{b}.c{i}_d", 24, 48) | pair(f"{b}.c{i}_r", 48, 48)
        shapes |= pair(f"{b}.c4", 24, 48) | linear(f"{b}.c5", 48, 96) | linear(f"{b}.conv_out", 48, 48) | {f"{b}.cw": (1, 48)}
        shapes |= linear(f"{b}.esa.conv1", 12, 48) | linear(f"{b}.esa.conv_f", 12, 12) | linear(f"{b}.esa.conv4", 48, 12)
        shapes |= conv(f"{b}.esa.conv2", 12, 12)
        for name in ("conv_max", "conv3", "conv3_"):
            shapes |= pair(f"{b}.esa.{name}", 12, 12)
    return shapes


def ecbsr(scale: int, n: int, n_blocks: int) -> Shapes:
    """xindongzhang/ECBSR, models/ecbsr.py, which train.py saves."""
    shapes: Shapes = {}
    layers = [(1, n), *[(n, n)] * n_blocks, (n, scale**2)]
    for b, n_in, n_out in ((f"backbone.{i}", *pair) for i, pair in enumerate(layers)):
        shapes |= conv(f"{b}.conv3x3", n_out, n_in) | ({f"{b}.act.weight": (n_out,)} if b[9:] != str(n_blocks + 1) else {})
        shapes |= {f"{b}.conv1x1_3x3.k0": (2 * n_out, n_in, 1, 1), f"{b}.conv1x1_3x3.b0": (2 * n_out,)}
        shapes |= {f"{b}.conv1x1_3x3.k1": (n_out, 2 * n_out, 3, 3), f"{b}.conv1x1_3x3.b1": (n_out,)}
        for edge in (f"{b}.conv1x1_{name}" for name in ("sbx", "sby", "lpl")):
            shapes |= {f"{edge}.k0": (n_out, n_in, 1, 1), f"{edge}.b0": (n_out,), f"{edge}.bias": (n_out,)}
            shapes |= {f"{edge}.scale": (n_out, 1, 1, 1), f"{edge}.mask": (n_out, 1, 3, 3)}
    return shapes


def bicubic_pp() -> Shapes:
    """aselsan-research-imaging-team/bicubic-plusplus, pretrained/bicubic_pp_x3.pth."""
    widths = {"conv0": (32, 3), "conv1": (32, 32), "conv2": (32, 32), "conv_out": (108, 32)}
    return {key: shape for name, width in widths.items() for key, shape in conv(name, *width, bias=False).items()}


RELEASES = [
    ("efdn", 4, {}, efdn(4)),
    ("efdn", 2, {}, efdn(2)),
    ("bsrn_small", 4, {}, bsrn_small(4)),
    ("vapsr", 4, {}, vapsr(4)),
    ("vapsr", 3, {"n_blocks": 20}, vapsr(3, n_blocks=20)),
    ("vapsr_small", 4, {}, vapsr(4, 32, 11, 2)),
    ("ecbsr_m4c8", 2, {}, ecbsr(2, 8, 4)),
    ("ecbsr_m10c32", 4, {}, ecbsr(4, 32, 10)),
    ("bicubic_pp", 3, {}, bicubic_pp()),
    ("imdn", 2, {}, imdn(2)),
    ("imdn", 3, {}, imdn(3)),
    ("rfdn", 4, {}, rfdn(4)),
    ("rlfn", 2, {}, rlfn(2)),
    ("rlfn_small", 4, {}, rlfn(4, 48, 48)),
    ("rlfn_ntire", 4, {}, rlfn(4, 46, 48, 4)),
    ("bsrn", 3, {}, bsrn(3)),
    ("pan", 2, {}, pan(2)),
    ("pan", 4, {}, pan(4)),
    ("carn", 4, {"multi_scale": True}, carn(1, mobile=False)),
    ("carn_m", 2, {"multi_scale": True}, carn(4, mobile=True)),
]


@pytest.mark.parametrize(("name", "scale", "options", "shapes"), RELEASES, ids=[f"{name}_x{s}" for name, s, *_ in RELEASES])
def test_keys_and_shapes(build, name, scale, options, shapes):
    assert {key: tuple(value.shape) for key, value in build(name, scale, **options).state_dict().items()} == shapes


# From the papers' tables; RFDN: NTIRE 2022's report, arXiv:2205.05675; CARN-M: 412K in the paper, 415K in the later release.
@pytest.mark.parametrize(
    ("name", "scale", "published"),
    [
        ("imdn", 2, 694e3),
        ("imdn", 4, 715e3),
        ("rcan", 2, 15.4e6),
        ("rcan", 4, 15.6e6),
        ("rfdn", 4, 433e3),
        ("rlfn", 2, 527e3),
        ("rlfn", 4, 544e3),
        ("rlfn_small", 2, 454e3),
        ("rlfn_ntire", 4, 317e3),
        ("bsrn", 2, 332e3),
        ("bsrn", 4, 352e3),
        ("pan", 2, 261e3),
        ("pan", 4, 272e3),
        ("carn", 4, 1.592e6),
        ("carn_m", 4, 415e3),
        ("efdn", 4, 276e3),
        ("bsrn_small", 4, 156e3),
        ("vapsr", 2, 329e3),
        ("vapsr", 3, 337e3),
        ("vapsr", 4, 342e3),
        ("vapsr_small", 4, 155e3),
        ("swinir", 2, 11.8e6),
        ("swinir_large", 4, 28.0e6),
        ("hat", 4, 20.77e6),
        ("hat_small", 4, 9.62e6),
        ("dat_light", 4, 573e3),
        ("atd", 4, 20.26e6),
        ("atd_light", 4, 769e3),
        ("plksr", 4, 7.39e6),
        ("safmn", 2, 228e3),
        ("safmn", 4, 240e3),
        ("rgt", 4, 13.37e6),
        ("rgt_small", 4, 10.2e6),
        ("drct", 4, 14.13e6),
    ],
)
def test_n_parameters(build, name, scale, published):
    options = {"multi_scale": True} if name.startswith("carn") else {}
    if name == "vapsr" and scale < 4:
        options["n_blocks"] = 20
    assert sum(p.numel() for p in build(name, scale, **options).parameters()) == pytest.approx(published, rel=5e-3)


@pytest.mark.medium
@pytest.mark.parametrize(("scale", "psnr"), [pytest.param(2, 38.00, marks=pytest.mark.slow), (4, 32.21)])
def test_official_imdn_on_set5(build, psnr_on_set5, sr_data, scale, psnr):
    network = build("imdn", scale)
    path = sr_data / "weights" / f"IMDN_x{scale}.pth"
    load_weights(network, checkpoint.weights(checkpoint.read(path)), path)
    assert psnr_on_set5(network) == pytest.approx(psnr, abs=0.02)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_rcan_agrees_with_spandrel(build, scale):
    from spandrel.architectures.RCAN import RCAN

    ours = build("rcan", scale, n_feats=32, n_groups=2, n_blocks=3)
    theirs = RCAN(scale=scale, n_feats=32, n_resgroups=2, n_resblocks=3).eval()
    assert ours.load_state_dict(theirs.state_dict())
    lr = torch.rand(1, 3, 17, 23, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(ours(lr), theirs(lr.clone()), atol=1e-5, rtol=0)  # theirs writes on its input


def test_carn_m_uses_each_residual_block_three_times(build):
    """Recursive blocks (section 3.3): as CARN, had its three blocks the same weights."""
    ours, plain = build("carn_m", 2, groups=1), build("carn", 2)
    for cascade in (ours.b1, ours.b2, ours.b3):
        cascade.b1.body[3], cascade.b1.body[4] = torch.nn.Identity(), torch.nn.Identity()
    state = ours.state_dict()
    shared = {key: value for key, value in state.items() if ".b1." in key}
    state |= {key.replace(".b1.", f".b{i}."): value for key, value in shared.items() for i in (2, 3)}
    plain.load_state_dict(state)
    lr = torch.rand(1, 3, 9, 11, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(ours(lr), plain(lr), atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", ["rfdn", "rlfn"])
def test_releases_on_0_to_255(build, name):
    """The whole network is positively homogeneous in its input's range but for its biases."""
    network, unit = build(name, 2, n_blocks=1), build(name, 2, n_blocks=1, rgb_range=1.0)
    lr = torch.rand(1, 3, 9, 11, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(network(lr) * 255, unit(lr * 255), atol=1e-3, rtol=1e-5)


@pytest.mark.parametrize("name", ["rfdn", "rlfn", "bsrn", "bsrn_small", "efdn"])
def test_images_smaller_than_the_attention_window(build, name):
    assert build(name, 4)(torch.rand(1, 3, 3, 5)).shape == (1, 3, 12, 20)
