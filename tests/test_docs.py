"""The README and the pages in docs/: their commands compose, their links lead somewhere, and the comparison says one thing."""

import re
import shlex
from collections.abc import Iterator

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from sr.cli import named, words
from tests.jobs import ROOT, compose

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND = re.compile(
    r"(?<![\w/])(?:python |torchrun .*?)(train|test|predict|report|export)\.py|\bsr-(train|test|predict|report|export)\b"
)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)  # language, content
OWN = {("network", "mine"), ("model", "consistent")}  # of a project outside this repository
GENERATED = re.compile(r"(\.\./)*(config|api)/\w+\.md")  # by docs/hooks, when the site is built


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """(train, overrides) of each command in the blocks of code of a page."""
    for block in (content for language, content in BLOCK.findall(text) if language in ("", "bash")):
        for line in block.replace("\\\n", " ").splitlines():
            if found := COMMAND.search(line):
                yield found[1] or found[2], shlex.split(line[found.end() :], comments=True)


def each(overrides: list[str]) -> list[list[str]]:
    """The jobs of a sweep, one for each value; other commands as they are."""
    typed = words.typed(named.in_order([word for word in overrides if "=" in word and not word.startswith("-")]))
    swept = [one for one in OverridesParser.create().parse_overrides(typed) if one.is_sweep_override()]
    values = {one.input_line: [f"{one.get_key_element()}={value}" for value in one.sweep_string_iterator()] for one in swept}
    length = max(map(len, values.values()), default=1)
    return [
        [values[word][min(at, len(values[word]) - 1)] if word in values else word for word in typed] for at in range(length)
    ]


def test_commands_are_found():
    found = list(
        commands("```\nOMP_NUM_THREADS=1 python train.py a=1 \\\n  b='[x]'  # note\nffmpeg - | python predict.py c=-\n```")
    )
    assert found == [("train", ["a=1", "b=[x]"]), ("predict", ["c=-"])]
    assert sum(len(list(commands(page.read_text()))) for page in PAGES) > 150


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=pytest.mark.medium if page.stem in ("README", "tour") else pytest.mark.slow) for page in PAGES],
    ids=lambda page: page.stem,
)
def test_every_command_composes(page):
    """Those of a project outside this repository are run by the tests of sr.new."""
    for name, overrides in commands(page.read_text()):
        if not {f"{group}={choice}" for group, choice in OWN} & set(overrides):
            for job in each(overrides):
                compose(name, *job)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_choices_that_are_named_exist(page):
    """In text too, such as `experiment=quickstart`."""
    text = page.read_text()
    for group, value in re.findall(r"[\s`]([a-z]+)=(\[?[a-z0-9_,]+\]?)", text):
        folder = ROOT / "conf" / group
        for choice in value.strip("[]").split(",") if folder.is_dir() else ():
            known = (folder / f"{choice}.yaml").is_file() or (group, choice) in OWN or not choice
            assert known, f"{page.name}: {group}={choice}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_to_files(page):
    """As on a code host, beside the check of the built site."""
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        path = link.partition("#")[0]
        if path and "://" not in path and not GENERATED.fullmatch(path):
            assert (page.parent / path).exists(), f"{page.name}: {link}"


def test_the_comparisons_agree():
    """Each row of the README's tables begins one of docs/compare.md, which has a further column."""
    rows = [line for line in (ROOT / "docs" / "compare.md").read_text().splitlines() if line.startswith("|")]
    ours = (ROOT / "README.md").read_text().partition("## Why sr")[2].partition("## Everyday")[0].splitlines()
    table = [line for line in ours if line.startswith("|")]
    assert len(table) > 15
    assert not [line for line in table if not any(row.startswith(line) for row in rows)]
