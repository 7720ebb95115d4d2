"""What a result records of its metrics, and that unlike records are told apart."""

import hashlib

import scipy.io
import torch
from torch import nn

from sr.metric.niqe import MODEL, NIQE
from sr.metric.psnr import PSNR
from sr.metric.record import different, record, records, repeated, sha256
from sr.metric.ssim import SSIM
from sr.view.line import metrics_line


def test_a_metric_without_weights():
    assert record(PSNR(crop_border=4)) == {
        "class": "sr.metric.psnr.PSNR",
        "version": 1,
        "library": None,
        "weights": None,
        "crop_border": 4,
        "channel": "y",
        "luma": True,
        "levels": 255,
        "seed": None,
        "unit": None,
        "higher_is_better": True,
    }


def test_the_hash_is_of_the_learned_values():
    mean, covariance = (scipy.io.loadmat(MODEL)[key] for key in ("mu_prisparam", "cov_prisparam"))
    expected = hashlib.sha256()
    for name, array in (("covariance", covariance), ("mean", mean)):
        expected.update(f"{name} {array.shape} torch.float64\n".encode() + array.astype("<f8").tobytes("C"))
    assert record(NIQE(crop_border=2))["weights"] == expected.hexdigest()


def test_other_weights_border_or_version_is_another_record():
    ours, other = NIQE(crop_border=2), NIQE(crop_border=2)
    assert different(record(ours), record(other)) == []
    other.model = (other.model[0] + 1e-9, other.model[1])
    other.version = 2
    assert different(record(ours), record(other)) == ["version", "weights"]
    assert different(record(PSNR(crop_border=2)), record(PSNR(crop_border=0))) == ["crop_border"]


def test_order_and_device_layout_do_not_change_a_hash():
    a, b = torch.rand(3, 4), torch.arange(5)
    assert sha256({"a": a, "b": b}) == sha256({"b": b, "a": a.T.contiguous().T})
    assert sha256({"a": a}) != sha256({"a": a.T}) and sha256({"a": a}) != sha256({"b": a})
    assert len(sha256({"scalar": torch.tensor(1.0), "none": torch.zeros(0)})) == 64


def test_a_foreign_metric_has_its_class_and_weights():
    one = record(nn.Linear(2, 2))
    assert one["class"] == "torch.nn.modules.linear.Linear" and len(one["weights"]) == 64 and one["version"] is None


def test_the_line_below_a_table():
    known = records({"psnr": PSNR(crop_border=4), "niqe": NIQE(crop_border=4, channel="gray")})
    shown = known["niqe"]["weights"][:12]
    assert metrics_line(known) == f"Measured: psnr (version 1, y, border 4); niqe (version 1, gray, border 4, weights {shown})"
    assert metrics_line({}) == ""


def test_without_luma_no_channel_is_said_and_rgb_repeats_y():
    def both(**options: object) -> dict[str, nn.Module]:
        made = {"psnr": PSNR, "ssim": SSIM, "psnr_rgb": PSNR, "ssim_rgb": SSIM}
        return {key: kind(crop_border=2, channel="rgb" if "rgb" in key else "y", **options) for key, kind in made.items()}

    gray = both(luma=False)
    assert metrics_line(records({"psnr": gray["psnr"]})) == "Measured: psnr (version 1, border 2)"
    assert repeated(gray) == {"psnr_rgb": "psnr", "ssim_rgb": "ssim"} and repeated(both()) == {}
    assert repeated({"psnr_rgb": gray["psnr_rgb"], "other": PSNR(crop_border=0, luma=False)}) == {}
