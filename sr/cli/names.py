"""The name and the folder of a job, from its command line."""

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
    """Folder of a run: output_dir if given, otherwise the folder of the resumed run, otherwise outputs/NAME/DATE_TIME."""
    if output_dir:
        return os.path.expanduser(output_dir)
    if resume:
        return str(run_of(resume))
    return f"outputs/{name}/{now}"


def job_name(overrides: list[str]) -> str:
    """Sub-folder name of a sweep's job, from the keys that the sweep varies: `model-srcnn_seed-1`."""
    return _as_name(_varied(overrides) or list(overrides)) or "run"


def job_folder(variant: str | None, number: int, overrides: list[str]) -> str:
    """`0_model-srcnn_seed-1`; in a study `srcnn_seed-1`, independent of its other jobs."""
    if variant is None:
        return f"{number}_{job_name(overrides)}"
    return _as_name([variant, *(word for word in _varied(overrides) if not word.startswith("variant="))])


def job_number() -> int | None:
    """The number of this job in its sweep; None outside a sweep."""
    known = HydraConfig.initialized() and not OmegaConf.is_missing(HydraConfig.get().job, "num")
    return HydraConfig.get().job.num if known else None


def _varied(overrides: list[str]) -> list[str]:
    """The overrides of a job that differ between the jobs of its sweep."""
    swept = {word.split("=")[0] for word in sys.argv[1:] if _is_sweep(word)}
    if HydraConfig.initialized():
        swept |= (HydraConfig.get().sweeper.get("params") or {}).keys()
    return [word for word in overrides if word.split("=")[0] in swept]


def _is_sweep(word: str) -> bool:
    """Whether an override gives its key several values: a,b or range(1,4), choice(a,b), glob(*)."""
    with suppress(HydraException):
        return OverridesParser.create().parse_override(word).is_sweep_override()
    return False


def _as_name(words: list[str]) -> str:
    words = [re.sub(r"(?<==)(['\"])(.*)\1$", r"\2", word) for word in words]
    return re.sub(r"[^\w.+-]+", "-", "_".join(words)).strip("-")[:120]


def run_folder(cfg: DictConfig) -> str:
    """The folder that Hydra chose for this job; without Hydra, output_dir of the config, or a folder chosen in the same way."""
    if HydraConfig.initialized():
        return HydraConfig.get().runtime.output_dir
    if cfg.output_dir:
        return str(cfg.output_dir)
    target = str((cfg.get("network") or {}).get("_target_", ""))
    # Without Hydra the choices are unknown: use the network's class.
    name = target.rpartition(".")[2].lower() if "model" in cfg else "test"
    folder = run_dir(None, cfg.get("resume"), name or "run", time.strftime("%Y-%m-%d_%H-%M-%S"))
    print(f"output_dir is not set: writing to {folder}")
    return folder


def config_dirs(sources: list[DictConfig] | None = None) -> list[str]:
    """The folders of `--config-dir`, as absolute paths; `sources` are the config sources of Hydra, by default this job's."""
    if sources is None:
        sources = HydraConfig.get().runtime.config_sources if HydraConfig.initialized() else []
    return [
        os.path.realpath(source.path) for source in sources if source.provider == "command-line" and source.schema == "file"
    ]


def overrides() -> list[str]:
    """The overrides of this job's command line, without Hydra's own keys."""
    return list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else []


def choice(group: str, default: str) -> str:
    """The choice of this job's config in a group (`model=edsr`: edsr)."""
    chosen = HydraConfig.get().runtime.choices.get(group) if HydraConfig.initialized() else None
    return chosen or default


def called(default: str = "network") -> str:
    """Name of this job's network in tables: its own config if the command line chose one, otherwise the model's."""
    own = any(word.startswith("network=") for word in overrides())
    return choice("network" if own else "model", default)
