"""A wrong degradation is refused before Lightning is imported, in the line that the run itself would print."""

import pytest

from sr import build
from sr.cli import explain
from sr.cli.early import check_degradation
from tests.jobs import compose

WRONG = {
    "degradation.realesrgan.noise=[30,1]": "noise must be [low, high]",
    "degradation.realesrgan.final_sinc=1.5": "final_sinc must be a probability in [0, 1], got 1.5 (config key degradation.",
    "degradation.realesrgan.sharpen=maybe": "degradation.realesrgan.sharpen=maybe: ",
    "degradation=[blur]": "degradation=[blur] downscales by 1, but scale=4",
}


@pytest.mark.parametrize("word", WRONG)
def test_the_line_is_that_of_the_run(word):
    cfg, lines = compose("train", "scale=4", "degradation=[realesrgan]", word), []
    for refuse in (check_degradation, build.data):
        with pytest.raises(Exception) as caught:  # noqa: B017 (what it is, explain() says)
            refuse(cfg)
        lines.append(explain(caught.value, "train"))
    assert lines[0] == lines[1] and lines[0].startswith(WRONG[word])
