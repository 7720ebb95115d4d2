"""The report's tables, the same for the page and for Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sr.report.consistent import measured
from sr.report.costs import Cost
from sr.report.results import Results
from sr.report.runs import Run
from sr.report.statistics import EXACT, Difference, Estimate
from sr.report.tasks import Task
from sr.report.variants import Variant
from sr.view.table import counted, directed, markdown
from sr.view.table import number as printed


@dataclass(frozen=True)
class Cell:
    """A number, its interval, and whether it is the best in its column."""

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


def number(metric: str, value: float, sign: bool = False) -> str:
    """As in the other tables; a difference uses a minus as wide as the plus."""
    text = printed(metric, value, sign=sign)
    return text.replace("-", "−") if sign else text


def interval(metric: str, one: Estimate, sign: bool = False) -> str:
    return "" if one.low is None else f"[{number(metric, one.low, sign)}, {number(metric, one.high, sign)}]"


def p_value(one: Difference) -> str:
    p = one.corrected
    return "" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def scores(results: Results, variants: Sequence[Variant]) -> Table:
    """The ranking metric: mean, difference to the baseline and corrected p for each set."""
    seeds = {variant.name: len(variant.runs) for variant in variants}
    table = Table("Results", ["variant", "seeds"])
    for benchmark, images in results.sets.items():
        metric = directed(results.metric, results.higher[results.metric])
        count = counted(len(images), benchmark in results.clips)
        table.head += [f"{benchmark} ({count}) {metric}", f"to {results.baseline}", "p"]
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
    several = max(seeds.values()) > 1
    table.note = (
        f"{'' if results.higher[results.metric] else f'Lower {results.metric} is better. '}"
        f"Mean with its 95 % interval (Student's t) over {results.unit}{' and seeds' if several else ''}. "
        f"{results.unit.capitalize()} differ much "
        f"more than networks do, so overlapping intervals do not mean that two variants are equal: look at the paired "
        f"difference to {results.baseline}. {_tests(results, several)}"
    )
    how = measured([run for variant in variants for run in variant.runs], results.metrics)
    table.note = f"{table.note} {how}".strip()
    return table


def _tests(results: Results, several: bool) -> str:
    """Which test gave the p-values, on how many images."""
    count = results.comparisons
    if not count:
        return "Nothing was tested."
    tested = {name: len(images) for name, images in results.sets.items() if any(
        one.p is not None for (_, benchmark), one in results.differences.items() if benchmark == name
    )}  # fmt: skip
    exact = [f"{name}, n = {n}" for name, n in tested.items() if n <= EXACT]
    drawn = [f"{name}, n = {n}" for name, n in tested.items() if n > EXACT]
    ways = [f"all ways to choose their signs ({'; '.join(exact)})"] if exact else []
    ways += [f"{results.draws:,} random ways to choose their signs ({'; '.join(drawn)})"] if drawn else []
    text = f"p: two-sided sign-flip test on the differences of the {results.unit}, with {' and '.join(ways)}"
    text += f", and at least the p of the t test over {results.unit} and seeds" if several else ""
    return f"{text}; corrected for {count} comparison{'s' if count != 1 else ''} (Holm)."


def of_task(task: Task, results: Results, variants: Sequence[Variant]) -> Table:
    """The results on LR that not all runs have in common."""
    table = scores(results, variants)
    table.title = task.title
    table.note = " ".join(filter(None, (task.note, table.note, *results.notes)))
    return table


def others(results: Results) -> Table | None:
    """The means of the other metrics."""
    metrics = [metric for metric in results.metrics if metric != results.metric]
    if not metrics:
        return None
    heads = [f"{benchmark} {directed(one, results.higher[one])}" for benchmark in results.sets for one in metrics]
    table = Table("Other metrics", ["variant", *heads])
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
    """The costs of each variant, without empty columns."""
    columns = {
        "parameters": lambda cost: _size(cost.parameters),
        "multiply-adds": lambda cost: _size(cost.multiply_adds),
        "s / megapixel": lambda cost: "" if cost.timing is None else f"{cost.timing.seconds:#.3g}",
        "memory, MB": lambda cost: "" if cost.timing is None or cost.timing.memory is None else f"{cost.timing.memory:.0f}",
        "training": lambda cost: _duration(cost.training_seconds),
        "training memory, MB": lambda cost: "" if cost.training_memory is None else f"{cost.training_memory:.0f}",
        "steps": lambda cost: "" if cost.steps is None else f"{cost.steps:,}",
    }
    table = Table("Costs", ["variant", *columns])
    for name in (name for name in results.ranking if name in known):
        spread = {"s / megapixel": _spread(known[name])}
        table.rows[name] = [Cell(show(known[name]), spread.get(column, "")) for column, show in columns.items()]
    table = _filled(table)
    notes = {"multiply-adds": "Multiply-adds for a 1280×720 output.", "s / megapixel": _timed(known)}
    table.note = " ".join(note for column, note in notes.items() if column in table.head)
    return table


def _spread(cost: Cost) -> str:
    one = cost.timing
    return "" if one is None or one.rounds < 2 else f"[{one.low:#.3g}, {one.high:#.3g}]"


def _timed(known: Mapping[str, Cost]) -> str:
    """How the seconds were measured, and which networks share a timing."""
    timings = {name: cost.timing for name, cost in known.items() if cost.timing}
    if not timings:
        return ""
    rounds = min(one.rounds for one in timings.values())
    text = "Seconds per megapixel of output: "
    if rounds > 1:
        text += f"the median of {rounds} rounds in which the networks took turns, with the quartiles; times "
        text += "with overlapping brackets count as equal."
    else:
        text += "a single round."
    if shared := {name: one.shared_with for name, one in timings.items() if one.shared_with}:
        same = [f"{one} and {', '.join(n for n, of in shared.items() if of == one)}" for one in dict.fromkeys(shared.values())]
        text += f" Identical networks share one timing: {'; '.join(same)}."
    return text


def keys(variants: Sequence[Variant], found: Mapping[str, Sequence[str]]) -> Table | None:
    """A row per variant, or, with many keys, per key."""
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
    """Each folder: its variant, outcome, code and device."""
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
    """The table without empty columns."""
    used = [index for index in range(len(table.head) - 1) if any(cells[index].text for cells in table.rows.values())]
    table.head = [table.head[0], *(table.head[index + 1] for index in used)]
    table.rows = {name: [cells[index] for index in used] for name, cells in table.rows.items()}
    return table


def answer(results: Results) -> str:
    """The result in one or two sentences."""
    best = next((name for name in results.ranking if name != results.plain), results.ranking[0])
    metric, over = results.metric, ", ".join(results.sets)
    mean = number(metric, results.overall[best]) + (" dB" if metric.startswith("psnr") else "")
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
    if results.ranking[0] == results.plain:
        text += f" {results.plain.capitalize()} has {number(metric, results.overall[results.plain])}."
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
