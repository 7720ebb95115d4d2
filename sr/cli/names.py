"""What a job is called and where its folder is, from the words of its command line."""

import os
import re
import sys
import time
from contextlib import suppress

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from sr.files import run_of


def run_dir(output_dir: str | None, resume: str | None, name: str, now: str) -> str:
    """Folder of a run: what the user chose, else that of the run it resumes, else outputs/NAME/DATE_TIME."""
    if output_dir:
        return os.path.expanduser(output_dir)
    if resume:
        return str(run_of(resume))
    return f"outputs/{name}/{now}"


def job_name(overrides: list[str]) -> str:
    """A sub-folder's name for a job of a sweep, from what the sweep varies: `model-srcnn_seed-1`."""
    return _as_name(_varied(overrides) or list(overrides)) or "run"


def job_folder(variant: str | None, number: int, overrides: list[str]) -> str:
    """`0_model-srcnn_seed-1`; in a study `srcnn_seed-1`, whatever else is run."""
    if variant is None:
        return f"{number}_{job_name(overrides)}"
    return _as_name([variant, *(word for word in _varied(overrides) if not word.startswith("variant="))])


def job_number() -> int | None:
    """Which job of its sweep this is."""
    return None if OmegaConf.is_missing(HydraConfig.get().job, "num") else HydraConfig.get().job.num


def _varied(overrides: list[str]) -> list[str]:
    """Those words of a job that differ between jobs of its sweep."""
    swept = {word.split("=")[0] for word in sys.argv[1:] if _is_sweep(word)}
    if HydraConfig.initialized():
        swept |= (HydraConfig.get().sweeper.get("params") or {}).keys()
    return [word for word in overrides if word.split("=")[0] in swept]


def _is_sweep(word: str) -> bool:
    """Whether a word gives its key several values: a,b or range(1,4), choice(a,b), glob(*)."""
    with suppress(HydraException):
        return OverridesParser.create().parse_override(word).is_sweep_override()
    return False


def _as_name(words: list[str]) -> str:
    words = [re.sub(r"(?<==)(['\"])(.*)\1$", r"\2", word) for word in words]
    return re.sub(r"[^\w.+-]+", "-", "_".join(words)).strip("-")[:120]


def run_folder(cfg: DictConfig) -> str:
    """The folder that Hydra chose for this job; outside a command line what the config says, else chosen in the same way."""
    if HydraConfig.initialized():
        return HydraConfig.get().runtime.output_dir
    if cfg.output_dir:
        return str(cfg.output_dir)
    target = str((cfg.get("network") or {}).get("_target_", ""))
    name = target.rpartition(".")[2].lower() if "model" in cfg else "test"  # no choices are known here: the network's class
    folder = run_dir(None, cfg.get("resume"), name or "run", time.strftime("%Y-%m-%d_%H-%M-%S"))
    print(f"output_dir is not set: the run goes to {folder}")
    return folder


def config_dirs(sources: list[DictConfig] | None = None) -> list[str]:
    """What `--config-dir` names, as absolute paths; `sources` are those of Hydra's config, by default this job's."""
    if sources is None:
        sources = HydraConfig.get().runtime.config_sources if HydraConfig.initialized() else []
    return [
        os.path.realpath(source.path) for source in sources if source.provider == "command-line" and source.schema == "file"
    ]


def overrides() -> list[str]:
    """What the command line of this job says, without Hydra's own keys."""
    return list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else []


def choice(group: str, default: str) -> str:
    """What this job's config chose of a group (`model=edsr`: edsr)."""
    chosen = HydraConfig.get().runtime.choices.get(group) if HydraConfig.initialized() else None
    return chosen or default


def called(default: str = "network") -> str:
    """What tables call this job's network: by its own config where the command line chose it, else by the model's."""
    own = any(word.startswith("network=") for word in overrides())
    return choice("network" if own else "model", default)
