"""Fixtures that every room's tests share."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def sr_data() -> Path:
    """Folder with real benchmark images and official weights; tests that need it skip where it is not."""
    folder = Path(os.environ.get("SR_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no data folder {folder}: set SR_DATA to one in the EDSR layout (benchmark/Set5/HR ...)")
    return folder
