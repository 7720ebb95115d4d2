"""The finished parts of a video: files of a fixed number of frames beside the result, from which a stopped job goes on."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sr.backend.exported import Exported
from sr.files import digest, whole


class Parts:
    """A folder `.NAME.parts` beside the result: 00000.mkv and the time stamps of its frames in 00000.json, 00001.mkv ...

    Parts of another input, network or setting are removed: `stale` then says so.

    Args:
        target: the result.
        settings: everything that the pixels depend on, in plain values.
    """

    def __init__(self, target: Path, settings: Mapping[str, Any]) -> None:
        self.folder = target.with_name(f".{target.name}.parts")
        self._settings, text = self.folder / "settings.json", json.dumps(settings, sort_keys=True, default=str)
        found = self._settings.read_text() if self._settings.is_file() else None
        self.stale = found not in (None, text)
        if found != text:
            shutil.rmtree(self.folder, ignore_errors=True)
            with whole(self._settings) as temporary:
                temporary.write_text(text)
        self.files: list[Path] = []
        self.times: list[list[int]] = []
        while (part := self.next()).is_file() and part.with_suffix(".json").is_file():
            self.files.append(part)
            self.times.append(json.loads(part.with_suffix(".json").read_text()))
        for left in self.folder.glob(".*"):  # unfinished files of a process that was killed
            left.unlink()

    @property
    def frames(self) -> int:
        """Number of frames in the finished parts."""
        return sum(map(len, self.times))

    def next(self) -> Path:
        """The name of the part after the finished ones."""
        return self.folder / f"{len(self.files):05d}.mkv"

    def add(self, part: Path, times: list[int]) -> None:
        """Count a finished part."""
        with whole(part.with_suffix(".json")) as temporary:
            temporary.write_text(json.dumps(times))
        self.files.append(part)
        self.times.append(times)

    def remove(self, empty: bool = False) -> None:
        """Remove the folder; `empty`: only if it has no part."""
        if not empty or not self.files:
            with suppress(OSError):
                shutil.rmtree(self.folder)


def fingerprint(network: nn.Module) -> str:
    """A hash of a network's class and weights, and of the files of an exported one, which has no weights here."""
    found = hashlib.sha256(type(network).__qualname__.encode())
    for file in (file for part in network.modules() if isinstance(part, Exported) for file in part.files):
        found.update(digest(file).encode())
    for name, tensor in network.state_dict().items():
        found.update(name.encode())
        found.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()
