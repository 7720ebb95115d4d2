"""The bar on a terminal, and lines without one."""

import re

from sr.callback.progress import Lines
from tests.jobs import run_train


def test_without_a_terminal_there_is_a_line_every_few_steps_and_in_train_log(tmp_path, capsys):
    words = ["trainer.max_steps=5", "trainer.log_every_n_steps=2", f"output_dir={tmp_path}/run"]
    run_train(*words, "trainer.val_check_interval=4")
    said = capsys.readouterr()
    lines = re.findall(r"^training: (\d) of 5 steps, loss=(\d+\.\d{4}).* left$", said.out, re.M)
    assert [int(step) for step, _ in lines] == [2, 4, 5] and "\r" not in said.out and "training" not in said.err
    assert re.search(r"^training: 5 of 5 steps, loss=\S+, val/psnr=\d\d\.\d\d, ", said.out, re.M)
    log = (tmp_path / "run" / "train.log").read_text()
    assert all(line in log for line in said.out.splitlines()) and (tmp_path / "run" / "table.md").read_text() in log


def test_lines_count_from_the_resumed_step(capsys):
    lines = Lines(total=10, desc="training", unit="step", initial=4)
    lines.say()
    lines.update(3)
    lines.say(patience=60)
    assert not capsys.readouterr().out
    lines.say()
    assert capsys.readouterr().out.startswith("training: 7 of 10 steps, ")
