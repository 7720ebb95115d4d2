"""W&B's environment variables: they override conf/logger/wandb.yaml, and the command line overrides them."""

import os
from collections.abc import Collection, Mapping
from typing import Any

from omegaconf import DictConfig

# Key of conf/logger/wandb.yaml -> W&B's variable (https://docs.wandb.ai, "Environment variables"). W&B itself reads those
# that the config does not have (WANDB_ENTITY, WANDB_NOTES, WANDB_JOB_TYPE ...); WANDB_MODE is for mode=auto.
VARIABLES = {
    "project": "WANDB_PROJECT",
    "name": "WANDB_NAME",
    "group": "WANDB_RUN_GROUP",
    "tags": "WANDB_TAGS",  # separated by commas
    "run_id": "WANDB_RUN_ID",
    "finish_timeout": "WANDB_FINISH_TIMEOUT",
}


def apply(node: DictConfig, typed: Collection[str], environment: Mapping[str, str] = os.environ) -> None:
    """Write the environment's values into the W&B config, for keys that the command line does not set.

    Args:
        node: the config of logger.wandb.
        typed: keys set on the command line, such as logger.wandb.project.
    """
    for key, variable in VARIABLES.items():
        value: Any = environment.get(variable)
        if not value or {f"logger.wandb.{key}", "logger.wandb"} & set(typed):
            continue
        if key == "tags":
            value = [tag.strip() for tag in value.split(",") if tag.strip()]
        node[key] = None if key == "finish_timeout" else value  # None: W&B reads it, and reports errors
