"""Vimeo-90K's septuplets: sequences/00001/0001/im1.png to im7.png, 448x256, and the lists of its two parts.

Xue et al.: Video Enhancement with Task-Oriented Flow, IJCV 2019, arXiv:1711.09078. toflow.csail.mit.edu
"""

from pathlib import Path

from sr.errors import InputError, MissingError
from sr.image import clip

LISTS = {"train": "sep_trainlist.txt", "test": "sep_testlist.txt"}  # 64612 and 7824 septuplets


class Vimeo90K:
    """Source, and clips of a benchmark: the septuplets that a list of the data set names.

    Args:
        path: the folder that has `sequences` and the lists.
        part: "train" or "test".
    """

    def __init__(self, path: str | Path, part: str = "train") -> None:
        if part not in LISTS:
            raise InputError(f"part={part}: choose train or test")
        self.path, self.part = Path(path).expanduser(), part
        self.root = self.path / "sequences"

    def __str__(self) -> str:
        return str(self.path)

    def prepare(self, download: bool = False) -> None:
        """Check that all septuplets of the list are there. MissingError: some are not."""
        found = self.files()
        if missing := [folder for folder, _ in found if not folder.is_dir()]:
            raise MissingError(f"{missing[0]}: {len(missing)} of {len(found)} septuplets of {LISTS[self.part]} are missing")

    def files(self) -> list[tuple[Path, None]]:
        """(folder of a septuplet, None) of each."""
        file = self.path / LISTS[self.part]
        if not file.is_file():
            raise MissingError(f"no such file: {file}; pass the folder of vimeo_septuplet.zip of toflow.csail.mit.edu")
        names = [line.strip() for line in file.read_text().splitlines() if line.strip()]
        if not names:
            raise InputError(f"{file}: the list is empty")
        return [(self.root / name, None) for name in names]

    def check(self, frames: int = 7) -> None:
        """InputError: a septuplet has another number of frames."""
        for folder, _ in self.files():
            if len(clip.frame_files(folder)) != frames:
                raise InputError(f"{folder}: not {frames} frames")
