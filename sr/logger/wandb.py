"""W&B's logger, which never blocks on a login or a server."""

import netrc
import os
import socket
import sys
from pathlib import Path
from typing import Any
from urllib.parse import ParseResult, urlparse
from urllib.request import getproxies

from pytorch_lightning.loggers import WandbLogger
from pytorch_lightning.utilities import rank_zero_only

from sr.device.private import without_anonymous
from sr.errors import InputError


def wandb_logger(
    *,
    folder: str,
    project: str,
    name: str | None = None,
    group: str | None = None,
    tags: list[str] | None = None,
    mode: str = "auto",
    run_id: str | None = None,
    finish_timeout: float | None = 600,
    pictures: bool | None = None,
    private: bool = False,
) -> WandbLogger:
    """A W&B logger; `auto` is online if the user is logged in and the server answers, otherwise offline.

    Offline, it prints how to sync. `online` becomes offline too if the server does not answer. At the end it waits for
    uploads at most `finish_timeout` seconds (None: W&B's own behaviour): everything is on disk, and a run never fails
    because of W&B. WANDB_DIR, WANDB_RESUME, WANDB_INIT_TIMEOUT and the variables that W&B itself reads, such as
    WANDB_ENTITY, are respected.

    Args:
        pictures: whether it gets pictures; None: unless images are private.
        private: whether images are of patients: then `auto` is offline.

    Raises:
        InputError: another mode.
    """
    if mode not in ("auto", "online", "offline", "disabled"):
        raise InputError(f"logger.wandb.mode={mode}: choose auto, online, offline or disabled")
    if private and mode == "auto":
        rank_zero_only(print)("images of patients: W&B gets no pictures, and is offline without logger.wandb.mode=online")
    mode = possible(mode, private)
    os.environ.setdefault("WANDB_SILENT", "true")  # W&B's own lines would break the progress bar
    place = os.environ.get("WANDB_DIR") or folder
    os.environ.setdefault("WANDB_DATA_DIR", str(Path(place, "wandb").resolve()))  # tables wait there for a sync, not in HOME
    finish_wandb()  # of a failed job of the sweep; otherwise Lightning would continue it
    Path(place).mkdir(parents=True, exist_ok=True)

    def opened(mode: str) -> WandbLogger:
        if mode == "offline":
            runs = f"{place}/wandb/offline-run-*" + (f"-{run_id}" if place != folder and run_id else "")
            rank_zero_only(print)(f"W&B is offline; upload this run later with: wandb sync {runs}")
        settings: dict[str, Any] = {"finish_timeout_raises": False}
        if finish_timeout is not None:
            settings["finish_timeout"] = finish_timeout
        if "WANDB_INIT_TIMEOUT" not in os.environ:
            settings["init_timeout"] = 30
        logger = WandbLogger(
            project=project,
            name=name or Path(folder).name,
            save_dir=place,
            group=group,
            tags=tags,
            id=run_id,
            mode=mode,
            resume=os.environ.get("WANDB_RESUME") or "allow",  # Lightning's default
            settings=settings,
        )
        logger.pictures = pictures  # for sr.callback.privacy
        return without_anonymous(logger)

    logger = opened(mode)
    if mode != "online":
        return logger
    try:
        _ = logger.experiment  # W&B connects here; a failure must not end the run
        return logger
    except Exception as error:  # from several libraries
        finish_wandb()
        rank_zero_only(print)(f"W&B's server is unreachable or refused the run ({' '.join(str(error).split())[:150]})")
        return opened("offline")


def possible(mode: str, private: bool = False) -> str:
    """The mode to use: `auto` follows WANDB_MODE, otherwise online if the user is logged in; offline if images are private."""
    if mode == "auto":
        mode = os.environ.get("WANDB_MODE") or ("online" if _logged_in() else "offline")
        mode = "offline" if private and mode not in ("offline", "disabled") else mode
    return "offline" if mode == "online" and not _reachable() else mode


def finish_wandb() -> None:
    """End this process's W&B run, if there is one: the next job of a sweep is a new run."""
    if "wandb" in sys.modules:
        sys.modules["wandb"].finish()


def _logged_in() -> bool:
    """Whether `wandb login` was done or an API key is in the environment; does not use the network."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    try:
        return netrc.netrc(os.environ.get("NETRC")).authenticators(_server().hostname) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def _reachable() -> bool:
    """Whether the server answers; W&B itself would try for 90 seconds and then end the run."""
    if getproxies():
        return True  # the proxy connects
    server = _server()
    try:
        socket.create_connection((server.hostname, server.port or {"http": 80}.get(server.scheme, 443)), timeout=5).close()
    except OSError:
        return False
    return True


def _server() -> ParseResult:
    return urlparse(os.environ.get("WANDB_BASE_URL") or "https://api.wandb.ai")
