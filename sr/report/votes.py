"""Votes of viewers, from files that the page saves; the files are untrusted input."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from sr.errors import InputError, MissingError

FORMAT = "sr-votes-1"
_CHOICES = ("left", "right", "equal")


@dataclass(frozen=True)
class Tally:
    """How often each of two variants was preferred; `low` and `high`: 95 % interval of the first's share of the decided
    votes."""

    first: str
    second: str
    wins: int
    losses: int
    equal: int
    low: float
    high: float

    @property
    def decided(self) -> int:
        return self.wins + self.losses

    def __str__(self) -> str:
        equal = f"; {self.equal} equal" if self.equal else ""
        if not self.decided:
            return f"{self.first} against {self.second}: none preferred{equal}"
        share = f"{100 * self.wins / self.decided:.0f} % [{100 * self.low:.0f}, {100 * self.high:.0f}]"
        return f"{self.first} preferred to {self.second} in {self.wins} of {self.decided}, {share}{equal}"


def read(file: str | Path) -> list[dict[str, str]]:
    """The votes in a file: {"left", "right": variants, "choice": left, right or equal, "picture": set/image}.

    Raises:
        MissingError, InputError: one line that names the file.
    """
    file = Path(file)
    if not file.is_file():
        raise MissingError(f"votes={file}: no such file")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise InputError(f"votes={file}: not JSON, or truncated; save the votes again from the report's page") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT or not isinstance(content.get("votes"), list):
        raise InputError(f"votes={file}: not a vote file of a report (no format {FORMAT})")
    for number, vote in enumerate(content["votes"], 1):
        words = [vote.get(key) for key in ("left", "right", "picture")] if isinstance(vote, dict) else [None]
        whole = all(isinstance(word, str) and word for word in words)
        if not whole or vote.get("choice") not in _CHOICES or words[0] == words[1]:
            raise InputError(
                f"votes={file}: vote {number} must have left, right, picture and a choice of {', '.join(_CHOICES)}"
            )
    return content["votes"]


def count(votes: Sequence[dict[str, str]], names: Sequence[str]) -> list[Tally]:
    """A tally for each pair of this report's variants that has votes.

    Raises:
        InputError: a vote for a variant that is not in the report.
    """
    unknown = {vote[side] for vote in votes for side in ("left", "right")} - set(names)
    if unknown:
        raise InputError(f"votes on {', '.join(sorted(unknown))}, which are not in this report: it has {', '.join(names)}")
    tallies = []
    for first, second in combinations(names, 2):
        of = [vote for vote in votes if {vote["left"], vote["right"]} == {first, second}]
        winners = [vote.get(vote["choice"]) for vote in of]
        wins, losses = winners.count(first), winners.count(second)
        if of:
            tallies.append(Tally(first, second, wins, losses, len(of) - wins - losses, *interval(wins, wins + losses)))
    return tallies


def interval(wins: int, n: int) -> tuple[float, float]:
    """Exact 95 % interval of a proportion (Clopper and Pearson 1934, Biometrika 26); (0, 1) without votes."""
    if n == 0:
        return 0.0, 1.0
    from scipy.stats import binomtest

    found = binomtest(wins, n).proportion_ci(method="exact")
    return float(found.low), float(found.high)
