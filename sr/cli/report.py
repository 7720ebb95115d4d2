"""report.py and sr-report: compare runs: one HTML page and a Markdown table."""

from omegaconf import DictConfig, OmegaConf

from sr.cli import entry


def report(cfg: DictConfig) -> None:
    """Run the config: report.html, table.md, report.json and the plots in output, the table on the screen."""
    from sr.report.make import report as make
    from sr.weights.trust import of_command_line

    options = OmegaConf.to_container(cfg)
    metric = next(iter(options.pop("metric", None) or [None]))  # only the name of the chosen metric
    sources, output, files = (options.pop(key) for key in ("runs", "output", "votes"))
    del options["trust"]
    trusted = of_command_line(cfg)
    table = make(listed(sources), output, vote_files=listed(files), metric=metric, trusted=trusted, **options)

    print(table)
    print(f"{output}/report.html")


def listed(value: object) -> list[str]:
    """One value or a list of them."""
    return [str(item) for item in (value if isinstance(value, list) else [] if value is None else [value])]


main = entry("report")(report)
