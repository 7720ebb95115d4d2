"""A page for each config group: its choices with their comments, as conf/ has them."""

import re
from functools import cache
from pathlib import Path

# Group -> what its choices are, in one sentence. A group of conf/ that is not here stops the build.
GROUPS = {
    "model": "Recipes, one per published method: they choose network, loss, optimizer, schedule, batch and length.",
    "experiment": "Recipes of our own, most of them with a record under Experiments. They set only what differs.",
    "network": "Networks: LR image to SR image.",
    "loss": "Losses between SR and HR; several are added with their weights: `loss=[l1,ssim] loss.ssim.weight=0.1`.",
    "metric": "Scores, one per image or clip: `metric=[psnr,ssim,niqe]`.",
    "degradation": "How LR is made from HR: one stage or a chain, in the given order: `degradation=[blur,bicubic,noise,jpeg]`.",
    "augmentation": "Random changes of training patches, LR and HR together: `augmentation=[flip,turn]`.",
    "data": "Training sets.",
    "validation": "Sets that choose best.ckpt and drive early stopping and searches: `validation=[split]`.",
    "benchmark": "Sets whose scores are reported: `benchmark=[set5,set14]`.",
    "image": "Pixel formats: bands, stored type, range of values.",
    "discriminator": "Discriminators of adversarial recipes: image to logits.",
    "degrader": "Networks that learn to make LR from HR, for training without pairs.",
    "adversarial": "Adversarial criteria: from logits to the losses of network and discriminator.",
    "optimizer": "Optimizers.",
    "schedule": "Schedules of the learning rate.",
    "trainer": "Options of Lightning's Trainer. Every interval counts optimizer steps.",
    "callback": "What else happens during a run; add to the default list: `callback=[default,early_stopping]`.",
    "logger": "Where curves go: `logger=[csv,wandb]`.",
    "published": "Published scores that test.py measures again: `published=all`, or `published=[imdn_x4]`.",
    "sweep": "Hyperparameter searches.",
    "hydra": "Launchers and sweepers, run folders and the texts of `--help`.",
}
COMMANDS = ("train", "test", "predict", "report", "export")


@cache
def made(root: Path) -> dict[str, str]:
    """Page -> its Markdown.

    Raises:
        ValueError: a config group without a description in `GROUPS`, or the reverse.
    """
    conf = root / "conf"
    found = {folder.name for folder in conf.iterdir() if folder.is_dir()}
    if found != GROUPS.keys():
        raise ValueError(f"docs/hooks/config_pages.py: describe in GROUPS, or remove: {sorted(found ^ GROUPS.keys())}")
    pages = {f"config/{group}.md": _group(conf / group) for group in GROUPS}
    commands = {f"config/{name}_py.md": _command(conf / f"{name}.yaml") for name in COMMANDS}
    return {"config/index.md": _index(conf), **commands, **pages}


def header(text: str) -> tuple[list[str], str]:
    """The comment at the top of a YAML, without its marks, and the rest."""
    lines = text.splitlines()
    while lines and lines[0].startswith(("# @package", "# yaml-language-server:")):
        lines = lines[1:]
    end = next((at for at, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return [line[2:] if line.startswith("# ") else line[1:] for line in lines[:end]], "\n".join(lines[end:]).strip("\n")


def _index(conf: Path) -> str:
    rows = [f"| [{group}]({group}.md) | {len(_choices(conf / group))} | {about} |" for group, about in GROUPS.items()]
    keys = [f"[{name}.py]({name}_py.md)" for name in COMMANDS]
    return "\n".join([
        "# Config groups", "",
        "A config group is a folder of `conf/`; its choices are the YAML files in it. `GROUP=CHOICE` chooses one,",
        "`KEY=VALUE` sets a key of it: `python train.py network=edsr network.n_blocks=32`.",
        "`--cfg job` prints the composed config of a command.", "",
        "These pages are made from the files in `conf/`, with each key's comment.", "",
        "| group | choices | what they are |", "|---|---|---|", *rows, "",
        f"Keys of the commands themselves: {', '.join(keys)}.", "",
    ])  # fmt: skip


def _command(file: Path) -> str:
    comment, body = header(file.read_text())
    return f"# {file.stem}.py\n\n{_prose(comment)}\n\n```yaml\n{body}\n```\n"


def _group(folder: Path) -> str:
    parts = [f"# {folder.name}", "", GROUPS[folder.name], "", "| choice | |", "|---|---|"]
    choices = {name: header(path.read_text()) for name, path in _choices(folder).items()}
    for name, (comment, _) in choices.items():
        parts.append(f"| [`{name}`](#{_anchor(name)}) | {_first_sentence(comment)} |")
    for name, (comment, body) in choices.items():
        target = re.search(r"^\s*_target_: (sr\.[\w.]+)", body, re.MULTILINE)
        parts += ["", f"## {name} {{ #{_anchor(name)} }}", "", _prose(comment), ""]
        parts += [f"```yaml\n{body}\n```", ""] if body else []
        parts += [f"Options: [`{target[1]}`][{target[1]}]", ""] if target else []
    return "\n".join(parts) + "\n"


def _choices(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(folder.rglob("*.yaml"))}


def _anchor(name: str) -> str:
    return name.replace("/", "-")


def _first_sentence(comment: list[str]) -> str:
    text = " ".join(line.strip() for line in comment if not line.startswith("  "))
    sentence = re.split(r"(?<=[a-z0-9)\]])[.;](?= [A-Z]|$)", text, maxsplit=1)[0]
    return _escaped(sentence).replace("|", r"\|")


def _prose(comment: list[str]) -> str:
    """Text, and commands, which a comment indents, as blocks of code."""
    parts: list[str] = []
    for line in comment:
        indented = line.startswith("  ")
        if indented != bool(parts and parts[-1].startswith("```\n")) or not parts:
            parts.append("```\n" if indented else "")
        parts[-1] += f"{line[2:]}\n" if indented else f"{_escaped(line)}\n"
    return "\n".join(f"{part}```\n" if part.startswith("```") else part for part in parts).strip("\n")


def _escaped(text: str) -> str:
    """Characters that Markdown would take as marks."""
    return re.sub(r"([*_<>\[\]`])", r"\\\1", text)
