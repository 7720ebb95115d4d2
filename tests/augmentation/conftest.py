import pytest

from sr.data.source.sample import Sample
from sr.image import file as image


@pytest.fixture(scope="session")
def photos():
    """Four photographs of scikit-image, (H, W, 3) uint8."""
    files = {file.name: file for file, _ in Sample().files()}
    return [image.read_rgb8(files[name]) for name in ("chelsea.png", "brick.png", "ihc.png", "motorcycle_left.png")]
