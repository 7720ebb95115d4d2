"""The lines of sr/network/capabilities.yaml, against networks that are tried again; and what is refused because of them."""

from dataclasses import asdict

import pytest
import torch

import capabilities as bench
from sr.device import capability
from sr.export.verify import LIMITS
from sr.infer.upscaler import upscale
from tests.network.small import BURSTS, CLIPS, NAMES

STORED = capability.lines()


def test_every_line_is_of_a_network():
    # A new one, not measured yet, trains and evaluates in float32.
    assert set(STORED) <= {*NAMES, *CLIPS, *BURSTS} and len(STORED) > 50


@pytest.mark.parametrize("name", ["compact_light", "fsrcnn", "rrn_light", "safmn"])
def test_a_line(name):
    check(name)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", sorted(STORED))
def test_every_line(name):
    check(name)


def check(name):
    """Measured again, on whatever machine this is: the same, and errors of rounding of the same size."""
    stored, again = asdict(STORED[name]), bench.measure(name)
    for key in ("bfloat16", "float16", "channels_last"):
        was, now = stored.pop(key), again.pop(key)
        assert (was is None) == (now is None)
        assert was is None or now == pytest.approx(was, rel=1.0, abs=2e-4)  # another machine sums in another order
    for key in ("compile", "export"):
        del stored[key], again[key]
    assert stored == again


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", sorted({line.kind: name for name, line in reversed(STORED.items())}.values()))
def test_compile(name):
    if STORED[name].compile is None:
        pytest.skip("not tried yet: bench/capabilities.py --compile")
    assert bench.compiled(bench.network(name, n_blocks=1)) == pytest.approx(STORED[name].compile, abs=1e-4)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", sorted(STORED))
def test_export(name):
    """The same networks can be exported, with differences of rounding; or fail for the same reason."""
    if STORED[name].export is None:
        pytest.skip("not tried yet: bench/capabilities.py --export")
    if "takes more than" in str(STORED[name].export):
        pytest.skip("depends on the machine")
    found = bench.exported(name)
    if isinstance(found, str):
        assert found == STORED[name].export
    else:
        assert found < LIMITS["32"] and STORED[name].export < LIMITS["32"]


@pytest.mark.parametrize("name", ["compact", "edsr_baseline", "fsrcnn", "pan", "srresnet", "swinir_light"])
def test_tiles_with_an_overlap_of_four_times_the_reach_are_exact(name):
    network, lr = bench.network(name, n_blocks=1), bench.photo(112)[..., :24, :]
    overlap = 4 * bench.reach(network)
    whole = upscale(network, lr)
    torch.testing.assert_close(upscale(network, lr, tile=overlap + 8, overlap=overlap), whole, atol=2e-5, rtol=1e-4)
    assert (upscale(network, lr, tile=24, overlap=0) - whole).abs().max() > 1e-4


@pytest.mark.parametrize("name", ["imdn", "omnisr", "rcan"])
def test_pooling_over_the_image_has_no_reach(name):
    assert bench.reach(bench.network(name, n_blocks=1)) is None


def test_a_network_finds_its_own_line():
    for name in ("rrdb_light", "swinir_light", "span"):
        assert capability.of(bench.network(name)) == STORED[name]
    assert capability.of(torch.nn.Conv2d(3, 3, 3)) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"float16": None}, "precision=16: IMDN gives no finite image in float16; choose precision=bf16"),
        ({"float16": 0.25, "bfloat16": 0.3}, "precision=16: IMDN is off by 25% in float16; choose precision=32"),
    ],
)
def test_broken_half_precision_is_refused(monkeypatch, change, message):
    line = capability.Capability(**{**asdict(STORED["imdn"]), **change})
    network = bench.network("imdn")
    capability.check_precision(network, "16")
    monkeypatch.setattr(capability, "lines", lambda: {"imdn": line})
    capability.check_precision(network, "32")
    with pytest.raises(ValueError) as error:
        capability.check_precision(network, "16")
    assert str(error.value) == message


@pytest.mark.medium
def test_float16_that_overflows_is_found():
    """The measure itself: features beyond float16's largest number, 65504."""
    network = bench.network("edsr_baseline")
    with torch.no_grad():
        network.body[0].body[0].weight.mul_(1e8)
    assert bench.half(network, torch.float16) is None
    assert bench.half(network, torch.bfloat16) is not None


@pytest.mark.parametrize(
    "name, device, expected",
    [
        ("compact_light", "cpu", ("32", "on the device cpu")),
        ("compact_light", "cuda", ("16", "measured to be off by 0.00%")),
        ("imdn", "cuda", ("16", "measured to be off by 0.05%")),
    ],
)
def test_what_predicts_precision_is_by_itself(name, device, expected):
    with torch.device("meta"):
        network = bench.network(name)
    assert capability.automatic(network, device) == expected


def test_a_network_that_was_not_measured_is_predicted_in_float32():
    assert capability.automatic(torch.nn.Conv2d(3, 3, 1), "cuda") == ("32", "Conv2d was never measured in half precision")
