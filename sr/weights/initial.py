"""`init_from`: the initial weights of a training run, as many tensors of a file as fit.

The networks of two scales differ only in their upsamplers, and papers train x4 from x2's weights. So tensors that fit are
loaded, and one line reports the others. test.py and predict.py never load a file partially.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from torch import Tensor, nn

from sr.errors import InputError
from sr.network.spandrel import unmerged
from sr.weights import checkpoint, recognise
from sr.weights.fit import difference, named

ENOUGH = 0.1  # fraction of a network's parameters; a file with less is for another network


def load_network(network: nn.Module, source: str | Path) -> str | None:
    """Load the tensors of a file that fit into the network; returns a line about the rest, or None if all were loaded.

    Raises:
        InputError: less than a tenth of the network is in the file; or a released file fits completely, but its output is
            noise.
    """
    tensors = named(type(network), unmerged(checkpoint.stored_weights(source)))
    own = network.state_dict()
    fits = {key: tensors[key] for key in own.keys() & tensors.keys() if own[key].shape == tensors[key].shape}
    if len(fits) == len(own) == len(tensors):
        network.load_state_dict(fits)
        if not checkpoint.about(source):
            recognise.check(network, tensors, source)
        return None
    share = _count(fits) / max(_count(own), 1)
    if share < ENOUGH:
        raise InputError(
            f"init_from={source}: it does not fit this network ({share:.0%} of its values): {difference(network, tensors)}"
        )
    network.load_state_dict(fits, strict=False)
    fresh, unused = sorted(own.keys() - fits.keys()), sorted(tensors.keys() - fits.keys())
    parts = [f"{len(fits)} of the network's {len(own)} tensors are loaded ({share:.0%} of its values)"]
    parts += [f"{len(fresh)} keep their random initial values ({_some(fresh)})"] if fresh else []
    parts += [f"{len(unused)} tensors of the file are not used ({_some(unused)})"] if unused else []
    return f"init_from={source}: {'; '.join(parts)}"


def load_network_part(network: nn.Module, name: str, source: str | Path) -> str:
    """Load a part of a network, such as the optical flow of BasicVSR, from its own file or from one of a network that has it.

    Buffers may be missing in the file; other tensors of it are not used.

    Returns:
        A line about it.

    Raises:
        InputError: the network has no such part; the file lacks some of its parameters.
    """
    key = f"init_parts.{name}={source}"
    try:
        part = network.get_submodule(name)
    except AttributeError:
        names = ", ".join(child for child, _ in network.named_children())
        raise InputError(f"{key}: {type(network).__name__} has no part {name}; it has {names}") from None
    stored = checkpoint.stored_weights(source)
    short = name.rpartition(".")[2]
    inside = {found[2]: value for file, value in stored.items() if (found := file.partition(f"{short}."))[1]}
    own = part.state_dict()
    for tensors in (named(type(part), stored), named(type(part), inside)):
        fits = {one: tensors[one] for one in own.keys() & tensors.keys() if own[one].shape == tensors[one].shape}
        if all(one in fits for one, _ in part.named_parameters()):
            part.load_state_dict(fits, strict=False)
            return f"{key}: {len(fits)} tensors are loaded"
    raise InputError(f"{key}: {difference(part, named(type(part), stored))}")


def load_part(part: nn.Module, name: str, source: str | Path, config: Mapping[str, Any]) -> str | None:
    """Load a further part, such as the discriminator, of a checkpoint of ours if its config is the same.

    Args:
        name: of the part in the config and in the checkpoint.
        config: the part's, with all values filled in.

    Returns:
        A line about it, or None if the checkpoint has none.
    """
    content = checkpoint.read(source, mapped=True) if checkpoint.about(source) else {}
    prefix = f"{name}."
    stored = {key.removeprefix(prefix): value for key, value in content.get("state_dict", {}).items() if key.startswith(prefix)}
    if not stored:
        return None
    own = {key: value.shape for key, value in part.state_dict().items()}
    same = own == {key: value.shape for key, value in stored.items()}
    if not same or _config(content["sr"].get("config", {}), name) not in (None, dict(config)):
        return f"init_from={source}: its {name} differs from {name}=... and is not loaded"
    part.load_state_dict(stored)
    return f"init_from={source}: its {name} is loaded too"


def _config(run: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """The stored run's part with all values filled in; None where they cannot be."""
    try:
        return OmegaConf.to_container(OmegaConf.create(dict(run))[name], resolve=True)
    except OmegaConfBaseException:
        return None


def _count(tensors: Mapping[str, Tensor]) -> int:
    return sum(value.numel() for value in tensors.values())


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
