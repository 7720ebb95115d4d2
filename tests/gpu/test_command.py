"""bench/gpu.py itself, in this process, with tiny networks on the CPU."""

import json
import time

import pytest

import gpu
from on_gpu.checks import summary
from on_gpu.results import NotHereError, Results, stopped_after
from sr.errors import InputError


def called(monkeypatch, folder, *words: str) -> tuple[object, dict]:
    """The exit code of `python bench/gpu.py WORDS`, and its file."""
    monkeypatch.setattr("sys.argv", ["gpu.py", "tiny=true", f"to={folder}/gpu.json", *words])
    with pytest.raises(SystemExit) as stopped:
        gpu.main()
    return stopped.value.code, json.loads((folder / "gpu.json").read_text())


@pytest.mark.medium
def test_a_step_and_the_peak_are_measured(monkeypatch, tmp_path, capsys):
    code, found = called(monkeypatch, tmp_path, "only=peak float32,edsr_baseline float32")
    peak, step = found["results"]
    assert code == 0 and (peak["state"], step["state"]) == ("done", "done") and found["torch"]
    # EDSR at x2 with 8 features and a block: two convolutions of 8 to 8 features a block, one after them, the head, the tail
    pixels = 12 * 12
    forward = 2 * 9 * pixels * (3 * 8 + 3 * 8 * 8 + 8 * 32 + 4 * 8 * 3)
    backward = 2 * forward - 2 * 9 * pixels * 3 * 8  # the image needs no gradient
    assert step["TFLOP/s"] * step["step, ms"] * 1e9 == pytest.approx(forward + backward, rel=0.02)
    assert step["share of the peak"] == pytest.approx(step["TFLOP/s"] / peak["TFLOP/s"])
    assert step["images/s"] == pytest.approx(1e3 / step["step, ms"]) and step["peak memory, MB"] is None
    assert "| edsr_baseline float32 |" in capsys.readouterr().out


def test_what_does_not_fit_is_named(monkeypatch, tmp_path, capsys):
    code, found = called(monkeypatch, tmp_path, "minutes=0")
    assert code == 0 and {row["state"] for row in found["results"]} == {"not run"} and len(found["results"]) > 15
    assert {row["part"] for row in found["results"]} == {"peak", "tests", "training", "predict.py"}
    assert "not run: training hat bf16: 0 s were left, it needs 15" in capsys.readouterr().out


def test_what_fails_is_a_line_and_the_rest_goes_on(tmp_path):
    results = Results(tmp_path / "gpu.json", time.monotonic() + 60)
    rows = [results.plan("part", name) for name in ("bad", "absent", "slow", "good", "later")]

    def slow() -> dict:
        while True:
            time.sleep(0.01)

    def bad() -> dict:
        raise InputError("two\nlines")

    def absent() -> dict:
        raise NotHereError("no such unit")

    for row, call, most in zip(rows, (bad, absent, slow, lambda: {"speed": 2.5}), (None, None, 0.05, None), strict=False):
        results.run(row, 1, most, call)
    states = {row["name"]: (row["state"], row["why"]) for row in json.loads((tmp_path / "gpu.json").read_text())["results"]}
    assert states == {
        "bad": ("failed", "InputError: two"),
        "absent": ("not run", "no such unit"),
        "slow": ("failed", "TimeoutError: took more than 0 s"),
        "good": ("done", ""),
        "later": ("not run", "stopped before it"),
    }
    assert results.failed == ["part bad", "part slow"] and "| good | 2.5   |" in results.table()


def test_an_alarm_of_the_process_goes_on_after_a_limit():
    with pytest.raises(TimeoutError), stopped_after(0.1):
        with stopped_after(100):
            pass
        time.sleep(1)


def test_every_test_is_counted_once():
    tests = [{"name": "a", "outcome": "passed"}, {"name": "a", "outcome": "failed"}, {"name": "b", "outcome": "skipped"}]
    found = summary(["a", "b", "c"], tests)
    assert [found[key] for key in ("passed", "failed", "skipped", "left", "not_run")] == [0, 1, 1, 1, ["c"]]
    assert found["others"] == tests[1:]


@pytest.mark.parametrize(
    ("word", "says"), [("only=edrs", "only=edrs: nothing has that"), ("minutes=nine", "minutes=nine: pass a number")]
)
def test_a_word_that_says_nothing_is_one_line(monkeypatch, tmp_path, word, says):
    monkeypatch.setattr("sys.argv", ["gpu.py", "tiny=true", f"to={tmp_path}/gpu.json", word])
    with pytest.raises(SystemExit, match=says):
        gpu.main()
    assert not (tmp_path / "gpu.json").exists()


@pytest.mark.slow
def test_all_of_it(monkeypatch, tmp_path):
    code, found = called(monkeypatch, tmp_path)
    left = [row["name"] for row in found["results"] if row["state"] != "done"]
    assert code == 0 and left == ["tf32", "edsr_baseline tf32"], found
