"""A trained network as a fixed part of another training run: a teacher, a degradation, a feature extractor."""

from torch import nn

from sr.weights.load import load


def frozen(source: str, scale: int | None = None) -> nn.Module:
    """The network in a checkpoint of ours or in a released file, in eval mode, without gradients for its weights.

    A config names it as a part of a LightningModule: `teacher: {_target_: sr.weights.frozen.frozen, source: FILE}`.

    Args:
        source: the file.
        scale: for a released file that does not store it.

    Raises:
        MissingError, InputError: one line that names the file.
    """
    return load(source, scale=scale).requires_grad_(False)
