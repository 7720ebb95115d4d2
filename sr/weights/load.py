"""Loads a network from a file: builds it from the config of our checkpoints, or recognises released weights."""

from collections.abc import Collection, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sr.backend.files import facts, is_exported, opened
from sr.errors import InputError
from sr.network.reparameterised import deployed
from sr.say import warn
from sr.weights import contract, probe
from sr.weights.checkpoint import Source, about, first, stored_weights
from sr.weights.fit import load_weights
from sr.weights.rebuild import build_network
from sr.weights.same_options import differing


def load(
    path: Source,
    device: str | torch.device = "cpu",
    alpha: float | None = None,
    scale: int | None = None,
    trusted: Collection[str] = (),
) -> nn.Module:
    """The network in a checkpoint of ours or in a released file, in eval mode; it has `scale` and `multiple_of`.

    Uses averaged weights (EMA) if the run kept them; merges re-parameterised blocks (sr/network/reparameterised.py). For two
    checkpoints see `stored_weights`. A released file is recognised by its keys, and needs `scale` if they do not tell it
    (FSRCNN, VDSR, PAN at x2 and x3). A class from outside this project is built only if `trusted` names it, its module or its
    package: ["mypackage.net.MyNet"]. An exported file (.onnx, .xml) is run by ONNX Runtime or OpenVINO, on the CPU.

    Raises:
        MissingError, InputError: one line that names the file (truncated, foreign, pickled code, unknown network).
    """
    if is_exported(path):
        return _tried(opened(path), path)
    tensors, source, path = stored_weights(path, alpha), path, first(path)
    run = about(path).get("sr", {})
    if "network" in run:
        network = build_network(run["network"], path, trusted)
        contract.defaults(network, run.get("config", {}).get("scale"))
        load_weights(network, tensors, path)
        _check_second(source, network, run["network"])
    else:
        from sr.weights.recognise import recognise  # imported here: it imports every network

        network = recognise(tensors, path, scale)
    return deployed(network.to(device).eval())


def _tried(network: nn.Module, path: str | Path) -> nn.Module:
    """The network in an exported file. That of another program enlarges a photograph first: nothing says its range of values.

    Raises:
        InputError, NotFiniteError: it does not, as [0, 1], enlarge it.
    """
    if facts(path) is not None or network.channels != 3:
        return network
    result = probe.probe(network)
    probe.check_finite(result, path)
    if result.share < 1:
        probe.check_range(network, result, path)
    if result.share < probe.NOISE:
        raise InputError(
            f"{path}: does not enlarge a photograph ({probe.figures(result)}): expected RGB in [0, 1], and as result the whole "
            "image in [0, 1]"
        )
    for line in probe.doubt(result, path):
        warn(line)
    return network


def _check_second(source: Source, network: nn.Module, config: Mapping[str, Any]) -> None:
    """Check that the second of two files has weights of the same network, also in options that no tensor shows.

    Raises:
        InputError: it does not, so they cannot be interpolated.
    """
    if isinstance(source, str | Path):
        return
    from sr.weights.recognise import check  # imported here: it imports every network

    ours, theirs = source
    if others := differing(config, theirs):
        raise InputError(f"{ours} and {theirs} contain different networks, which cannot be interpolated: {', '.join(others)}")
    if not about(theirs):
        tensors, network = stored_weights(theirs), deepcopy(network)
        load_weights(network, tensors, theirs)
        check(network, tensors, theirs)
