"""test.py and sr-test: score a checkpoint and bicubic on benchmarks by the papers' protocol."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from sr.cli import entry, run_folder
from sr.cli.words import of_checkpoint
from sr.errors import InputError


def test(cfg: DictConfig) -> None:
    """Run the config: a table on the screen, metrics.json, metric_records.json and pictures in output_dir."""
    if not (cfg.get("published") or cfg.get("network") or cfg.results):
        cfg.ckpt  # noqa: B018, checked before torch is imported
    from sr import build
    from sr.published import reproduce
    from sr.view.table import comparison, write_metrics, write_records

    cfg.output_dir = run_folder(cfg)
    if Path(cfg.output_dir, "run.json").exists():
        raise InputError(
            f"output_dir={cfg.output_dir} is the folder of a run, whose metrics.json would be overwritten: choose another"
        )
    if cfg.get("variant") and cfg.get("published"):
        raise InputError(f"variant={cfg.variant} names a row of one network: remove it")
    if cfg.results:
        build.check_results(cfg)
        build.settle_image(cfg)
    elif cfg.results_pattern:
        raise InputError(
            f"results_pattern={cfg.results_pattern} is for the files of results=FOLDER: pass it, or remove the pattern"
        )
    if cfg.get("published"):
        results, table = reproduce(cfg, score)
    else:
        name = Path(cfg.results).name if cfg.results else build.network_name(cfg)
        several = OmegaConf.is_list(cfg.scale)
        results, metrics = build.over_scales(cfg, row) if several else row(cfg)
        table = comparison(results, name, build.image(cfg).measured, metrics, None if several else cfg.scale)
        pictures = f"{cfg.output_dir}{'/x*' if several else ''}/images/test"
        if several and results:
            write_records(metrics, cfg.output_dir)

    if results:
        file = write_metrics(results, cfg.output_dir)
        print(table)
        print(f"{file}; pictures are in {pictures}" if not cfg.get("published") else file)


def score(cfg: DictConfig) -> dict[str, Any]:
    """The scores of the config's network on its benchmarks; None in the other processes of a run."""
    return measured(cfg)[0]


def row(cfg: DictConfig) -> tuple[dict[str, Any], dict[str, Any]]:
    """What `measured` returns, which is written too: with `variant`, the folder of one scale is a row of report.py."""
    from sr import build
    from sr.view.table import write_metrics, write_records

    results, metrics = measured(cfg)
    if results:
        write_records(metrics, cfg.output_dir)
        if cfg.variant:
            write_metrics(results, cfg.output_dir)
            build.write_config(cfg)
    return results, metrics


def measured(cfg: DictConfig) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same, with a record of how the metrics measured."""
    from sr import build
    from sr.metric.record import records

    network = None if cfg.results else build.tested_network(cfg)
    data = build.benchmarks(cfg)
    if network is None:
        network = build.results(cfg, data)
    else:
        network = build.on_backend(cfg, network, build.sizes_of_benchmarks(data, cfg.scale))
    model = build.evaluation(cfg, network)
    trainer = build.trainer(cfg)

    trainer.test(model, datamodule=data, verbose=False)

    return (model.results if trainer.is_global_zero else {}), records(model.metric)


main = entry("test", of_checkpoint)(test)
