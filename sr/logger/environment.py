"""W&B's environment variables beside our config: the command line wins over them, and they win over conf/logger/wandb.yaml."""

import os
from collections.abc import Collection, Mapping
from typing import Any

from omegaconf import DictConfig

# Key of conf/logger/wandb.yaml -> what W&B calls it (https://docs.wandb.ai, "Environment variables"). What the config does
# not have (WANDB_ENTITY, WANDB_NOTES, WANDB_JOB_TYPE ...) W&B reads itself; WANDB_MODE is for mode=auto.
VARIABLES = {
    "project": "WANDB_PROJECT",
    "name": "WANDB_NAME",
    "group": "WANDB_RUN_GROUP",
    "tags": "WANDB_TAGS",  # separated by commas
    "run_id": "WANDB_RUN_ID",
    "finish_timeout": "WANDB_FINISH_TIMEOUT",
}


def apply(node: DictConfig, typed: Collection[str], environment: Mapping[str, str] = os.environ) -> None:
    """Write what the environment says into W&B's part of the config, where the command line says nothing.

    Args:
        node: of logger.wandb.
        typed: keys that the command line gives, such as logger.wandb.project.
    """
    for key, variable in VARIABLES.items():
        value: Any = environment.get(variable)
        if not value or {f"logger.wandb.{key}", "logger.wandb"} & set(typed):
            continue
        if key == "tags":
            value = [tag.strip() for tag in value.split(",") if tag.strip()]
        node[key] = None if key == "finish_timeout" else value  # None: W&B reads it, and says what is wrong with it
