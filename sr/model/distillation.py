"""Distillation: a network, the student, also learns from trained ones, its teachers.

Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network, 2015, arXiv:1503.02531; for super-resolution: He, Dai, Lu,
Jiang, Xia: FAKD, 2020 (ICIP), whose loss is that of the terms `hr`, `output` and `features`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sr.errors import InputError
from sr.functional.affinity import affinity_distance
from sr.functional.axes import is_volume, layout
from sr.functional.color import rgb_to_y
from sr.functional.frames import is_burst, is_clip
from sr.model.base import SRModule
from sr.model.captured import captured, check_parts
from sr.model.compared import frames
from sr.model.enlarge import Enlarger
from sr.model.frozen_files import Files, OfFiles
from sr.model.gan import GAN
from sr.model.regression import Regression
from sr.network.inputs import fits, further, takes_size, warn_outside
from sr.say import warn
from sr.weights.frozen import frozen

WEIGHTS = {"hr": 1.0, "output": 1.0, "features": 1.0, "perceptual": 0.0}
PERCEPTUAL = "perceptual"  # the name of that loss in the config group


class Distilled(OfFiles, SRModule):
    """What a module adds to its training step to learn from teachers, whatever network it trains and with which losses.

    Teachers enlarge the training LR as they enlarge images in a test: in float32, in eval mode, padded to their `multiple_of`.
    They are not part of the module's weights: a checkpoint has their paths and hashes, and a run that goes on loads them again.

    Args:
        teacher: a checkpoint of ours, a released or an exported file; or several, whose mean SR is the target.
        weights: factors of the terms. `hr`: the run's losses against HR; `output`: the L1 distance to the teacher's SR;
            `features`: that of the affinities (sr/functional/affinity.py) of the named `features`; `perceptual`: the run's
            perceptual loss against the teacher's SR. Terms that are not named have the defaults (WEIGHTS).
        features: part of the student -> part of each teacher whose outputs are compared, such as {body.12: body.8}. Both have
            the same height and width; the numbers of channels may differ.
        module: arguments of the module that trains.

    Raises:
        InputError: a teacher of another scale, or for other images; an unknown term or part.
    """

    def __init__(
        self,
        *,
        teacher: str | Sequence[str],
        weights: Mapping[str, float] | None = None,
        features: Mapping[str, str] | None = None,
        **module: Any,
    ) -> None:
        super().__init__(**module)
        self.weights, self.features = {**WEIGHTS, **(weights or {})}, dict(features or {})
        files = [teacher] if isinstance(teacher, str) else list(teacher)
        if not files:
            raise InputError("model.teacher is empty: pass model.teacher=FILE, or a list of files")
        self._check_terms()
        # In a tuple, not sub-modules: no checkpoint keeps them, no precision or strategy of the trainer changes them.
        self._teachers = tuple(frozen(file, self.network.scale) for file in files)
        self._files = Files("model.teacher", files)
        self._enlarged = Enlarger()
        for file, one in zip(files, self._teachers, strict=True):
            _check_teacher(file, one, self.network)
            check_parts(one, self.features.values(), f"model.features, of {file}")
            one.to(memory_format=layout(one))

    def _check_terms(self) -> None:
        """Refuse terms that do not exist or cannot be computed."""
        if unknown := sorted(self.weights.keys() - WEIGHTS.keys()):
            raise InputError(f"model.weights.{unknown[0]}: no such term; there are {', '.join(WEIGHTS)}")
        if wrong := [name for name, weight in self.weights.items() if not 0 <= weight < float("inf")]:
            raise InputError(f"model.weights.{wrong[0]}={self.weights[wrong[0]]}: pass a number from 0 up")
        if self.weights["perceptual"] and PERCEPTUAL not in self.loss.losses:
            raise InputError("model.weights.perceptual needs a perceptual loss: pass loss=[l1,perceptual], or the weight 0")
        if not (self.weights["output"] or self.weights["perceptual"] or (self.features and self.weights["features"])):
            raise InputError("model.weights: no term uses the teacher; pass model.weights.output=1")
        if self.features and self._how:
            raise InputError("model.features cannot be read from a compiled network: pass model.compile=false, or features={}")
        if takes_size(self.network):
            raise InputError(f"{type(self.network).__name__} is for any scale: distillation needs a network of one scale")
        check_parts(self.network, self.features, "model.features")

    @property
    def wanted(self) -> list[str]:
        return [*super().wanted, *(name for teacher in self._teachers for name in further(teacher))]

    def on_fit_start(self) -> None:
        super().on_fit_start()
        for teacher in self._teachers:
            teacher.to(self.device)

    def compared(
        self, lr: Tensor, others: Mapping[str, Any], hr: Tensor, batch: Mapping[str, Any]
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        with captured(self.network, self.features) as ours:
            sr, loss, parts = super().compared(lr, others, hr, batch)
        terms: dict[str, Tensor] = {}
        made, distances = [], []
        for teacher in self._teachers:
            low, known = self.inputs(batch, teacher)
            with captured(teacher, self.features.values()) as theirs:
                made.append(self._enlarged(teacher, low, "the teacher's patches", known))
            distances += [_distance(name, ours[name], other, theirs[other]) for name, other in self.features.items()]
        target = self._target(torch.stack(made).mean(0), hr, batch)
        terms["output"] = (sr.float() - target).abs().mean()
        if distances:
            terms["features"] = torch.stack(distances).mean()
        if self.weights["perceptual"]:
            terms["perceptual"] = self.loss.losses[PERCEPTUAL](sr, target)
        total = self.weights["hr"] * loss + sum(self.weights[name] * term for name, term in terms.items())
        return sr, total, parts | {f"teacher_{name}": term.detach() for name, term in terms.items()}

    def _target(self, target: Tensor, hr: Tensor, batch: Mapping[str, Any]) -> Tensor:
        """The teachers' SR as losses see it: luma if they see that alone; of clips the frames; HR where HR has no data."""
        if getattr(self, "channel", "rgb") == "y" and target.shape[-3] != hr.shape[-3]:  # as Regression makes it of LR and HR
            target = rgb_to_y(target)
        return frames(self.network, self.learned(target, hr, batch))


class Distillation(Distilled, Regression):
    """Regression with teachers: arguments of Distilled and Regression."""


class DistillationGAN(Distilled, GAN):
    """Adversarial training with teachers: arguments of Distilled and GAN. Real images are HR."""


def _check_teacher(file: str, teacher: nn.Module, student: nn.Module) -> None:
    """Refuse a teacher that cannot enlarge the student's LR; say it if it is the student itself."""
    what = f"model.teacher={file}: {type(teacher).__name__}"
    if takes_size(teacher):
        warn_outside(teacher, student.scale)
    elif teacher.scale != student.scale:
        raise InputError(f"{what} is for scale {teacher.scale}, but the run has scale={student.scale}")
    if teacher.channels != student.channels:
        raise InputError(f"{what} is for {teacher.channels} channels, but the network for {student.channels}")
    if is_volume(teacher) != is_volume(student) or is_burst(teacher) > is_burst(student) or is_clip(teacher) > is_clip(student):
        raise InputError(f"{what} is for other images than {type(student).__name__}: clips, bursts or volumes")
    if fits(teacher):
        raise InputError(f"{what} trains on each image: it can teach only from images that it has enlarged")
    ours, theirs = student.state_dict(), teacher.state_dict()
    if ours and ours.keys() == theirs.keys() and all(torch.equal(value.cpu(), theirs[key]) for key, value in ours.items()):
        warn(f"{what} has the weights that the network starts from: it teaches the network to stay as it is")


def _distance(name: str, ours: Tensor, other: str, theirs: Tensor) -> Tensor:
    if (len(ours), *ours.shape[2:]) != (len(theirs), *theirs.shape[2:]):
        raise InputError(
            f"model.features: {name} gives {tuple(ours.shape)}, {other} of the teacher {tuple(theirs.shape)}: choose parts "
            "with the same height and width"
        )
    return affinity_distance(ours, theirs)
