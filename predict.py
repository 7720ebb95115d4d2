"""Enlarge image files: one, a folder with its sub-folders, or a pattern.

python predict.py --help
python predict.py ckpt=outputs/first/checkpoints/best.ckpt input=photos/ output=upscaled/
"""

from omegaconf import DictConfig

from sr.cli import entry


def predict(cfg: DictConfig) -> None:
    """Run the config; exit code 1 if any file failed."""
    from sr import build
    from sr.plan import plan
    from sr.predict import pick_device, predict_files

    files = plan(cfg.input, cfg.output, format=cfg.format, suffix=cfg.suffix)
    device = pick_device(cfg.device)
    network = build.network(cfg).eval() if cfg.get("network") else build.stored_network(cfg)

    result = predict_files(
        network.to(device),
        files,
        tile=cfg.tile,
        overlap=cfg.overlap,
        ensemble=cfg.ensemble,
        overwrite=cfg.overwrite,
    )

    if result.failed:
        raise SystemExit(1)


main = entry("predict")(predict)

if __name__ == "__main__":
    main()
