"""Votes from files that anybody may have written."""

import json

import pytest

from sr.report import votes


def test_the_interval_is_the_exact_one():
    # Clopper and Pearson's for 14 of 20 and 0 of 10, as tables of it print them.
    assert votes.interval(14, 20) == pytest.approx((0.4572, 0.8811), abs=5e-5)
    assert votes.interval(0, 10) == pytest.approx((0, 0.3085), abs=5e-5)
    assert votes.interval(0, 0) == (0, 1)


def vote(left: str, right: str, choice: str) -> dict[str, str]:
    return {"left": left, "right": right, "choice": choice, "picture": "set5/baby"}


def test_sides_do_not_count(tmp_path):
    cast = [vote("a", "b", "left")] * 9 + [vote("b", "a", "right")] * 5 + [vote("a", "b", "right")] * 4
    cast += [vote("b", "a", "left")] * 2 + [vote("a", "b", "equal"), vote("c", "a", "equal")]
    file = tmp_path / "votes.json"
    file.write_text(json.dumps({"format": votes.FORMAT, "votes": cast}))
    tallies = votes.count(votes.read(file), ["bicubic", "a", "b", "c"])
    assert [str(tally) for tally in tallies] == [
        "a preferred to b in 14 of 20, 70 % [46, 88]; 1 equal",
        "a against c: none preferred; 1 equal",
    ]


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "not JSON, or truncated"),
        ("[" * 100_000, "not JSON, or truncated"),
        ('{"format": "sr-votes-1", "votes": [{"left": "a"', "not JSON, or truncated"),
        ("[]", "not a vote file of a report"),
        ('{"format": "other", "votes": []}', "not a vote file of a report"),
        ('{"format": "sr-votes-1", "votes": {}}', "not a vote file of a report"),
        ('{"format": "sr-votes-1", "votes": [7]}', "vote 1 must have left, right"),
        (json.dumps({"format": "sr-votes-1", "votes": [vote("a", "b", "left"), vote("a", "b", "both")]}), "vote 2 must have"),
        (json.dumps({"format": "sr-votes-1", "votes": [vote("a", "a", "left")]}), "vote 1 must have"),
        (json.dumps({"format": "sr-votes-1", "votes": [vote(["a"], "b", "left")]}), "vote 1 must have"),
    ],
)
def test_nonsense_is_refused_in_one_line(tmp_path, text, message):
    file = tmp_path / "votes.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=f"votes={file}: .*{message}") as caught:
        votes.read(file)
    assert "\n" not in str(caught.value)


def test_votes_on_something_else(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"votes=.*none.json: no such file"):
        votes.read(tmp_path / "none.json")
    with pytest.raises(ValueError, match="votes on b, which are not in this report: it has a, c"):
        votes.count([vote("a", "b", "left")], ["a", "c"])
