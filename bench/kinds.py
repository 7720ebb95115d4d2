"""Rows of bench/data.py: images of other kinds beside 8-bit photographs, in megabytes of samples per second of the processor.

They take turns, so that all are measured under the same load. The images are 512x512, tiled from real ones (SR_DATA/domains;
without them kinds are left out), so that sizes are alike; photographs are PNG, as the plain reader's.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from itertools import count
from pathlib import Path

import numpy as np
from PIL import Image

from sr.augmentation.chain import Chain as Augmentations
from sr.augmentation.flip import Flip
from sr.augmentation.turn import Turn
from sr.data.device import finish
from sr.data.mixture import Mixture
from sr.data.patches import Patches
from sr.data.plan import Phase, Plan
from sr.data.store import Store
from sr.degradation.bicubic import Bicubic
from sr.degradation.chain import Chain as Degradations
from sr.image.kind import PHOTO, Kind

SIDE, IMAGES, ROUNDS = 512, 16, 7
SATELLITE = ("driver", "GTiff"), ("compress", "deflate"), ("predictor", 2)


@dataclass(frozen=True)
class Case:
    """A kind, files of it, and their format."""

    kind: Kind
    files: Sequence[Path]
    format: str


def cases(photos: Sequence[np.ndarray], domains: Path, folder: Path) -> dict[str, Case]:
    """Photographs, and each kind whose real images are there."""
    tiles = [np.roll(_tiled(photo), 7 * n, 0) for n, photo in zip(range(IMAGES), [*photos] * IMAGES, strict=False)]
    found = {"photo": Case(PHOTO, [_png(folder / f"photo{n}.png", tile) for n, tile in enumerate(tiles)], "PNG")}
    sentinel2 = Kind("sentinel2", 6, "uint16", (0, 10000), 10000, False, (5, 3, 0), outside="clip")
    pan = Kind("landsat8_pan", 1, "uint16", (5000, 55000), 50000, False, (0,), outside="clip")
    for kind, where in ((sentinel2, "sentinel2_20m_6band"), (pan, "landsat8_30m_6band_pan15m")):
        if sources := sorted((domains / "satellite" / where).glob("*.tif")):
            files = [_geotiff(folder / f"{kind.name}{n}.tif", sources[n % len(sources)]) for n in range(IMAGES)]
            found[kind.name] = Case(kind, files, "GeoTIFF, deflate")
    ct = Kind("ct", 1, "int16", (-1024, 3071), 4095, False, (0,), outside="clip", window=(-160, 240), private=True)
    if slices := sorted((domains / "medical" / "ct_head_dicom").rglob("*.dcm")):
        found["ct"] = Case(ct, [slices[n % len(slices)] for n in range(IMAGES)], "DICOM")
    return found


HEAD = ["kind", "samples", "files", "read, MB/s", "patches, MB/s", "patches/s", "device part, MB/s"]


def rows(found: Mapping[str, Case], folder: Path, scale: int, patch: int, batch: int, seconds: float) -> list[list[str]]:
    """A row for each kind, below HEAD: MB/s of decoding files, of cutting patches, and of the device part on the CPU.

    With nodata, a mask is cut beside each patch, which does not count as megabytes.
    """
    reading, cutting, finishing, bytes_of = {}, {}, {}, {}
    for name, case in found.items():
        with redirect_stdout(StringIO()):
            store = Store(sorted(set(case.files)), folder / f"store_{name}", kind=case.kind)
            store.build(progress=False)
        chain = Degradations({"bicubic": Bicubic(scale, rounding=case.kind.levels)}, scale)
        patches = Patches(Mixture([store]), None, Plan(0, (Phase(0, patch, batch),)), scale, chain, AUGMENTATION)
        reading[name], cutting[name] = _reader(case), _cutter(patches)
        finishing[name], bytes_of[name] = _finisher(patches, case.kind), patches.batch(0)["hr"][0].nbytes
    read, cut, finished = (in_turns(steps, seconds) for steps in (reading, cutting, finishing))
    made = []
    for name, case in found.items():
        per_second = f"{1e6 * cut[name] / bytes_of[name]:.0f}"
        known = [name, f"{case.kind.bands} x {case.kind.dtype}", case.format]
        made.append([*known, f"{read[name]:.0f}", f"{cut[name]:.0f}", per_second, f"{finished[name]:.0f}"])
    return made


AUGMENTATION = Augmentations({"flip": Flip(), "turn": Turn()})


def in_turns(steps: Mapping[str, Callable[[], float]], seconds: float) -> dict[str, float]:
    """The median over rounds, in which all take turns, of what each makes per second of the processor."""
    found: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        step()
    for _ in range(ROUNDS):
        for name, step in steps.items():
            made, start = 0.0, time.process_time()
            while (passed := time.process_time() - start) < seconds / ROUNDS or not made:
                made += step()
            found[name].append(made / passed)
    return {name: float(np.median(values)) for name, values in found.items()}


def _reader(case: Case) -> Callable[[], float]:
    numbers = count()
    return lambda: case.kind.read_valid(case.files[next(numbers) % len(case.files)])[0].nbytes / 1e6


def _cutter(patches: Patches) -> Callable[[], float]:
    numbers = count()
    return lambda: patches.batch(next(numbers))["hr"].nbytes / 1e6


def _finisher(patches: Patches, kind: Kind) -> Callable[[], float]:
    batch = patches.batch(0)

    def step() -> float:
        finish(batch, patches.degradation, patches.augmentation, kind)
        return batch["hr"].nbytes / 1e6

    return step


def _tiled(image: np.ndarray) -> np.ndarray:
    repeats = [-(-SIDE // side) for side in image.shape[:2]]
    return np.tile(image, (*repeats, 1))[:SIDE, :SIDE]


def _png(file: Path, pixels: np.ndarray) -> Path:
    Image.fromarray(pixels).save(file)
    return file


def _geotiff(file: Path, source: Path) -> Path:
    """The source's samples and coordinates, tiled, in strips of bands side by side, as satellites' products are stored."""
    import rasterio

    with rasterio.open(source) as opened:
        pixels, known = opened.read(), {"crs": opened.crs, "transform": opened.transform}
    pixels = np.moveaxis(_tiled(np.moveaxis(pixels, 0, -1)), -1, 0)
    shape = {"count": len(pixels), "height": SIDE, "width": SIDE, "dtype": pixels.dtype.name}
    with rasterio.open(file, "w", **dict(SATELLITE), **shape, **known) as out:
        out.write(pixels)
    return file
