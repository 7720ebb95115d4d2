"""What the tests of reports on a small sweep share."""

import base64
import json
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL.Image
import yaml

from sr.data.source.sample import Sample

NAMES = ["bicubic", "network.n_feats-6", "network.n_feats-8", "HR"]
QUICK = {"strips": 0, "latency": None, "plots": False, "draws": 1000}


def photos(folder: Path) -> list[str]:
    """Parts of three photos, and the words that measure a run on them."""
    (folder / "photos").mkdir()
    for file, _ in Sample(held_out=True).files():
        PIL.Image.open(file).convert("RGB").crop((60, 40, 252, 200)).save(folder / "photos" / f"{file.stem}.png")
    return ["metric=[psnr,ssim]", "benchmark=folder", f"benchmark.folder.hr={folder}/photos", f"data_dir={folder}/data"]


def metrics(study: Path, variant: str) -> list[dict]:
    files = sorted(study.glob(f"*{variant}_seed-*/metrics.json"))
    assert len(files) == 2
    return [json.loads(file.read_text())["folder"] for file in files]


def pictures(page: Path, index: int) -> dict[str, np.ndarray]:
    found = re.findall(rf'id="picture-{index}-\d+"[^>]* src="data:image/webp;base64,([^"]+)"', page.read_text())
    assert len(found) == len(NAMES)
    return {name: np.array(PIL.Image.open(BytesIO(base64.b64decode(uri)))) for name, uri in zip(NAMES, found, strict=True)}


def run_of(copy: Path, feats: int, seed: int) -> Path:
    return next(copy.glob(f"*n_feats-{feats}_seed-{seed}"))


def content_of(file: Path) -> dict:
    return yaml.safe_load(file.read_text())  # JSON is YAML


def spoil(run: Path, name: str, **changes: object) -> None:
    """Change top-level keys of a run's file."""
    file = run / name
    content = content_of(file) | changes
    file.write_text(yaml.safe_dump(content) if name.endswith("yaml") else json.dumps(content))


def numbers_of(folder: Path) -> dict:
    return json.loads((folder / "report.json").read_text())
