"""Score a checkpoint on benchmarks by the papers' protocol, with bicubic's row beside it.

    python test.py --help
    python test.py ckpt=outputs/first/checkpoints/best.ckpt benchmark=[set5,set14]
"""

from omegaconf import DictConfig

from sr.cli import entry, run_folder


def test(cfg: DictConfig) -> None:
    """Run the config: a table on the screen, metrics.json and pictures in output_dir."""
    from sr import build
    from sr.table import comparison, write_metrics

    cfg.output_dir = run_folder(cfg)
    network = build.tested_network(cfg)
    data = build.benchmarks(cfg)
    model = build.evaluation(cfg, network)
    trainer = build.trainer(cfg)

    trainer.test(model, datamodule=data, verbose=False)

    if trainer.is_global_zero:
        file = write_metrics(model.results, cfg.output_dir)
        print(comparison(model.results, type(network).__name__))
        print(f"{file}; pictures are in {cfg.output_dir}/images/test")


main = entry("test")(test)

if __name__ == "__main__":
    main()
