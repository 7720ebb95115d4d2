"""The sweeper of train.py: a grid of values and, in a study, named variants."""

import itertools
import re
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from sr.cli.words import typed
from sr.errors import InputError


class Launching(Sweeper):
    """A sweeper with the config's launcher and Hydra's parser; our sweepers implement `sweep`."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        _check_overrides(config)
        self.parser = OverridesParser.create(config_loader=hydra_context.config_loader)
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )


class Study(Launching):
    """Jobs = variants x grid.

    Args:
        params: key -> values, as on the command line ("1,2,3"); those of the command line override them.
        variants: name -> overrides. The job also gets `variant=NAME`; `variant=a,b` selects some.
    """

    def __init__(self, params: DictConfig | None = None, variants: DictConfig | None = None) -> None:
        self.params, found = (OmegaConf.to_container(node) if node else {} for node in (params, variants))
        self.variants = {str(name): said for name, said in found.items()}

    def sweep(self, arguments: list[str]) -> Any:
        params = self._values([f"{key}={value}" for key, value in self.params.items()])
        said = self._values(arguments)
        jobs = []
        for variant in self._chosen(said):
            keys = params | variant | said
            jobs += [list(words) for words in itertools.product(*keys.values()) if list(words) not in jobs]
        with self.launcher.sweep():
            return [self.launcher.launch(jobs, initial_job_idx=0)]

    def _chosen(self, said: dict[str, list[str]]) -> list[dict[str, list[str]]]:
        """The overrides of each variant; a single unnamed one if there are none."""
        if not self.variants:
            return [{}]
        names = [str(self.parser.parse_override(word).value()) for word in said.pop("variant", [])] or list(self.variants)
        if unknown := [name for name in names if name not in self.variants]:
            raise InputError(f"variant={unknown[0]} is not in this study; choose one of {', '.join(self.variants)}")
        return [{"variant": [f"variant={name}"]} | self._values(self.variants[name] or []) for name in names]

    def _values(self, words: list[str]) -> dict[str, list[str]]:
        """Key -> the overrides that the sweep gives it."""
        found = {}
        for override in self.parser.parse_overrides(typed(words)):
            key = override.get_key_element()
            if not override.is_sweep_override():
                found[key] = [override.input_line]
            elif override.is_discrete_sweep():
                found[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
            else:
                raise InputError(f"{override.input_line}: this needs hydra/sweeper=optuna")
        return found


def _check_overrides(config: DictConfig) -> None:
    """Refuse a config that overrides the launcher or sweeper: Hydra uses train.yaml's override first and ignores later ones.

    Raises:
        InputError: a chosen config has `override /hydra/launcher: ...` among its defaults.
    """
    runtime = config.hydra.runtime
    for source in runtime.config_sources:
        for group, choice in runtime.choices.items() if source.schema == "file" else ():
            file = Path(source.path, group, f"{choice}.yaml")
            content = yaml.safe_load(file.read_text()) if file.is_file() else None
            for entry in (content.get("defaults") or []) if isinstance(content, dict) else []:
                for key, name in entry.items() if isinstance(entry, dict) else ():
                    if found := re.fullmatch(r"override\s+/?(hydra/(?:launcher|sweeper))", str(key)):
                        line = f"- /{found[1]}/{name}"
                        raise InputError(
                            f"{file}: '{key}: {name}' has no effect, because train.yaml overrides it too: write '{line}'"
                        )
