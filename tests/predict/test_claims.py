"""Several jobs with one output folder share its work."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
import torch
from filelock import FileLock
from PIL import Image

from sr.network.interpolation import Interpolation
from sr.predict.claims import Claims
from sr.predict.files import predict_files
from sr.predict.plan import plan
from sr.predict.result import Result


class Counting(Interpolation):
    """Bicubic, which counts how often it enlarges each image, by the image's mean."""

    def __init__(self, made: Counter, start: Barrier) -> None:
        super().__init__(scale=2)
        self.made, self.start = made, start

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        if self.start is not None:
            self.start.wait(20)  # both jobs have claimed their first file before one of them goes on
            self.start = None
        self.made[round(lr.mean().item() * 255)] += 1
        return super().forward(lr)


@pytest.fixture
def files(tmp_path):
    for value in range(8):
        (tmp_path / "in").mkdir(exist_ok=True)
        Image.fromarray(np.full((8, 8, 3), 20 * value, np.uint8)).save(tmp_path / "in" / f"{value}.png")
    return plan(tmp_path / "in", tmp_path / "out")


def test_two_jobs_make_each_result_once(files, tmp_path):
    made, start = Counter(), Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(predict_files, Counting(made, start), files) for _ in range(2)]
        results = [job.result() for job in jobs]
    assert made == {20 * value: 1 for value in range(8)}
    assert sum(result.written for result in results) == 8 and min(result.written for result in results) > 0
    assert all(result.written + result.skipped + result.elsewhere == 8 for result in results)
    assert {file.name for file in (tmp_path / "out").iterdir()} == {f"{value}.png" for value in range(8)}


def test_a_result_that_another_job_makes_is_left_to_it_and_one_of_a_killed_job_is_not(files, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".1.png.claim").write_text("")  # a killed job leaves the file, and no lock
    with FileLock(tmp_path / "out" / ".0.png.claim"):
        result = predict_files(Interpolation(scale=2), files)
    assert (result.written, result.elsewhere) == (7, 1)
    assert capsys.readouterr().out == "7 written, 0 skipped (existing), 0 failed, 1 left to another job\n"
    assert predict_files(Interpolation(scale=2), files).written == 1
    assert not list((tmp_path / "out").glob(".*"))


def test_a_failed_file_is_given_back(files, tmp_path):
    files[0][0].write_bytes(b"no picture")
    assert predict_files(Interpolation(scale=2), files).failed == 1 and not list((tmp_path / "out").glob(".*"))
    claims = Claims(files, False, Result())
    assert [source.name for source, _ in claims] == ["0.png"]
    claims.close()
    assert not list((tmp_path / "out").glob(".*"))


def test_what_a_stopped_job_did_not_make_is_made_after_all(files, tmp_path):
    (tmp_path / "out").mkdir()
    other = FileLock(tmp_path / "out" / ".0.png.claim")
    other.acquire()
    result = Result()
    with Claims(files, False, result) as claims:
        made = []
        for source, target in claims:
            made.append(source.name)
            target.write_bytes(b"result")
            claims.done(target)
            if source.name == "5.png":
                other.release()  # as when its process is killed
    assert sorted(made) == [f"{value}.png" for value in range(8)] and made[-1] == "0.png" and result.elsewhere == 0
