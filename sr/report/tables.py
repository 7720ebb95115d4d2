"""The report's tables: the same rows for the page and for Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sr.report.costs import Cost
from sr.report.results import BICUBIC, Results
from sr.report.runs import Run
from sr.report.statistics import Difference, Estimate
from sr.report.variants import Variant
from sr.table import markdown


@dataclass(frozen=True)
class Cell:
    """A number, its interval, and whether it is the best of its column."""

    text: str = ""
    interval: str = ""
    best: bool = False

    def __str__(self) -> str:
        text = f"**{self.text}**" if self.best else self.text
        return f"{text} {self.interval}".strip()


@dataclass
class Table:
    title: str
    head: list[str]  # the first names the rows
    rows: dict[str, list[Cell]] = field(default_factory=dict)
    note: str = ""
    words: bool = False  # cells are words, not numbers

    def markdown(self) -> str:
        rows = [self.head, *([name, *map(str, cells)] for name, cells in self.rows.items())]
        return markdown([[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows])


def digits(metric: str) -> int:
    """As papers print it: PSNR in hundredths of a dB, everything else to four places."""
    return 2 if metric.startswith("psnr") else 4


def number(metric: str, value: float, sign: bool = False) -> str:
    return f"{value:{'+' if sign else ''}.{digits(metric)}f}".replace("-", "−" if sign else "-")


def interval(metric: str, one: Estimate, sign: bool = False) -> str:
    return "" if one.low is None else f"[{number(metric, one.low, sign)}, {number(metric, one.high, sign)}]"


def p_value(one: Difference) -> str:
    p = one.corrected
    return "" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def scores(results: Results, variants: Sequence[Variant]) -> Table:
    """The ranking metric: for each set mean, difference to the baseline and its corrected p."""
    seeds = {variant.name: len(variant.runs) for variant in variants}
    table = Table("Results", ["variant", "seeds"])
    for benchmark, images in results.sets.items():
        table.head += [f"{benchmark} ({len(images)}) {results.metric}", f"to {results.baseline}", "p"]
    for name in results.ranking + [name for name in results.names if name not in results.overall]:
        cells = [Cell(str(seeds.get(name, "")))]
        for benchmark in results.sets:
            own = results.estimates.get((name, benchmark, results.metric))
            gap = results.differences.get((name, benchmark))
            best = name == results.best(benchmark, results.metric)
            cells.append(Cell(number(results.metric, own.mean), interval(results.metric, own), best) if own else Cell())
            cells.append(
                Cell(number(results.metric, gap.mean, True), interval(results.metric, gap, True))
                if gap
                else Cell("baseline" if name == results.baseline else "")
            )
            cells.append(Cell(p_value(gap) if gap else ""))
        table.rows[name] = cells
    count = results.comparisons
    table.note = (
        f"Mean with its 95 % interval over images and seeds. Images differ far more than networks do: whether two variants "
        f"differ is told by the difference to {results.baseline}, which is paired, not by intervals of means that overlap. "
        f"p: paired bootstrap, two-sided, corrected for {count} comparison{'s' if count != 1 else ''} (Holm)."
    )
    return table


def others(results: Results) -> Table | None:
    """The means of the other metrics."""
    metrics = [metric for metric in results.metrics if metric != results.metric]
    if not metrics:
        return None
    table = Table("Other metrics", ["variant", *(f"{benchmark} {metric}" for benchmark in results.sets for metric in metrics)])
    for name in results.ranking:
        cells = []
        for benchmark in results.sets:
            for metric in metrics:
                own = results.estimates.get((name, benchmark, metric))
                best = name == results.best(benchmark, metric)
                cells.append(Cell(number(metric, own.mean), interval(metric, own), best) if own else Cell())
        table.rows[name] = cells
    lower = [metric for metric in metrics if not results.higher[metric]]
    table.note = f"Lower is better: {', '.join(lower)}." if lower else ""
    return table


def costs(results: Results, known: Mapping[str, Cost]) -> Table:
    """What each variant costs, without the columns of which nothing is known."""
    columns = {
        "parameters": lambda cost: _size(cost.parameters),
        "multiply-adds": lambda cost: _size(cost.multiply_adds),
        "s / megapixel": lambda cost: "" if cost.seconds is None else f"{cost.seconds:#.3g}",
        "memory, MB": lambda cost: "" if cost.memory is None else f"{cost.memory:.0f}",
        "training": lambda cost: _duration(cost.training_seconds),
        "training memory, MB": lambda cost: "" if cost.training_memory is None else f"{cost.training_memory:.0f}",
        "steps": lambda cost: "" if cost.steps is None else f"{cost.steps:,}",
    }
    table = Table("Costs", ["variant", *columns])
    table.rows = {name: [Cell(show(known[name])) for show in columns.values()] for name in results.ranking if name in known}
    table = _filled(table)
    notes = {"multiply-adds": "Multiply-adds of a 1280×720 output.", "s / megapixel": "Seconds for a megapixel of output."}
    table.note = " ".join(note for column, note in notes.items() if column in table.head)
    return table


def keys(variants: Sequence[Variant], found: Mapping[str, Sequence[str]]) -> Table | None:
    """A row for each variant, or, of many keys, for each key."""
    if not found:
        return None
    names = [variant.name for variant in variants]
    if len(found) <= 6:
        table = Table("Config keys that differ", ["variant", *found], words=True)
        table.rows = {name: [Cell(values[row]) for values in found.values()] for row, name in enumerate(names)}
    else:
        table = Table("Config keys that differ", ["key", *names], words=True)
        table.rows = {key: [Cell(value) for value in values] for key, values in found.items()}
    return table


def runs(variants: Sequence[Variant], every: Sequence[Run]) -> Table:
    """Each folder: what it is, how it ended, with which code and on what."""
    names = {id(run): variant.name for variant in variants for run in variant.runs}
    table = Table("Runs", ["folder", "variant", "seed", "status", "commit", "device", "finished"], words=True)
    for run in every:
        facts = run.facts
        commit = str(facts.get("commit") or "")[:10] + (" + changes" if facts.get("dirty") else "")
        words = [names.get(id(run), facts.get("variant") or ""), run.seed, run.status, commit]
        words += [facts.get("device"), facts.get("finished")]
        table.rows[str(run.folder)] = [Cell("" if word is None else str(word)) for word in words]
    return _filled(table)


def _filled(table: Table) -> Table:
    """Without the columns of which nothing is known."""
    used = [index for index in range(len(table.head) - 1) if any(cells[index].text for cells in table.rows.values())]
    table.head = [table.head[0], *(table.head[index + 1] for index in used)]
    table.rows = {name: [cells[index] for index in used] for name, cells in table.rows.items()}
    return table


def answer(results: Results) -> str:
    """The result in a sentence or two."""
    best = next((name for name in results.ranking if name != BICUBIC), results.ranking[0])
    metric, over = results.metric, ", ".join(results.sets)
    mean = number(metric, results.overall[best].mean) + (" dB" if metric.startswith("psnr") else "")
    text = f"Best by {metric}: {best}, {mean} ({'mean of ' if len(results.sets) > 1 else ''}{over})"
    gaps = {benchmark: one for (name, benchmark), one in results.differences.items() if name == best}
    if best == results.baseline:
        text += ", the baseline itself."
    else:
        told = [
            f"{number(metric, gap.mean, True)} {interval(metric, gap, True)}".strip()
            + (f" on {benchmark}" if len(gaps) > 1 else "")
            + ("" if gap.p is None else f" (p{'' if p_value(gap).startswith('<') else '='}{p_value(gap)})")
            for benchmark, gap in gaps.items()
        ]
        text += f"; against {results.baseline} {', '.join(told)}."
    if results.ranking[0] == BICUBIC:
        text += f" Bicubic has {number(metric, results.overall[BICUBIC].mean)}."
    return text


def _size(value: float | None) -> str:
    if value is None:
        return ""
    for limit, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "K")):
        if value >= limit:
            return f"{value / limit:.3g} {letter}" if value < 999.5 * limit else f"{value / limit:.0f} {letter}"
    return f"{value:.0f}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 120 else f"{minutes} min"
