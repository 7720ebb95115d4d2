"""The official archive of a data set: downloaded, extracted, and checked for completeness."""

from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from filelock import FileLock

from sr.data.hold_out import MOST
from sr.data.source.archive import extract
from sr.data.source.download import download as fetch
from sr.errors import InputError, MissingError
from sr.image import file as image


class Official:
    """Source: the `n_images` HR images in `folder`, from the directory `inside` of the official archive at `url`.

    `size` (bytes) and `checksum` ("md5:..." or "sha256:...") are the archive's. It is stored next to `folder` and kept.
    `own_validation` is the folder of the data set's own validation images, which may be missing.
    """

    def __init__(
        self,
        folder: str | Path,
        n_images: int,
        url: str,
        inside: str = "",
        size: int | None = None,
        checksum: str | None = None,
        own_validation: str | Path | None = None,
    ):
        self.folder = Path(folder).expanduser()
        self.n_images = n_images
        self.url = url
        self.inside = inside
        self.size = size
        self.checksum = checksum
        self.own_validation = None if own_validation is None else Path(own_validation).expanduser()
        self.archive = self.folder.parent / PurePosixPath(urlsplit(url).path).name

    def prepare(self, download: bool = False) -> None:
        """Check that the folder is complete; with `download`, download and extract it if it is missing.

        Raises MissingError if it is missing, InputError if it is incomplete or contains an unreadable file, and the errors of
        `sr.data.source.download.download` and `sr.data.source.archive.extract`. An existing folder is never changed.
        """
        if not _present(self.folder):
            if not download:
                amount = f" ({self.size / 1e9:.1f} GB)" if self.size else ""
                raise MissingError(
                    f"no such folder: {self.folder}; pass data.download=true to download it from {self.url}{amount}, "
                    "or data_dir (environment variable SR_DATA) to the folder that contains it"
                )
            self._download()
        self._validate()

    def files(self) -> list[tuple[Path, None]]:
        return [(file, None) for file in image.list_images(self.folder)]

    def validation(self) -> list[tuple[Path, None]]:
        """The first ten images of the data set's own validation set; empty if it is not on disk."""
        there = self.own_validation is not None and self.own_validation.is_dir()
        return [(file, None) for file in image.list_images(self.own_validation)[:MOST]] if there else []

    def _download(self) -> None:
        self.archive.parent.mkdir(parents=True, exist_ok=True)
        # The jobs of a sweep start together: one downloads, the others wait and find the folder.
        with FileLock(self.archive.with_name(self.archive.name + ".lock")):
            if not _present(self.folder):
                fetch(self.url, self.archive, self.size, self.checksum)
                extract(self.archive, self.folder, self.inside)

    def _validate(self) -> None:
        files = self.files()
        if len(files) != self.n_images:
            raise InputError(
                f"{len(files)} images in {self.folder}, expected {self.n_images}: move the folder away and pass "
                f"data.download=true, or train on the existing images with data=folder data.train={self.folder}"
            )
        for file, _ in files:
            image.size(file)


def _present(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())
