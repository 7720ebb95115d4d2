"""Images shared by training, validation and benchmarks: the same file, by any path, or a copy of it."""

import filecmp
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sr.data.alike import pairs, thumbnails
from sr.data.store import Store
from sr.image.rasters import on_disk

_MOST = 50_000  # training images, whose thumbnails take ten minutes once
_NAMED = 5  # pairs in a message
_PIECE = 4096  # bytes from the middle of a file, where images of equal size differ


def leaks(
    trained: Sequence[Path], validation: Mapping[str, Sequence[Path]], benchmark: Mapping[str, Sequence[Path]]
) -> Iterator[str]:
    """A line for each benchmark that also chooses the checkpoint, and for each set that is also trained on.

    Args:
        trained: the HR files of the training set.
        validation, benchmark: set -> its HR files; no validation sets without validation.
    """
    for reported, files in benchmark.items():
        chosen = {file for theirs in validation.values() for file in shared(theirs, files)}
        if chosen:
            yield (
                f"{len(chosen)} of {len(files)} images of benchmark {reported} are also used for validation: its score chooses "
                "best.ckpt and is therefore slightly too good; validation=[split] validates on held-out training images"
            )
    for name, files in {**validation, **benchmark}.items():
        if both := shared(trained, files):
            yield (
                f"{len(both)} of {len(files)} images of {name} are also in the training set ({both[0].name} is the "
                "first): their scores do not show the quality on unseen images"
            )


def lookalikes(
    stores: Sequence[Store], trained: Sequence[Path], benchmark: Mapping[str, Sequence[Path]], folder: Path
) -> Iterator[str]:
    """A line for each benchmark with pictures that are also trained on in another file: encoded again, resized, or cut by a few
    pixels (`sr.data.alike`). Thumbnails are kept in `folder`.

    Args:
        stores: the decoded training images, photographs.
        trained: their files, whose copies are left out here.
        benchmark: set -> its HR files.
    """
    if (count := sum(map(len, stores))) > _MOST:
        yield f"{count} training images are too many to look for pictures of the benchmarks among them"
        return
    seen = [
        (store, thumbnails([file.name for file in store.cached], store.__getitem__, folder)) for store in stores if len(store)
    ]
    for name, files in benchmark.items():
        same = set(shared(trained, files))
        left = Store([file for file in files if file not in same], folder, kind=stores[0].kind) if stores else []
        if not len(left):
            continue
        theirs = thumbnails([file.name for file in left.cached], lambda at, of=left: of.read(of.files[at])[0], folder)
        found = {left.files[two]: store.files[one] for store, ours in seen for one, two in pairs(ours, theirs)}
        if found:
            listed = ", ".join(f"{theirs.name} is {ours.name}" for theirs, ours in list(found.items())[:_NAMED])
            yield (
                f"{len(found)} of {len(files)} images of benchmark {name} look like training images ({listed}"
                f"{' ...' if len(found) > _NAMED else ''}): their scores do not show the quality on unseen images"
            )


def files_of(images: Any) -> list[Path]:
    """The HR files of a set; empty for a set in memory."""
    return list(images.files) if hasattr(images, "files") else [hr for hr, _ in getattr(images, "pairs", ())]


def shared(first: Iterable[Path], second: Iterable[Path]) -> list[Path]:
    """The files of `second` that are also in `first`, with the same bytes. Unreadable files are left out.

    For files with a unique size, nothing but the size is read. Slices of volumes are the same if their names are.
    """
    first = list(first)
    known = {file for file in first if on_disk(file) != file}
    sizes, pieces = defaultdict(list), defaultdict(list)
    for file in first:
        if (size := _size(file)) is not None:
            sizes[size].append(file)
    found = []
    for file in second:
        size = _size(file)
        if file in known:
            found.append(file)
        if size not in sizes:
            continue
        if size not in pieces:
            pieces[size] = [(_piece(one, size), one) for one in sizes[size]]
        mine = _piece(file, size)
        if any(piece == mine and filecmp.cmp(one, file, shallow=False) for piece, one in pieces[size] if piece is not None):
            found.append(file)
    return found


def _size(file: Path) -> int | None:
    try:
        return os.stat(file).st_size
    except OSError:
        return None


def _piece(file: Path, size: int) -> bytes | None:
    try:
        with open(file, "rb") as content:
            content.seek(max(size - _PIECE, 0) // 2)
            return content.read(_PIECE)
    except OSError:
        return None
