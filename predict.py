"""Enlarge image files: one, a folder with its sub-folders, or a pattern.

python predict.py --help
python predict.py ckpt=outputs/first/checkpoints/best.ckpt input=photos/ output=upscaled/
python predict.py ckpt=[a.ckpt,b.pth] input=photo.png compare=true        # one HTML page that shows them side by side
"""

from omegaconf import DictConfig, OmegaConf

from sr.cli import entry


def predict(cfg: DictConfig) -> None:
    """Run the config; exit code 1 if any file failed."""
    if cfg.compare:
        raise SystemExit(1 if compare(cfg) else 0)

    from sr import build
    from sr.plan import plan
    from sr.predict import pick_device, predict_files

    files = plan(cfg.input, cfg.output, format=cfg.format, suffix=cfg.suffix)
    device = pick_device(cfg.device)
    network = build.predicting_network(cfg)

    result = predict_files(
        network.to(device),
        files,
        tile=cfg.tile,
        overlap=cfg.overlap,
        batch=cfg.batch,
        precision=cfg.precision,
        ensemble=cfg.ensemble,
        outscale=cfg.outscale,
        alpha_upscale=cfg.alpha_upscale,
        overwrite=cfg.overwrite,
    )

    if result.failed:
        raise SystemExit(1)


def compare(cfg: DictConfig) -> int:
    """One page for all files of ckpt=[...], each a network of its own; returns how many input files failed."""
    from sr import build
    from sr.cli import choice
    from sr.compare import compare_files
    from sr.predict import pick_device

    for key in ("alpha", "outscale", "format", "suffix"):
        if cfg.get(key) not in (None, ""):
            raise ValueError(f"{key}={cfg[key]} does not go with compare=true, which shows each network of ckpt: leave it out")
    device = pick_device(cfg.device)
    networks = [(name or choice("network", "network"), network.to(device)) for name, network in build.compared_networks(cfg)]

    return compare_files(
        networks,
        cfg.input,
        "." if OmegaConf.is_missing(cfg, "output") else cfg.output,
        reference=cfg.reference,
        degrade=cfg.degrade,
        tile=cfg.tile,
        overlap=cfg.overlap,
        ensemble=cfg.ensemble,
        overwrite=cfg.overwrite,
    )


main = entry("predict")(predict)

if __name__ == "__main__":
    main()
