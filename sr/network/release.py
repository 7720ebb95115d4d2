"""How the released weights of a network are recognised: its class attribute `release`."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sr.errors import InputError

Shapes = Mapping[str, tuple[int, ...]]
Options = Mapping[str, Any]


@dataclass(frozen=True)
class Release:
    """What the names and shapes of a file's tensors tell about the network, and what they do not.

    Args:
        keys: tensors that every file of the family has. They only select the families to try: a file belongs to a family if
            it has exactly its tensors.
        options: shapes of a file -> options of the class. "scale" is missing if the shapes do not tell it. May raise
            KeyError for a missing tensor, and InputError for an impossible shape.
        variants: options that no name and no shape tells (pixel range, dilation, skip), in addition to `options`. The first
            is the authors' own. All are tried on a photograph (sr/weights/probe.py).
        rare: further variants. All are tried if none of the first is as good as bicubic; otherwise, for small networks, those
            that extend the options of the best: an unknown dilation costs half a dB and causes no noise.
        one_scale: a file has one scale, although its shapes fit several: the scale that was passed is compared with the
            others.
        names: (pattern, replacement) for the keys of other files of the same network.
        part: for a network that only serves others, its name in them: `init_parts.NAME=FILE` loads its file.
    """

    keys: tuple[str, ...]
    options: Callable[[Shapes], dict[str, Any]]
    variants: Sequence[Options] = ({},)
    rare: Sequence[Options] = ()
    one_scale: bool = False
    names: Sequence[tuple[str, str]] = ()
    part: str | None = None

    def renamed(self, keys: Iterable[str]) -> dict[str, str]:
        """Each key of a file -> the name of the same tensor in the class."""
        found = {}
        for key in keys:
            found[key] = key
            for pattern, name in self.names:
                found[key] = re.sub(pattern, name, found[key])
        return found


def count(shapes: Shapes, pattern: str) -> int:
    """Number of different numbers at the place of (\\d+): `body.(\\d+)\\.weight`."""
    return len({match[1] for key in shapes if (match := re.match(pattern, key))})


def root(n_out: int, channels: int = 3) -> int:
    """Scale of one pixel shuffle to `channels`. InputError: not a square."""
    scale = math.isqrt(n_out // channels)
    if scale**2 * channels != n_out:
        raise InputError(f"{n_out} channels before the pixel shuffle are not {channels} times a square")
    return scale


def shuffled(shapes: Shapes, pattern: str) -> int:
    """Scale of several pixel shuffles: the product of the roots of outputs over inputs."""
    return math.prod(root(shape[0], shape[1]) for key, shape in shapes.items() if re.fullmatch(pattern, key))


def direct(first: str, blocks: str, last: str = "upsampler.0.weight") -> Callable[[Shapes], dict[str, Any]]:
    """Options of numbered blocks with one pixel shuffle at the end: IMDN, RFDN, RLFN, BSRN."""
    return lambda shapes: {
        "scale": root(shapes[last][0]),
        "n_feats": shapes[first][0],
        "n_blocks": count(shapes, blocks),
    }
