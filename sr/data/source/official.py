"""A data set's official archive: downloaded, unpacked, and checked to be whole."""

from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from filelock import FileLock

from sr.data.hold_out import MOST
from sr.data.source.archive import extract
from sr.data.source.download import download as fetch
from sr.errors import InputError, MissingError
from sr.image import file as image


class Official:
    """Source: the `n_images` HR images in `folder`, which the official archive at `url` holds in its directory `inside`.

    `size` (bytes) and `checksum` ("md5:..." or "sha256:...") are the archive's. It lies beside `folder` and is kept.
    `own_validation` is the folder of the data set's own validation images, which need not be there.
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
        """Check that the folder is whole; with `download`, fetch and unpack it where it is missing.

        Raises FileNotFoundError if it is missing, ValueError if it is incomplete or holds an unreadable file, and what
        `sr.data.source.download.download` and `sr.data.source.archive.extract` raise. A folder that is there is never touched.
        """
        if not _present(self.folder):
            if not download:
                amount = f" ({self.size / 1e9:.1f} GB)" if self.size else ""
                raise MissingError(
                    f"no such folder: {self.folder}; set data.download=true to fetch it from {self.url}{amount}, "
                    "or data_dir (environment variable SR_DATA) to the folder that has it"
                )
            self._download()
        self._validate()

    def files(self) -> list[tuple[Path, None]]:
        return [(file, None) for file in image.list_images(self.folder)]

    def validation(self) -> list[tuple[Path, None]]:
        """The first ten images of the data set's own validation part; none where it is not on the disk."""
        there = self.own_validation is not None and self.own_validation.is_dir()
        return [(file, None) for file in image.list_images(self.own_validation)[:MOST]] if there else []

    def _download(self) -> None:
        self.archive.parent.mkdir(parents=True, exist_ok=True)
        # The jobs of a sweep start together: one fetches, the others wait and find the folder.
        with FileLock(self.archive.with_name(self.archive.name + ".lock")):
            if not _present(self.folder):
                fetch(self.url, self.archive, self.size, self.checksum)
                extract(self.archive, self.folder, self.inside)

    def _validate(self) -> None:
        files = self.files()
        if len(files) != self.n_images:
            raise InputError(
                f"{len(files)} images in {self.folder}, expected {self.n_images}: move the folder away and set "
                f"data.download=true, or train on what there is with data=folder data.train={self.folder}"
            )
        for file, _ in files:
            image.size(file)


def _present(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())
