"""Recognition of people: does a face find its person after super-resolution?

Local binary patterns in a grid of cells, compared by the city-block distance of their histograms: Ahonen, Hadid, Pietikäinen
2006, Face Description with Local Binary Patterns, IEEE TPAMI 28 (doi:10.1109/TPAMI.2006.244). Nothing in it is trained.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from skimage.feature import local_binary_pattern
from torch import Tensor

from sr.data.source.labelled import Labelled
from sr.errors import InputError
from sr.image.kind import PHOTO, Kind
from sr.metric.task import TaskMetric

NEIGHBOURS, RADIUS, PATTERNS = 8, 2, 59  # the paper's operator LBP(8, 2) with uniform patterns, which are 58, and all others
GRID = (7, 7)  # cells; the paper's are 18x21 pixels of faces with 130x150


class Identity(TaskMetric):
    """Rank-1 accuracy: 1 if the nearest face of a gallery of HR images is of the same person, otherwise 0.

    Faces have to be aligned, and those of the gallery are not among the ones that are scored.

    Args:
        gallery: images with the key `person`, one or more per person.
        kind: pixel format of the gallery.
        crop_border, channel, levels, luma: see Metric.

    Raises:
        MissingError: at the first image, no such gallery.
    """

    further = ("person",)
    reference = False
    smallest = 2 * RADIUS + max(GRID)

    def __init__(
        self,
        *,
        gallery: Labelled,
        kind: Kind = PHOTO,
        crop_border: float = 0,
        channel: str = "gray",
        levels: int | None = 255,
        luma: bool = True,
    ) -> None:
        super().__init__(crop_border=crop_border, channel=channel, levels=levels, luma=luma)
        self.gallery, self.kind = gallery, kind

    def forward(self, sr: Tensor, hr: Tensor | None = None, person: Sequence[str] = ()) -> Tensor:
        """(N,) zeros and ones for faces (N, C, H, W) in [0, 1] of these people; hr is ignored.

        Raises:
            InputError: nobody in the gallery is this person.
        """
        self.check_size(sr)
        return self.each(sr, self._found, person)

    def _found(self, face: np.ndarray, person: str) -> float:
        people, described = self.known
        if person not in people:
            raise InputError(
                f"metric.identity.gallery has no image of person {person}, only of {', '.join(sorted(set(people)))}"
            )
        return float(people[int(np.abs(described - describe(face)).sum(1).argmin())] == person)

    @cached_property
    def known(self) -> tuple[list[str], np.ndarray]:
        """The people of the gallery's images, and their descriptors (images, cells x patterns)."""
        files = [file for file, _ in self.gallery.files()]
        people = [self.gallery.further(file).get("person") for file in files]
        if None in people:
            raise InputError(
                f"metric.identity.gallery.pattern={self.gallery.pattern.pattern}: it needs a group (?P<person>...)"
            )
        faces = (self.kind.scaled(self.kind.tensor(file)[None]) for file in files)
        return people, np.stack([describe(self.array(self.prepare(face)[0])) for face in faces])

    def learned(self) -> dict[str, Tensor]:
        """What the score depends on: the gallery's descriptors and people."""
        people, described = self.known
        names = torch.tensor(list("\n".join(people).encode()), dtype=torch.uint8)
        return {"gallery": torch.from_numpy(described), "people": names}


def describe(face: np.ndarray) -> np.ndarray:
    """A gray face (H, W) uint8 -> histograms of its patterns (cells x 59,), each with the sum 1."""
    codes = local_binary_pattern(face, NEIGHBOURS, RADIUS, method="nri_uniform").astype(int)
    cells = [cell for row in np.array_split(codes, GRID[0], 0) for cell in np.array_split(row, GRID[1], 1)]
    return np.concatenate([np.bincount(cell.ravel(), minlength=PATTERNS) / cell.size for cell in cells])
