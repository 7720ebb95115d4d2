"""Images of a folder that a pattern chooses, with what is known about each: the person in a name, the text of a line."""

import re
from pathlib import Path

from sr.data.source.folder import not_found
from sr.errors import InputError, MissingError
from sr.image.file import list_images


class Labelled:
    r"""Source: the images below `path` whose relative path matches `pattern`. Other files are left alone.

    Named groups of the pattern become further keys of a batch (`sr/data/further.py`): "(?P<person>s\d+)_1\.pgm" matches
    s07_1.pgm, whose batch has person="s07".

    Args:
        path: the folder.
        pattern: regular expression of the whole relative path, with "/" between folders.
        text: the file below `path` with the truth text of an image, as an expansion of the match: "\1.gt.txt" is the file of
            the first group. The batch has it as `text`, UTF-8. None: no text.
        validation: pattern of the images of validation=[split], which are not trained on: whole pages, people or samples.
            None: the split chooses by itself.
        name, url: of the set, and where to get it, for the message where it is not there.

    Raises:
        InputError: an invalid pattern.
    """

    def __init__(
        self,
        path: str | Path,
        pattern: str,
        text: str | None = None,
        validation: str | None = None,
        name: str = "",
        url: str | None = None,
    ) -> None:
        self.path, self.text = Path(path).expanduser(), text
        self.name, self.url = name or self.path.name, url
        self.pattern = _compiled(pattern, self.name)
        self.held = None if validation is None else _compiled(validation, self.name)

    def __str__(self) -> str:
        return str(self.path)

    def prepare(self, download: bool = False) -> None:
        """Check that there are images, and that their texts can be read. Nothing is downloaded."""
        for file, _ in self.files():
            self.further(file)

    def files(self) -> list[tuple[Path, None]]:
        """(HR file, None) of each image that is not one of the validation's, sorted.

        Raises MissingError if there is no such folder, or no image that the pattern matches.
        """
        held = set() if self.held is None else {file for file, _ in self.validation()}
        return [(file, None) for file in self._matching(self.pattern) if file not in held]

    def validation(self) -> list[tuple[Path, None]]:
        """The same of the images for validation=[split]; empty without a pattern of theirs."""
        return [] if self.held is None else [(file, None) for file in self._matching(self.held)]

    def further(self, file: Path) -> dict[str, str]:
        """The named groups of an image's path, and its text.

        Raises:
            MissingError: there is no file with its text.
            InputError: the text is empty or not UTF-8.
        """
        relative = file.relative_to(self.path).as_posix()
        match = self.pattern.fullmatch(relative) or (self.held and self.held.fullmatch(relative))
        if not match:
            return {}
        known = {key: value for key, value in match.groupdict().items() if value is not None}
        return known if self.text is None else known | {"text": self._text(self.path / match.expand(self.text), file)}

    def _text(self, beside: Path, file: Path) -> str:
        if not beside.is_file():
            raise MissingError(f"{self.name}: no truth text {beside} of {file}")
        try:
            text = beside.read_text(encoding="utf-8").strip()
        except UnicodeDecodeError:
            raise InputError(f"{beside}: the truth text is not UTF-8: convert it") from None
        if not text:
            raise InputError(f"{beside}: the truth text is empty: take the image {file.name} out")
        return text

    def _matching(self, pattern: re.Pattern[str]) -> list[Path]:
        if not self.path.is_dir():
            raise not_found(self.name, self.path, self.url)
        found = [file for file in list_images(self.path) if pattern.fullmatch(file.relative_to(self.path).as_posix())]
        if not found:
            raise MissingError(f"{self.name}: no images in {self.path} match {pattern.pattern}")
        return found


def _compiled(pattern: str, name: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise InputError(f"{name}: {pattern!r} is not a regular expression: {error}") from None
