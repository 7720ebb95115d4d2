"""train.py and sr-train: train a network, test its best checkpoint against bicubic, write everything to output_dir."""

from omegaconf import DictConfig

from sr.cli import check_degradation, config_dirs, entry, overrides, run_folder, scale_line
from sr.run.words import expanded


def train(cfg: DictConfig) -> float | None:
    """Run the config; returns the best validation score, which sweeps optimise."""
    check_degradation(cfg)
    from pytorch_lightning.utilities import rank_zero_only

    from sr import build
    from sr.metric.record import records
    from sr.run.journal import journal
    from sr.run.record import recorded
    from sr.run.reproduce import check_code, compare
    from sr.run.resume import resumed
    from sr.view.table import comparison, write_metrics, write_table

    cfg.output_dir = run_folder(cfg)
    if cfg.resume:
        cfg = resumed(cfg, overrides())
    if cfg.reproduce:
        check_code(cfg)
    if cfg.get("preview"):
        rank_zero_only(print)(f"the first training samples are in {build.preview(cfg)}")
        return None
    known = {key: cfg[key] for key in ("resume", "study", "variant", "seed")}
    with journal(cfg.output_dir, overrides()), recorded(cfg.output_dir, overrides(), config_dir=config_dirs(), **known) as run:
        rank_zero_only(print)(scale_line(cfg))
        build.seed(cfg)
        data = build.data(cfg)
        model = build.model(cfg)
        trainer = build.trainer(cfg, model)
        build.write_config(cfg)

        build.fit(trainer, model, data, resume=cfg.resume)
        run.update(**build.facts(trainer, model))
        results = build.test(trainer, model, data)

        if trainer.is_global_zero:
            write_metrics(results, cfg.output_dir)
            name = cfg.variant or build.table_name(cfg)
            table = comparison(results, name, data.kind.measured, records(model.metric), cfg.scale)
            table = "\n\n".join(filter(None, (table, build.gain(trainer))))
            print(table)
            write_table(table, cfg.output_dir)
            print(f"checkpoints, metrics.json and pictures (images/test) are in {cfg.output_dir}")
            if cfg.reproduce:
                compare(results, cfg.reproduce)
    return build.score(trainer)


main = entry("train", expanded)(train)
