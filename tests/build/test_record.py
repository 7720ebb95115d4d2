"""What is said of a run beside its numbers."""

from sr import build
from tests.jobs import ROOT, compose


def test_a_run_that_goes_on_keeps_its_name():
    """network=srcnn_915 model=srcnn was a first run's; `resume=FILE` alone does not name the network again."""
    file = ROOT / "tests" / "before" / "run" / "checkpoints" / "last.ckpt"
    assert build.table_name(compose("train", f"resume={file}")) == "srcnn_915"
    assert build.carried(compose("train", f"resume={file}", "output_dir=nowhere"))["called"] == "srcnn_915"
    assert build.table_name(compose("train")) == "network"  # nothing was chosen on a command line
