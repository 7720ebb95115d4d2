"""A comparison page of predict.py, and files of photographs."""

import base64
import re
from contextlib import redirect_stdout
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from sr.cli.predict import predict
from tests.jobs import compose
from tests.predict.compared import HEIGHT, NAMES, WIDTH
from tests.predict.jobs import SKIMAGE


@pytest.fixture(scope="session")
def weights(sr_data) -> dict[str, Path]:
    """Released files; fsrcnn's do not tell their scale."""
    files = {name: sr_data / "weights" / f"{name}.pth" for name in ("IMDN_x2", "IMDN_x4", "fsrcnn_x4")}
    if missing := [file for file in files.values() if not file.is_file()]:
        pytest.skip(f"no weights {missing[0]}")
    return files


@pytest.fixture(scope="session")
def page(sr_data, weights, tmp_path_factory) -> Path:
    """A page of two networks and a crop of Set5's butterfly, beside which hr/butterfly.png lies."""
    folder = tmp_path_factory.mktemp("compare")
    (folder / "hr").mkdir()
    butterfly = PIL.Image.open(sr_data / "benchmark" / "Set5" / "HR" / "butterfly.png")
    butterfly.crop((40, 30, 40 + WIDTH + 3, 30 + HEIGHT + 1)).save(folder / "hr" / "butterfly.png")  # 3 x 1 too many
    words = [f"ckpt=[{weights['IMDN_x4']},{weights['fsrcnn_x4']}]", "scale=4", f"input={folder}/hr/butterfly.png"]
    words += [f"output={folder}", "device=cpu", "compare=true", "degrade=true"]
    with redirect_stdout(StringIO()) as said, pytest.raises(SystemExit) as ended:
        predict(compose("predict", *words))
    assert ended.value.code == 0
    assert said.getvalue().splitlines()[-1].startswith(f"{folder}/compare.html (1 image, ")
    return folder / "compare.html"


@pytest.fixture(scope="session")
def pixels(page) -> dict[str, np.ndarray]:
    """The pictures as they are in the page."""
    uris = re.findall(r'id="picture-0-\d+">data:image/webp;base64,([^<]+)<', page.read_text())
    assert len(uris) == len(NAMES)
    return {name: np.array(PIL.Image.open(BytesIO(base64.b64decode(uri)))) for name, uri in zip(NAMES, uris, strict=True)}


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Three good files, one in a sub-folder, two broken ones."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos" / "trip").mkdir(parents=True)
    chelsea = PIL.Image.open(SKIMAGE / "chelsea.png").crop((100, 50, 163, 91))
    chelsea.save("photos/a.png")
    chelsea.save("photos/b.jpg")
    chelsea.convert("L").save("photos/trip/c.png")
    Path("photos/cut.png").write_bytes(Path("photos/a.png").read_bytes()[:2000])
    Path("photos/text.jpg").write_text("no image")
    return Path("photos")
