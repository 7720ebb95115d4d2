"""predict.py and sr-predict: enlarge files: pictures, videos, volumes and bursts."""

from typing import Any

from omegaconf import DictConfig, OmegaConf

from sr.cli import entry
from sr.cli.words import of_checkpoint
from sr.errors import InputError


def predict(cfg: DictConfig) -> None:
    """Run the config; exit code 1 if any file failed."""
    if not cfg.get("network"):
        cfg.ckpt  # noqa: B018, checked before torch is imported
    if not isinstance(cfg.compare, bool):
        raise InputError(f"compare={cfg.compare}: choose true or false")
    if cfg.compare:
        raise SystemExit(1 if compare(cfg) else 0)

    from sr import build

    if build.is_of_volumes(cfg):
        raise SystemExit(1 if volumes(cfg).failed else 0)
    if build.is_of_bursts(cfg):
        raise SystemExit(1 if bursts(cfg).failed else 0)
    from sr.cli.signature import check
    from sr.predict.files import pick_device, predict_files
    from sr.predict.plan import plan

    for key in ("reference", "degrade"):
        if cfg[key]:
            raise InputError(f"{key}=... needs compare=true: pass both, or remove {key}")
    keys = ("tile", "overlap", "batch", "precision", "ensemble", "outscale", "size", "alpha_upscale", "overwrite", "pages")
    options = {key: cfg[key] for key in keys}
    check({"_target_": "sr.predict.files.predict_files", **options})

    from sr.predict.video_plan import is_live
    from sr.predict.video_plan import videos as are_videos

    if is_live(listed(cfg.input)):
        live(cfg)
        return
    if (found := are_videos(listed(cfg.input))) is not None:
        raise SystemExit(1 if videos(cfg, found).failed else 0)
    files = plan(listed(cfg.input), cfg.output, format=cfg.format, suffix=cfg.suffix)
    device = pick_device(cfg.device)
    network = build.predicting_network(cfg, build.sizes_of_pictures(files, cfg.overwrite))

    from sr.functional.frames import is_clip

    if is_clip(network):
        from sr.predict.frames import predict_frames

        settings, options = video_settings(cfg)
        result = predict_frames(network.to(device), files, settings, overwrite=cfg.overwrite, **options)
    else:
        result = predict_files(network.to(device), files, kind=build.image(cfg), **options)
    if result.failed:
        raise SystemExit(1)


def video_settings(cfg: DictConfig) -> tuple[Any, dict[str, Any]]:
    """What `video.*` says, and the options of the network."""
    from sr.predict.video import VideoSettings

    check_settled(cfg, {"alpha_upscale": "bicubic", "bandwise": False, "anisotropic": False}, "is not for videos")
    keys = ("tile", "overlap", "batch", "precision", "ensemble", "outscale", "size")
    options = {key: cfg[key] for key in keys}
    return VideoSettings.of(cfg.video), options


def live(cfg: DictConfig) -> Any:
    """Upscale a stream until it ends or is stopped."""
    from sr import build
    from sr.predict.files import pick_device
    from sr.predict.live import predict_live

    settings, options = video_settings(cfg)
    device = pick_device(cfg.device)
    network = build.predicting_network(cfg)
    return predict_live(network.to(device), cfg.input, cfg.output, settings, overwrite=cfg.overwrite, **options)


def videos(cfg: DictConfig, found: list[Any]) -> Any:
    """Upscale video files; returns what was written and what failed."""
    from sr import build
    from sr.predict.files import pick_device
    from sr.predict.video import predict_videos
    from sr.predict.video_plan import plan_videos

    settings, options = video_settings(cfg)
    files = plan_videos(found, cfg.output, format=cfg.format, suffix=cfg.suffix)
    for _, target in files:
        settings.check(target)
    device = pick_device(cfg.device)
    network = build.predicting_network(cfg, build.sizes_of_videos(files, cfg.overwrite))
    return predict_videos(network.to(device), files, settings, overwrite=cfg.overwrite, kind=build.image(cfg), **options)


def volumes(cfg: DictConfig) -> Any:
    """Upscale volume files by a network for volumes; returns what was written and what failed."""
    from sr import build
    from sr.cli.signature import check
    from sr.predict.files import pick_device
    from sr.predict.volumes import plan_volumes, predict_volumes

    settled = {
        "outscale": None,
        "size": None,
        "format": None,
        "alpha_upscale": "bicubic",
        "batch": "auto",
        "reference": None,
        "degrade": False,
        "bandwise": False,
    }
    check_settled(cfg, settled, f"is for pictures, but the network of {cfg.ckpt} is for volumes")
    keys = ("tile", "overlap", "precision", "ensemble", "overwrite", "anisotropic")
    options = {key: cfg[key] for key in keys}
    check({"_target_": "sr.predict.volumes.predict_volumes", **options})
    files = plan_volumes(listed(cfg.input), cfg.output, suffix=cfg.suffix)
    device = pick_device(cfg.device)
    network, kind = build.volume_network(cfg)
    return predict_volumes(network.to(device), files, kind, **options)


def bursts(cfg: DictConfig) -> Any:
    """Fuse bursts, folders of frames, by a network for bursts; returns what was written and what failed."""
    from sr import build
    from sr.cli.signature import check
    from sr.predict.bursts import plan_bursts, predict_bursts, settled
    from sr.predict.files import pick_device

    check_settled(cfg, settled(), "is for pictures, but the network is for bursts")
    options = {key: cfg[key] for key in ("tile", "overlap", "batch", "precision", "ensemble", "overwrite")}
    check({"_target_": "sr.predict.bursts.predict_bursts", **options})
    files = plan_bursts(listed(cfg.input), cfg.output, format=cfg.format, suffix=cfg.suffix)
    device = pick_device(cfg.device)
    network = build.predicting_network(cfg)
    return predict_bursts(network.to(device), files, kind=build.image(cfg), **options)


def check_settled(cfg: DictConfig, settled: dict[str, Any], why: str) -> None:
    """InputError: a key has another value than the only one that this job takes."""
    for key, value in settled.items():
        if cfg[key] != value:
            raise InputError(f"{key}={cfg[key]} {why}: remove it")


def listed(value: object) -> object:
    """A list of the config as a plain list."""
    return OmegaConf.to_container(value) if OmegaConf.is_list(value) else value


def compare(cfg: DictConfig) -> int:
    """One page for all files of ckpt=[...], each with its own network; returns the number of failed input files."""
    from sr import build
    from sr.cli import choice
    from sr.cli.signature import check
    from sr.functional.axes import is_volume
    from sr.functional.frames import is_burst
    from sr.predict.compare import compare_files
    from sr.predict.files import pick_device

    settled = {
        "alpha": None,
        "size": None,
        "format": None,
        "suffix": "",
        "precision": 32,
        "batch": "auto",
        "backend": None,
    }
    why = "cannot be combined with compare=true, which shows each network of ckpt in float32"
    check_settled(cfg, settled | {"alpha_upscale": "bicubic"}, why)
    options = {key: cfg[key] for key in ("degrade", "tile", "overlap", "ensemble", "overwrite")}
    check({"_target_": "sr.predict.compare.compare_files", "outscale": cfg.outscale, **options})
    device = pick_device(cfg.device)
    compared, kind = build.compared_networks(cfg)
    networks = [(name or choice("network", "network"), network.to(device)) for name, network in compared]
    if volumes := [name for name, network in networks if is_volume(network)]:
        raise InputError(f"compare=true is for pictures, but the network of {volumes[0]} is for volumes: remove it")
    if bursts := [name for name, network in networks if is_burst(network)]:
        raise InputError(f"compare=true is for pictures, but the network of {bursts[0]} is for bursts: remove it")

    output = "." if OmegaConf.is_missing(cfg, "output") else cfg.output
    from sr.predict.video_plan import videos as are_videos

    if (found := are_videos(listed(cfg.input))) is not None:
        from sr.predict.compare_video import compare_videos

        check_settled(cfg, {"outscale": None}, "with compare=true is for pictures")
        settings, _ = video_settings(cfg)
        return compare_videos(networks, [file for file, _ in found], output, settings, reference=cfg.reference, **options)
    options |= {"outscale": cfg.outscale, "kind": kind}
    return compare_files(networks, listed(cfg.input), output, reference=cfg.reference, **options)


main = entry("predict", of_checkpoint)(predict)
