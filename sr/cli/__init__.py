"""The command line: parsing, names and folders of jobs, one-line errors."""

from sr.cli.early import check_degradation
from sr.cli.entry import _check_lists, entry, plain_warnings
from sr.cli.explain import explain
from sr.cli.groups import CONF
from sr.cli.names import called, choice, config_dirs, job_folder, job_name, job_number, overrides, run_dir, run_folder
from sr.cli.origin import scale_line

__all__ = [
    "CONF",
    "_check_lists",
    "called",
    "check_degradation",
    "choice",
    "config_dirs",
    "entry",
    "explain",
    "job_folder",
    "job_name",
    "job_number",
    "overrides",
    "plain_warnings",
    "run_dir",
    "run_folder",
    "scale_line",
]
