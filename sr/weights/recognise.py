"""Recognises the network of a weight file by the names and shapes of its tensors, then checks it on a photograph.

Our checkpoints contain their config and do not need this; it is for released files. Each network in sr/network has a
`release` that says how its files are recognised (sr/network/release.py); spandrel's networks are tried after those.
sr/weights/probe.py finds options that shapes do not tell (input range, dilation, skip).
"""

import copy
import importlib
import pkgutil
from collections.abc import Mapping
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import sr.network
from sr.errors import InputError, first_line
from sr.network.any_scale import AnyScale
from sr.network.inputs import conditions
from sr.say import warn
from sr.weights import probe
from sr.weights.fit import load_weights, named
from sr.weights.probe import Candidate

SCALES = (1, 2, 3, 4, 8)


def recognise(tensors: Mapping[str, Tensor], source: str | Path, scale: int | None = None) -> nn.Module:
    """The network of the tensors, with them loaded; `scale` is needed if they do not tell it.

    Warns if another variant than the released one is used, and if two are about equally good.

    Raises:
        InputError: unknown network, tensors missing or unexpected, a scale that is missing or contradicts the file, no
            variant that enlarges a photograph.
    """
    _, network, said = probe.choose(candidates(tensors, source, scale), source)
    for line in said:
        warn(line)
    return network


def check(network: nn.Module, tensors: Mapping[str, Tensor], source: str | Path) -> None:
    """Refuse released weights that produce noise in the network that the user named; doubtful cases only warn.

    Raises:
        InputError: one line, with the options that the weights need if they are known.
    """
    if needed := conditions(network):
        warn(f"{source}: not tried on a photograph, for {type(network).__name__} takes {', '.join(needed)} as well")
        return
    result = probe.probe(network)
    probe.check_finite(result, source)
    if result.share >= probe.NOISE:
        probe.check_range(network, result, source)
        for line in probe.doubt(result, source):
            warn(line)
        return
    kind = type(network).__name__
    line = f"{source}: has the tensors of {kind}, but does not enlarge a photograph with the options of network=..."
    try:
        found, _, _ = probe.choose(candidates(tensors, source, network.scale), source)
    except InputError:  # unknown, or no known variant enlarges it either
        raise InputError(line) from None
    options = f"pass {found.words('++network.', ' ')}, or " if found.name == kind and found.options else ""
    raise InputError(f"{line}: {options}remove network=..., to read it as {found}")


def candidates(tensors: Mapping[str, Tensor], source: str | Path, scale: int | None = None) -> list[list[Candidate]]:
    """The candidates for the tensors, in tiers as `probe.choose` tries them. Raises as `recognise` does, except for the
    probe."""
    near: list[tuple[int, InputError]] = []  # families that match some keys: number of differing tensors, and the message
    found: list[list[Candidate]] = [[], []]
    stored = tensors
    for family in families():
        tensors = named(family, stored)
        shapes = {key: tuple(value.shape) for key, value in tensors.items()}
        if not all(key in shapes for key in family.release.keys):
            continue
        name = family.__name__
        try:
            options = family.release.options(shapes)
            known = "scale" in options or family.release.part
            match = options if known else {**options, "scale": scale or _scales(family, options)[0]}
            own = _shapes(family, match)
        except KeyError as error:
            near.append((len(shapes), InputError(f"{source}: looks like {name}, but has no tensor {error}")))
            continue
        except (InputError, IndexError, TypeError, ZeroDivisionError, RuntimeError) as error:  # impossible shapes
            near.append((len(shapes), InputError(f"{source}: looks like {name}, but {first_line(error, 120)}")))
            continue
        if (part := family.release.part) and shapes.items() <= own.items():
            raise InputError(
                f"{source}: is {name}, a part of other networks that enlarges nothing by itself: pass "
                f"init_parts.{part}={source} with a network that has it"
            )
        if own != shapes:
            near.append((len(own.items() ^ shapes.items()), _misfit(family, match, tensors, source)))
            continue
        passed = None if "scale" in options else scale
        options = {**options, "scale": _agree(options.get("scale"), scale, family, options, source)}
        for tier, variants in zip(found, (family.release.variants, family.release.rare), strict=True):
            tier += [
                _candidate(family, options, variant, tensors, source, passed)
                for variant in variants
                if not variant or any(options.get(key) != value for key, value in variant.items())
            ]
    tensors = stored
    if found[0]:
        return found
    try:
        spandrels = _from_spandrel(tensors, source, scale)
    except InputError:
        if not near:
            raise
        spandrels = None
    if spandrels is not None:
        return spandrels
    if near:
        raise min(near, key=lambda one: one[0])[1]
    some = ", ".join(list(tensors)[:3]) or "none"
    raise InputError(
        f"{source}: no known network has these keys ({some}, ...); for an architecture of your own, pass network=NAME "
        "scale=N; to add one, see CONTRIBUTING.md"
    )


@cache
def families() -> tuple[type[nn.Module], ...]:
    """The classes of sr/network that have a `release`, by module name."""
    modules = (importlib.import_module(f"sr.network.{module.name}") for module in pkgutil.iter_modules(sr.network.__path__))
    return tuple(
        found
        for module in modules
        for found in vars(module).values()
        if isinstance(found, type) and found.__module__ == module.__name__ and "release" in vars(found)
    )


def _candidate(
    family: type[nn.Module],
    options: Mapping[str, Any],
    variant: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    source: str | Path,
    passed: int | None,
) -> Candidate:
    def build(scale: int | None = None) -> nn.Module:
        network = family(**{**options, **variant, "scale": scale or options["scale"]})
        load_weights(network, tensors, source)
        return network

    others = {}
    if passed and family.release.one_scale:
        shapes = {key: tuple(value.shape) for key, value in tensors.items()}
        others = {other: partial(build, other) for other in _scales(family, _without_scale(options))}
        others = {
            other: made
            for other, made in others.items()
            if other != passed and _shapes(family, {**options, **variant, "scale": other}) == shapes
        }
    return Candidate(family.__name__, build, variant, passed, others)


def _without_scale(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key != "scale"}


def _shapes(family: type[nn.Module], options: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The shapes of all tensors that the network has with these options."""
    with torch.device("meta"):
        return {key: tuple(value.shape) for key, value in family(**options).state_dict().items()}


def _misfit(
    family: type[nn.Module], options: Mapping[str, Any], tensors: Mapping[str, Tensor], source: str | Path
) -> InputError:
    try:
        load_weights(family(**options), tensors, source)
    except InputError as error:
        return error
    raise AssertionError(f"{family.__name__} takes the tensors of {source}, whose shapes are other ones")


def _scales(family: type[nn.Module], options: Mapping[str, Any]) -> list[int]:
    """The scales that the network supports."""
    found = []
    for scale in SCALES:
        with suppress(InputError), torch.device("meta"):
            family(**options, scale=scale)
            found.append(scale)
    return found


def _agree(
    found: int | None, passed: int | None, family: type[nn.Module], options: Mapping[str, Any], source: str | Path
) -> int:
    if issubclass(family, AnyScale):  # `passed` is that of a result
        return found
    if found is None and passed is None:
        *others, last = map(str, _scales(family, options))
        choices = f"{', '.join(others)} or {last}" if others else last
        raise InputError(f"{source}: {family.__name__} weights do not store their scale: pass scale={choices}")
    if None not in (found, passed) and found != passed:
        raise InputError(f"scale={passed}, but {source} is for scale {found}")
    return found or passed


def _from_spandrel(tensors: Mapping[str, Tensor], source: str | Path, scale: int | None) -> list[list[Candidate]] | None:
    """Tiers of one of spandrel's networks and its variants; None if it knows none with these keys."""
    from spandrel import MAIN_REGISTRY, UnsupportedModelError

    from sr.network.spandrel import adapt, unmerged, variants

    try:
        found = MAIN_REGISTRY.load(unmerged(tensors))  # a copy: it renames keys
    except UnsupportedModelError:
        return None
    except Exception as error:  # its loaders guess from shapes and fail in many ways
        raise InputError(f"{source}: looks like one of spandrel's networks, but {first_line(error, 120)}") from None
    name = type(found.model).__name__
    if (found.input_channels, found.output_channels) != (3, 3):
        raise InputError(f"{source}: {name} from {found.input_channels} to {found.output_channels} channels; expected RGB")
    if scale not in (None, found.scale):
        raise InputError(f"scale={scale}, but {source} is for scale {found.scale}")
    network = adapt(found.model, found.scale, found.size_requirements.multiple_of)

    def varied(attributes: Mapping[str, Any]) -> nn.Module:
        changed = copy.deepcopy(network)
        for name, value in attributes.items():
            setattr(changed, name, value)
        return changed

    rare = [Candidate(name, partial(varied, attributes), options) for options, attributes in variants(network)]
    return [[Candidate(name, lambda: network)], rare]
