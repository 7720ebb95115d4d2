"""The photographs in scikit-image's wheel: real training images without a download."""

from pathlib import Path

from sr.errors import MissingError
from sr.image.photograph import folder

# Not trained on, so that the quickstart is tested on photos that its network has never seen.
HELD_OUT = ("astronaut.png", "coffee.png", "rocket.jpg")

# For validation: motorcycle_right shows the scene of motorcycle_left from the side, and moon is blurred, so their scores
# say little about other photos. They are good enough to choose a checkpoint, and all nine training photos are needed.
VALIDATION = ("moon.png", "motorcycle_right.png")

# Left out: images that are not photographs (chessboard_*, color, horse, logo, microaneurysms, page, phantom, text);
# photographs so blurred that bicubic alone restores them at x2 with more than 40 dB (cell, clock_motion, moon, and retina,
# which is also huge); motorcycle_right, which shows the scene of motorcycle_left.
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
    """Source of HR photographs from the installed scikit-image; gray ones are read as RGB.

    `held_out=False` gives the training photos, True the three of the benchmark; `validation` gives two others. Raises
    MissingError if the installed scikit-image lacks one of them: a smaller set would give other numbers.
    """

    def __init__(self, held_out: bool = False):
        self.held_out = held_out

    def prepare(self, download: bool = False) -> None:
        """Check that all photos exist. Nothing is downloaded: they are in the wheel."""
        self.files()

    def files(self) -> list[tuple[Path, None]]:
        return self._files(HELD_OUT if self.held_out else TRAIN)

    def validation(self) -> list[tuple[Path, None]]:
        """The photos of `validation=[split]`; they are in neither of the other sets."""
        return self._files(VALIDATION)

    def _files(self, names: tuple[str, ...]) -> list[tuple[Path, None]]:
        where = folder()
        files = [where / name for name in sorted(names)]
        missing = [file.name for file in files if not file.is_file()]
        if missing:
            raise MissingError(
                f"scikit-image does not contain {', '.join(missing)} in {where}:  install the version pinned in "
                "constraints.txt (make setup), or use your own photos (data=folder data.train=DIR)"
            )
        return [(file, None) for file in files]
