"""The photographs that ship inside scikit-image's wheel: real images to train on that need no download."""

from pathlib import Path

from sr.errors import MissingError
from sr.image.photograph import folder

# Kept from training, so that the quickstart is measured on photos that its network has never seen.
HELD_OUT = ("astronaut.png", "coffee.png", "rocket.jpg")

# Validated on: motorcycle_right shows the scene of motorcycle_left from beside it, and moon is soft, so that their scores say
# little about other photos. They are good enough to choose a checkpoint by, and nine photos are too few to spare any of them.
VALIDATION = ("moon.png", "motorcycle_right.png")

# Not here: what is no photograph (chessboard_*, color, horse, logo, microaneurysms, page, phantom, text), photographs so
# soft that bicubic alone restores them at x2 with more than 40 dB (cell, clock_motion, moon, and retina, which is huge
# besides), and motorcycle_right, which shows the scene of motorcycle_left.
TRAIN = (
    "brick.png",
    "camera.png",
    "chelsea.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "motorcycle_left.png",
)


class Sample:
    """Source of HR photographs from the installed scikit-image; some are gray, and are read as RGB.

    `held_out=False` gives the training photos, True the three of the benchmark; `validation` gives two others.
    Raises FileNotFoundError if the installed scikit-image ships without one of them: a silently smaller set would give
    other numbers.
    """

    def __init__(self, held_out: bool = False):
        self.held_out = held_out

    def prepare(self, download: bool = False) -> None:
        """Check that every photo is there. Nothing is ever downloaded: the wheel has them."""
        self.files()

    def files(self) -> list[tuple[Path, None]]:
        return self._files(HELD_OUT if self.held_out else TRAIN)

    def validation(self) -> list[tuple[Path, None]]:
        """The photos that `validation=[split]` validates on; they are in neither of the others."""
        return self._files(VALIDATION)

    def _files(self, names: tuple[str, ...]) -> list[tuple[Path, None]]:
        where = folder()
        files = [where / name for name in sorted(names)]
        missing = [file.name for file in files if not file.is_file()]
        if missing:
            raise MissingError(
                f"scikit-image ships without {', '.join(missing)} in {where}: install the version pinned in "
                "constraints.txt (make setup), or use photos of your own (data=folder data.train=DIR)"
            )
        return [(file, None) for file in files]
