"""sr/logger/csv.py: rows on the disk, of resumed runs and on a full disk too."""

import csv
from pathlib import Path

import pytest

from sr.errors import StorageError
from sr.logger.csv import CSV
from tests.jobs import small_files


def rows(file: Path) -> list[dict[str, str]]:
    with open(file, newline="") as opened:
        return list(csv.DictReader(opened))


def test_csv_has_a_row_a_step(tmp_path):
    log = CSV(file=str(tmp_path / "new" / "metrics.csv"))
    log.log_metrics({"loss": 1.0}, 1)
    log.log_metrics({"loss": 0.5}, 2)
    log.log_metrics({"psnr": 30.0}, 2)
    log.log_metrics({"loss": 0.25}, 3)
    log.finalize("success")
    assert rows(log.file) == [
        {"step": "1", "loss": "1.0", "psnr": ""},
        {"step": "2", "loss": "0.5", "psnr": "30.0"},
        {"step": "3", "loss": "0.25", "psnr": ""},
    ]


def test_csv_on_the_disk_is_whole_after_every_save(tmp_path):
    log = CSV(file=str(tmp_path / "metrics.csv"))
    expected = []
    for step in range(1, 30):
        values = {"loss": 1 / step} | ({f"metric_{step}": float(step)} if step % 7 == 0 else {})
        log.log_metrics(values, step)
        log.save()
        log.save()
        expected.append((str(step), str(1 / step)))
        assert [(row["step"], row["loss"]) for row in rows(log.file)] == expected
    assert [row["metric_14"] for row in rows(log.file) if row["metric_14"]] == ["14.0"]


def test_csv_appends(tmp_path):
    """A row costs the same after a thousand rows: what is on the disk is not written again."""
    log = CSV(file=str(tmp_path / "metrics.csv"))
    for step in range(1000):
        log.log_metrics({"loss": 1.0}, step)
    log.save()
    inode = log.file.stat().st_ino
    log.log_metrics({"loss": 2.0}, 1000)
    log.save()
    assert log.file.stat().st_ino == inode and len(rows(log.file)) == 1001


def test_csv_of_a_resumed_run_has_no_gap_and_no_double_step(tmp_path):
    first = CSV(file=str(tmp_path / "metrics.csv"))
    for step in range(1, 8):
        first.log_metrics({"loss": float(step)}, step)
    first.save()
    second = CSV(file=str(tmp_path / "metrics.csv"))
    second.resume(4)
    for step in range(5, 9):
        second.log_metrics({"loss": 10.0 * step, "psnr": 1.0}, step)
    second.save()
    assert [(row["step"], row["loss"]) for row in rows(second.file)] == [
        *((str(step), f"{step}.0") for step in range(1, 5)),
        *((str(step), f"{step}0.0") for step in range(5, 9)),
    ]


def test_csv_of_a_resumed_run_keeps_the_row_of_its_first_step(tmp_path):
    """A run that is resumed at its end logs the test at the step whose losses are there."""
    first = CSV(file=str(tmp_path / "metrics.csv"))
    for step in (1, 2):
        first.log_metrics({"loss": 0.1 * step}, step)
    first.save()
    for name in ("test", "loss2"):  # a new column, then another
        second = CSV(file=str(tmp_path / "metrics.csv"))
        second.resume(2)
        second.log_metrics({name: 30.0}, 2)
        second.save()
    assert rows(first.file) == [
        {"step": "1", "loss": "0.1", "loss2": "", "test": ""},
        {"step": "2", "loss": "0.2", "loss2": "30.0", "test": "30.0"},
    ]


def test_csv_on_a_full_disk_keeps_what_it_has(tmp_path):
    log = CSV(file=str(tmp_path / "metrics.csv"))
    with small_files(500), pytest.raises(StorageError, match=r"metrics.csv: "):
        for step in range(100):
            log.log_metrics({"loss": 1 / (step + 1)}, step)
    kept = [row for row in rows(log.file) if row["loss"]]
    assert 10 < len(kept) < 100 and [int(row["step"]) for row in kept] == list(range(len(kept)))
    with small_files(500), pytest.raises(StorageError, match=r"metrics.csv: "):
        log.log_metrics({"another": 1.0}, 200)
        log.save()
    assert [row for row in rows(log.file) if row["loss"]][: len(kept) - 1] == kept[:-1]


def test_csv_of_a_run_without_an_end_resumes_where_nothing_was_written(tmp_path):
    log = CSV(file=str(tmp_path / "metrics.csv"))
    log.resume(5)
    log.log_metrics({"loss": 1.0}, 6)
    log.save()
    assert [row["step"] for row in rows(log.file)] == ["6"]
