"""export.py and sr-export: write a trained network into a file that runs without this project."""

from omegaconf import DictConfig

from sr.cli import entry
from sr.cli.words import of_checkpoint


def export(cfg: DictConfig) -> None:
    """Run the config: a line for each size at which the file was checked, and the file's name and size."""
    if not cfg.get("network"):
        cfg.ckpt  # noqa: B018, checked before torch is imported
    from pathlib import Path

    from sr.export.file import check_place, files_of, format_of
    from sr.export.file import export as write

    format = format_of(Path(cfg.output), cfg.format)
    check_place(Path(cfg.output))
    from sr import build

    network = build.predicting_network(cfg)
    int8 = build.export_quantise(cfg, network, format)
    facts = build.export_facts(cfg, network)
    print(f"{facts.network} x{facts.scale} of {facts.name}; largest difference from PyTorch, in 8-bit levels before rounding:")
    options = {key: cfg[key] for key in ("format", "precision", "opset", "overwrite")}
    path = write(network, facts, cfg.output, int8=int8, **options)
    files = files_of(path, format)
    print(f"{' and '.join(map(str, files))}: {sum(file.stat().st_size for file in files) / 1e6:.1f} MB")
    if facts.multiple_of > 1:
        print(
            f"height and width of its images must be multiples of {facts.multiple_of}: test.py and predict.py pad them; "
            "another program that does not gets wrong pixels"
        )


main = entry("export", of_checkpoint)(export)
