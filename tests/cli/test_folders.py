"""A job takes away the empty folders that it made, and no others."""

import pytest

from sr.files import absent, remove_empty
from tests.jobs import run_script

# Refused before torch is imported, after Hydra has made the run's folder.
WRONG = "degradation=[blur,bicubic,blur_anisotropic]"


@pytest.mark.medium
def test_a_folder_that_the_user_made_stays(tmp_path):
    """Empty as it is, and so are its parents; of a new folder in it the job takes away what it made itself."""
    (tmp_path / "mine" / "empty").mkdir(parents=True)
    for folder in ("mine/empty", "mine/new/run"):
        done = run_script("train.py", WRONG, f"output_dir={folder}", cwd=tmp_path)
        assert done.returncode == 1 and done.stderr.startswith("error: "), done.stderr
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == ["mine", "mine/empty"]


def test_only_what_was_absent_and_is_empty_is_removed(tmp_path):
    (tmp_path / "a").mkdir()
    made = absent(tmp_path / "a" / "b" / "c")
    assert made == [tmp_path / "a" / "b" / "c", tmp_path / "a" / "b"]
    made[0].mkdir(parents=True)
    (made[1] / "file").touch()
    remove_empty(made)
    assert not made[0].exists() and made[1].exists()
    (made[1] / "file").unlink()
    remove_empty(made)
    assert not made[1].exists() and (tmp_path / "a").exists()
    assert absent(tmp_path / "a") == []
