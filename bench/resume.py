"""A run that is killed again and again beside one that never stopped: their curves, and whether their weights are equal.

    python bench/resume.py                                   # two minutes; nine photos that ship with scikit-image
    python bench/resume.py --kills 5 --output resume model=edsr_baseline trainer.max_steps=1000

Both train with averaged weights, a schedule, accumulated gradients and, where the CPU is fast at it, bf16. SIGKILL comes
anywhere between two checkpoints; each restart has another number of workers. Writes curve.png and table.md.
"""

import argparse
import csv
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from common import say
from sr.view.table import markdown

ROOT = Path(__file__).resolve().parent.parent
EVERY = 40  # steps from one checkpoint to the next
WORDS = (
    "experiment=quickstart",
    "trainer.max_steps=400",
    "trainer.val_check_interval=40",
    "trainer.log_every_n_steps=5",
    "trainer.accumulate_grad_batches=2",
    f"callback.checkpoint.every_n_steps={EVERY}",
    "model.ema=0.99",
    "schedule=cosine",
)


def start(folder: Path, *words: str) -> subprocess.Popen:
    line = [sys.executable, str(ROOT / "train.py"), *words, f"output_dir={folder}"]
    return subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def finish(job: subprocess.Popen) -> None:
    _, errors = job.communicate()
    if job.returncode:
        sys.exit(f"train.py left with {job.returncode}: {errors[-2000:]}")


def killed_run(folder: Path, words: list[str], kills: int) -> list[dict[str, int]]:
    """Train with `kills` SIGKILLs on the way: what each found and left."""
    dice, story = random.Random(0), []
    length = next(int(word.split("=")[1]) for word in reversed(words) if word.startswith("trainer.max_steps="))
    last, resume, workers = folder / "checkpoints" / "last.ckpt", [], 2
    for kill in range(kills):
        at = int(length * (kill + 1) / (kills + 1)) + dice.randrange(EVERY)
        job = start(folder, *(resume or words), f"data.n_workers={workers}")
        while job.poll() is None and not (last.is_file() and logged(folder) >= at):
            time.sleep(0.02)
        job.send_signal(signal.SIGKILL)
        job.communicate()
        if job.returncode != -signal.SIGKILL:
            sys.exit(f"train.py ended by itself before kill {kill + 1}: take more steps")
        saved = torch.load(last, weights_only=True)["global_step"]
        story.append({"killed": logged(folder), "from": saved, "workers": (workers := (workers + 2) % 3)})
        resume = [f"resume={last}"]
    finish(start(folder, *resume, f"data.n_workers={workers}"))
    return story


def rows(folder: Path) -> list[dict[str, str]]:
    file = folder / "metrics.csv"
    if not file.is_file():
        return []
    with open(file, newline="") as lines:
        return [{k: v for k, v in row.items() if k != "train/images_per_second"} for row in csv.DictReader(lines)]


def logged(folder: Path) -> int:
    """The last step on the curve."""
    return max((int(row["step"]) for row in rows(folder) if (row["step"] or "").isdigit()), default=0)


def curve(folder: Path, name: str) -> tuple[list[int], list[float]]:
    points = [(int(row["step"]), float(row[name])) for row in rows(folder) if row.get(name)]
    return [step for step, _ in points], [value for _, value in points]


def differing(first: Path, second: Path) -> tuple[int, int]:
    """Tensors of both last checkpoints (weights, average, optimizer), and how many of them differ in any bit."""
    ours, theirs = (list(tensors(torch.load(f / "checkpoints" / "last.ckpt", weights_only=True))) for f in (first, second))
    return len(ours), sum(not torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


def tensors(node: object) -> list[torch.Tensor]:
    if isinstance(node, torch.Tensor):
        return [node]
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list | tuple) else ()
    return [tensor for child in children for tensor in tensors(child)]


def plot(whole: Path, killed: Path, story: list[dict[str, int]], file: Path) -> None:
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 1, figsize=(9, 5.5), sharex=True, layout="constrained")
    for axis, name, label in zip(axes, ("train/loss", "val/psnr"), ("training loss", "validation PSNR, dB"), strict=True):
        axis.plot(*curve(whole, name), color="#9ecae1", linewidth=6, label="never stopped")
        axis.plot(*curve(killed, name), color="#a63603", linewidth=1.2, label="killed and resumed")
        for stop in story:
            axis.axvspan(stop["from"], stop["killed"], color="#000000", alpha=0.08, linewidth=0)
            axis.axvline(stop["killed"], color="#000000", linewidth=0.8, linestyle=":")
        axis.set_ylabel(label)
        axis.grid(alpha=0.3)
    axes[0].set_yscale("log")
    axes[0].legend(title="dotted: SIGKILL; grey: steps done again")
    axes[1].set_xlabel("step")
    figure.savefig(file, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("outputs/bench_resume"), help="folder of curve.png and table.md")
    parser.add_argument("overrides", nargs="*", help="of train.py, for both runs")
    options = parser.parse_args()
    words = [*WORDS, *options.overrides]
    options.output.mkdir(parents=True, exist_ok=True)
    say()
    print(f"python train.py {' '.join(words)}\n", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        whole, killed = Path(temporary, "whole"), Path(temporary, "killed")
        finish(start(whole, *words))
        story = killed_run(killed, words, options.kills)
        table = [["kill", "at step", "went on from", "with workers"]]
        table += [[n, stop["killed"], stop["from"], stop["workers"]] for n, stop in enumerate(story, 1)]
        count, different = differing(whole, killed)
        same = rows(whole) == rows(killed)
        verdict = (
            f"{count} tensors of weights, average and optimizer: {different} differ. "
            f"{len(rows(whole))} rows of metrics.csv: {'equal' if same else 'NOT equal'}."
        )
        text = markdown([[str(cell) for cell in row] for row in table]) + "\n\n" + verdict
        (options.output / "table.md").write_text(text + "\n")
        plot(whole, killed, story, options.output / "curve.png")
    print(f"{text}\n{options.output}/curve.png")
    sys.exit(bool(different) or not same)


if __name__ == "__main__":
    main()
