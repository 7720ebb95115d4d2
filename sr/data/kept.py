"""The images of evaluation sets, each decoded once in a process."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from sr.device.ahead import ahead
from sr.image.rasters import on_disk

MOST = 2**30  # bytes that all sets of a process keep together
AHEAD = 2  # images that are made while a GPU measures one
State = list[tuple[Path, int, int]]


class Memory:
    """Images by set and index, of at most `most` bytes; what finds no room is made again each time.

    All sets are read from first to last again and again, so the first images stay: of those that were used last, none would be
    there when its turn comes.
    """

    def __init__(self, most: int = MOST) -> None:
        self._left, self._found = most, {}

    def get(self, key: tuple[int, int], state: State, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The image that was made of files in this `state`; it is made if there is none. Nobody may change it in place."""
        before, size, image = self._found.pop(key, (None, 0, None))
        self._left += size
        if before != state:
            image = make()
            size = sum(value.nbytes for value in image.values() if isinstance(value, Tensor))
        if size <= self._left:
            self._left -= size
            self._found[key] = state, size, image
        return image


class Kept(Dataset):
    """The images of a set with these indices. They stay in `memory` until a file changes, if the set says of which files each
    is made: `depends(index)`, empty if that is not known."""

    def __init__(self, images: Any, indices: Sequence[int], memory: Memory) -> None:
        self.images, self.indices, self.memory = images, indices, memory

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, place: int) -> dict[str, Any]:
        index = self.indices[place]
        state = _state(self.images.depends(index)) if hasattr(self.images, "depends") else []
        if not state:
            return self.images[index]
        return self.memory.get((id(self.images), index), state, lambda: self.images[index])


class Loader(DataLoader):
    """Images one by one as batches. For a GPU a thread reads them ahead, for NVIDIA's into pinned memory."""

    def __init__(self, images: Dataset, device: str) -> None:
        super().__init__(images, batch_size=1, pin_memory=device == "cuda")
        self._ahead = device != "cpu"

    def __iter__(self) -> Any:
        made = super().__iter__()  # here, not in the thread: it draws a random number
        return ahead(made, AHEAD) if self._ahead else made


def _state(files: Sequence[Path]) -> State:
    """What changes with the content of the files; empty if one is missing, which who reads it says best."""
    try:
        found = [(file, on_disk(file).stat()) for file in files]
    except OSError:
        return []
    return [(file, about.st_size, about.st_mtime_ns) for file, about in found]
