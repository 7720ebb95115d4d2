"""What a run does not use is not imported."""

import subprocess
import sys

from tests.jobs import ONE_PHOTO, ROOT, SMALL, environment

HEAVY = ("wandb", "spandrel", "kornia", "matplotlib", "torchvision", "scipy", "tensorboard")
RUN = f"""
import runpy, sys
sys.argv[0] = "train.py"
runpy.run_path({str(ROOT / "train.py")!r}, run_name="__main__")
print("imported:", *[name for name in {HEAVY} if name in sys.modules])
"""
METRICS = """
from sr import lean
lean.install()
import pytorch_lightning, sys
assert not {"torchvision", "scipy", "matplotlib"} & set(sys.modules)
from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity
import torchmetrics
assert issubclass(torchmetrics.PeakSignalNoiseRatio, torchmetrics.Metric)
print(torchmetrics.functional.peak_signal_noise_ratio.__name__, torchmetrics.__version__)
"""


def test_a_plain_run_imports_nothing_that_it_does_not_use(tmp_path):
    words = [*SMALL, *ONE_PHOTO, "trainer.max_steps=1", "data_dir=data", "output_dir=run"]
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words], capture_output=True, text=True, cwd=tmp_path, env=environment(tmp_path)
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split() == ["imported:"]


def test_torchmetrics_is_whole_where_it_is_asked_for_more(tmp_path):
    done = subprocess.run([sys.executable, "-c", METRICS], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("_peak_signal_noise_ratio ")
