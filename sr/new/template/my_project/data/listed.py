"""A data source: HR images whose files are named in a text file, one on each line."""

from pathlib import Path

from sr.errors import InputError, MissingError


class Listed:
    """The images named in `path`; names are relative to its folder. Empty lines and those that begin with # are left out.

    Raises MissingError if `path` or an image does not exist, InputError if it names none.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()

    def prepare(self, download: bool = False) -> None:
        """Check before training that all files exist; there is nothing to download."""
        for file, _ in self.files():
            if not file.is_file():
                raise MissingError(f"{self.path} names {file}, which does not exist: correct that line")

    def files(self) -> list[tuple[Path, None]]:
        """(HR file, its LR file or None) of each image: LR is made from HR."""
        if not self.path.is_file():
            raise MissingError(f"no such file: {self.path}: pass data.train.path=FILE, a text file with an image on each line")
        lines = [line.strip() for line in self.path.read_text().splitlines()]
        files = [self.path.parent / line for line in lines if line and not line.startswith("#")]
        if not files:
            raise InputError(f"{self.path} names no image: write one on each line")
        return [(file, None) for file in files]
