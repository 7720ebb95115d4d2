"""Error rates of the text that Tesseract reads: the rates themselves, real lines, and what is missing."""

import shutil

import numpy as np
import pytest
import torch
from torch import Tensor

from sr.errors import InputError
from sr.functional.resize import imresize
from sr.image.file import read
from sr.metric import ocr
from sr.metric.cer import CER
from sr.metric.record import record
from sr.metric.wer import WER

needs_tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="the program tesseract is not installed")
TRUTH = "is further assumed that"


def levenshtein(a, b) -> int:
    """The whole table, as Wagner and Fischer 1974 fill it."""
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    table[:, 0], table[0] = range(len(a) + 1), range(len(b) + 1)
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (a[i - 1] != b[j - 1]))
    return int(table[-1, -1])


@pytest.mark.parametrize(
    "read, truth",
    [("", "Fig. 1"), ("is Further assumed tbat", TRUTH), ("a b c d e f", "a c d"), (TRUTH, TRUTH), ("über", "ueber alles")],
)
def test_rates_are_edit_distances_over_the_length_of_the_truth(read, truth):
    assert CER.rate(read, truth) == pytest.approx(levenshtein(read, truth) / len(truth))
    assert WER.rate(read, truth) == pytest.approx(levenshtein(read.split(), truth.split()) / len(truth.split()))


@pytest.fixture(scope="module")
def line(sr_data) -> Tensor:
    """(1, 1, 32, 463): "is further assumed that"."""
    folder = sr_data / "domains" / "documents" / "uw3_lines"
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}")
    return torch.from_numpy(read(folder / "010003.bin.png").pixels[..., :1]).permute(2, 0, 1)[None] / 255


@needs_tesseract
def test_a_scanned_line_is_read_and_a_shrunk_one_is_not(line):
    cer, wer = CER(levels=255, luma=False), WER(levels=255, luma=False)
    shrunk = imresize(imresize(line, size=(4, 58), rounding=255), size=(32, 463), rounding=255)
    pictures = torch.cat([line, shrunk])
    characters, words = (metric(pictures, text=[TRUTH, f" {TRUTH}\n"]).tolist() for metric in (cer, wer))
    assert characters[0] == words[0] == 0 and characters[1] > 0.3 and words[1] > 0.5
    assert cer(pictures.expand(-1, 3, -1, -1), text=[TRUTH, TRUTH]).tolist() == characters


@needs_tesseract
def test_lines_of_a_batch_are_refused_without_their_texts(line):
    cer = CER()
    with pytest.raises(InputError, match=r"^CER: 1 pictures, but not as many values of text$"):
        cer(line)
    with pytest.raises(InputError, match=r"^CER scores pictures \(N, C, H, W\), not \(1, 1, 1, 32, 463\)[^\n]*$"):
        cer(line[None], text=[TRUTH])
    assert record(cer)["library"].startswith("tesseract ") and not record(cer)["higher_is_better"]


@needs_tesseract
def test_an_unknown_language_is_one_line(line):
    with pytest.raises(InputError, match=r"^tesseract --psm 7 -l klingon failed: [^\n]+$"):
        CER(language="klingon")(line, text=[TRUTH])


def test_a_missing_program_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    ocr.version.cache_clear()
    try:
        with pytest.raises(InputError, match=r"^metric=\[cer\] and metric=\[wer\] need the program tesseract: apt-get[^\n]*$"):
            CER()
    finally:
        ocr.version.cache_clear()
