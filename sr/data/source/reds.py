"""REDS in its official layout: train_sharp/000/00000000.png and val_sharp/000/00000000.png, 100 frames of 1280x720 each.

Nah et al.: NTIRE 2019 Challenge on Video Deblurring and Super-Resolution: Dataset and Study, CVPR Workshops 2019.
"""

from pathlib import Path

from sr.data.source.clips import paired
from sr.errors import InputError, MissingError
from sr.image import clip

REDS4 = ("000", "011", "015", "020")  # of train_sharp: EDVR, Wang et al. 2019, arXiv:1905.02716, section 4.1


class Reds:
    """Source: the clips of REDS that are trained on.

    Args:
        path: folder of train_sharp, of val_sharp, and of train_sharp_bicubic/X4 for `paired_lr`.
        held: "reds4": all clips but REDS4, those of val_sharp too, as EDVR and BasicVSR do; "official": train_sharp alone. The
            held clips validate a run; papers report them as the test.
        paired_lr: LR from train_sharp_bicubic and val_sharp_bicubic, in place of LR made by the degradation.
    """

    def __init__(self, path: str | Path, held: str = "reds4", paired_lr: bool = False) -> None:
        if held not in ("reds4", "official"):
            raise InputError(f"data.train.held={held}: choose reds4 or official")
        self.path, self.held, self.paired_lr = Path(path).expanduser(), held, paired_lr

    def prepare(self, download: bool = False) -> None:
        """Check that the clips exist. MissingError: they do not."""
        self._part("train_sharp")
        self.validation()

    def files(self) -> list[tuple[Path, Path | None]]:
        """(HR clip, LR clip or None) of each, with the validation clips, which `validation` names."""
        return self._part("train_sharp") + self._part("val_sharp", needed=self.held == "official")

    def validation(self) -> list[tuple[Path, Path | None]]:
        """The held clips. MissingError: some are missing."""
        if self.held == "official":
            return self._part("val_sharp")
        found = [pair for pair in self._part("train_sharp") if pair[0].name in REDS4]
        if len(found) < len(REDS4):
            raise MissingError(f"{self.path}/train_sharp: only {len(found)} of the clips {', '.join(REDS4)} of REDS4 are there")
        return found

    def _part(self, name: str, needed: bool = True) -> list[tuple[Path, Path | None]]:
        folder = self.path / name
        if not needed and not folder.is_dir():
            return []
        lr = self.path / f"{name}_bicubic" / "X4" if self.paired_lr else None
        return paired(clip.found(folder, "data.train"), folder, lr)
