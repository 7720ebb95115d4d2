"""The README's two commands: what the Makefile names exists."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.jobs import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()


@pytest.mark.slow
def test_the_photo_that_the_quickstart_enlarges_is_there():
    code = re.search(r"\$\$\(\$\(PY\) -c '(.*)'\)", MAKEFILE).group(1)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_file()


def test_scripts_and_recipes_exist():
    scripts = re.findall(r"\$\(PY\) (\w+\.py)", MAKEFILE)
    recipes = re.findall(r"experiment=(\w+)", MAKEFILE)
    assert scripts and recipes
    assert all((ROOT / script).is_file() for script in scripts)
    assert all((ROOT / "conf" / "experiment" / f"{recipe}.yaml").is_file() for recipe in recipes)
