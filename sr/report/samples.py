"""Networks that draw noise: what their results have in common over several seeds, in numbers and as pictures of the spread."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sr import build
from sr.image.file import to_pixels
from sr.image.kind import PHOTO
from sr.infer.upscaler import Upscaler
from sr.metric.frames import means, numbers, one_score
from sr.report.pictures import TILE, Strip, sample
from sr.report.runs import Run
from sr.report.tables import Cell, Table, number

WHITE = 0.2  # standard deviation, as a share of the range, that is shown as white


def of_seeds(
    strips: Sequence[Strip],
    benchmarks: Mapping[str, Any],
    networks: Mapping[str, nn.Module],
    run: Run,
    metrics: Sequence[str],
    *,
    seeds: int,
    device: torch.device,
) -> Table | None:
    """The scores of networks that draw noise over the seeds 0, 1, ... on the images of the strips, which get a picture of each
    pixel's standard deviation.

    Returns:
        None without such networks or strips.
    """
    drawing = {name: network for name, network in networks.items() if getattr(network, "draws_noise", False)}
    if not drawing or not strips or seeds < 2:
        return None
    table = Table("Over seeds", ["variant"])
    for name, network in drawing.items():
        network.to(device)
        rows = [_measured(strip, name, network, benchmarks[strip.benchmark], run, metrics, seeds) for strip in strips]
        network.to("cpu")
        columns = rows[0]
        table.head = ["variant", *columns]
        table.rows[name] = [_cell(column, [row[column] for row in rows]) for column in columns]
    table.note = (
        f"Mean and, after ±, standard deviation over {seeds} seeds of an image, averaged over the {len(strips)} images of the "
        "pictures below. Mean picture: that of the seeds. Spread: the standard deviation of a pixel, in 8-bit levels."
    )
    return table


def _measured(
    strip: Strip, name: str, network: nn.Module, benchmark: Any, run: Run, metrics: Sequence[str], seeds: int
) -> dict[str, Sequence[float]]:
    """Column -> the scores of the seeds on the image of a strip, or one number."""
    kind, found = getattr(benchmark, "kind", PHOTO), sample(benchmark, strip.image)
    device = next(network.parameters()).device
    lr, hr = (kind.scaled(found[key][None]) for key in ("lr", "hr"))
    own, pictures = network.seed, []
    for seed in range(seeds):
        network.adjust(seed=seed)
        pictures.append(Upscaler(network, tile=TILE)(lr.to(device)).cpu().clamp(0, 1))
    network.adjust(seed=own)
    every = torch.cat(pictures)
    spread, mean = every.std(0, keepdim=True), every.mean(0, keepdim=True)
    top, left, height, width = strip.place
    strip.spreads[name] = to_pixels(_gray(spread[..., top : top + height, left : left + width]))
    measured = build.metrics(list(metrics), run.scale, kind, run.config.get("data_dir"))

    def scores(sr: Tensor) -> dict[str, float]:
        given = {"lr": lr, "mask": None, "batch": {"lr": lr, "hr": hr}}
        return means(numbers({key: one_score(metric, sr, hr, **given) for key, metric in measured.items()}))

    of_each, of_mean = [scores(one) for one in pictures], scores(mean)
    columns: dict[str, Sequence[float]] = {}
    for metric in measured:
        columns[metric] = [one[metric] for one in of_each]
        columns[f"{metric}, mean picture"] = [of_mean[metric]]
    return columns | {"spread": [255 * spread.mean().item()]}


def _gray(spread: Tensor) -> Tensor:
    """The standard deviation (1, C, h, w), averaged over the bands, as a picture (1, 3, h, w)."""
    return (spread.mean(1, keepdim=True) / WHITE).clamp(0, 1).expand(-1, 3, -1, -1)


def _cell(column: str, rows: Sequence[Sequence[float]]) -> Cell:
    metric = column.partition(",")[0]
    mean = float(np.mean([np.mean(row) for row in rows]))
    if column == "spread":
        return Cell(f"{mean:.2f}")
    apart = float(np.mean([np.std(row, ddof=1) for row in rows])) if len(rows[0]) > 1 else None
    return Cell(number(metric, mean), "" if apart is None else f"± {number(metric, apart)}")
