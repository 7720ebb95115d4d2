"""Write a trained network into a file that runs without this project: ONNX, OpenVINO or PyTorch's exported program.

python export.py --help
python export.py ckpt=outputs/first/checkpoints/best.ckpt output=first.onnx
python export.py ckpt=IMDN_x4.pth output=imdn.xml    # OpenVINO: imdn.xml and imdn.bin
python export.py ckpt=IMDN_x4.pth output=imdn_int8.xml quantise=int8 data.train=DIV2K/    # 8 bits, for CPUs
python predict.py ckpt=first.onnx input=photos/ output=upscaled/
"""

from omegaconf import DictConfig

from sr.cli import entry


def export(cfg: DictConfig) -> None:
    """Run the config: a line for each size at which the file was checked, and the file's name and size."""
    if not cfg.get("network"):
        cfg.ckpt  # noqa: B018, checked before torch is imported
    from pathlib import Path

    from sr.export.file import export as write
    from sr.export.file import format_of

    format = format_of(Path(cfg.output), cfg.format)
    from sr import build

    network = build.predicting_network(cfg)
    int8 = build.export_quantise(cfg, network, format)
    facts = build.export_facts(cfg, network)
    print(f"{facts.network} x{facts.scale} of {facts.name}; largest difference from PyTorch, in 8-bit levels before rounding:")
    options = {key: cfg[key] for key in ("format", "precision", "opset", "overwrite")}
    path = write(network, facts, cfg.output, int8=int8, **options)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


main = entry("export")(export)

if __name__ == "__main__":
    main()
