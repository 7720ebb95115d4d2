"""Options of int8: the node `int8` of conf/export.yaml."""

from collections.abc import Sequence
from dataclasses import dataclass

from sr.errors import InputError
from sr.export.calibrate import METHODS


@dataclass(frozen=True)
class Int8:
    """How a network is quantised to 8 bits.

    Args:
        loss: estimated dB of PSNR on held-out patches up to which further layers become 8-bit. Photographs with less texture
            lose several times as much: Set5 more than BSDS500.
        largest_loss: dB above which no file is written.
        float_layers: names of the convolutions that stay in float; None: chosen by their measured loss.
        calibration: how the range of a feature map is found: minmax, percentile or mse.
        correct_bias: whether biases take back the mean error of rounded weights.
        reduce_range: 7 bits for weights, for CPUs without VNNI instructions.
        outputs: whether what leaves a convolution is 8-bit too; None: for ONNX, whose runtime needs it, not for OpenVINO.
        patches, patch_size: number of calibration patches, and their side in LR pixels.
        held_out: number of images held out; one patch of twice the side of each.
        seed: of the choice of images and patches.

    Raises:
        InputError: one that is out of range, by its name.
    """

    loss: float = 0.03
    largest_loss: float = 1.0
    float_layers: Sequence[str] | None = None
    calibration: str = "minmax"
    correct_bias: bool = True
    reduce_range: bool = True
    outputs: bool | None = None
    patches: int = 64
    patch_size: int = 48
    held_out: int = 12
    seed: int = 0

    def __post_init__(self) -> None:
        if self.calibration not in METHODS:
            raise InputError(f"int8.calibration={self.calibration}: choose one of {', '.join(METHODS)}")
        for name, least in (("patches", 1), ("patch_size", 16), ("held_out", 1), ("seed", 0)):
            if type(value := getattr(self, name)) is not int or value < least:
                raise InputError(f"int8.{name}={value}: choose a whole number, {least} or more")
        for name in ("loss", "largest_loss"):
            if type(value := getattr(self, name)) not in (int, float) or not value >= 0:
                raise InputError(f"int8.{name}={value}: choose a number of dB, 0 or more")
        for name, allowed in (
            ("correct_bias", (True, False)),
            ("reduce_range", (True, False)),
            ("outputs", (True, False, None)),
        ):
            if (value := getattr(self, name)) not in allowed or type(value) is int:
                raise InputError(f"int8.{name}={value}: choose true or false")
        if isinstance(self.float_layers, str):
            raise InputError(f"int8.float_layers={self.float_layers}: pass a list, such as [{self.float_layers}]")
