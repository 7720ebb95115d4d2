"""sr/page.py: pages are Jinja2 templates, escaped and written picture by picture."""

import re
import tracemalloc
from pathlib import Path

import jinja2
import pytest

from sr.view.page import Column, fill, render
from tests.jobs import ROOT

BIG = 4_000_000  # characters of a picture in these pages


def test_no_python_file_writes_html():
    """A closing tag in Python code is a page made of strings."""
    found = {
        str(file.relative_to(ROOT)): tags
        for file in sorted((ROOT / "sr").rglob("*.py"))
        if (tags := re.findall(r"</[a-z]\w*>", file.read_text(encoding="utf-8")))
    }
    assert found == {}


def test_text_is_escaped_and_files_are_put_in_as_they_are(tmp_path):
    (tmp_path / "a.html").write_text("<p title=\"{{ text }}\">{{ text }}</p>{{ file('a.js') }}{% include 'b.html' %}\n")
    (tmp_path / "b.html").write_text("<b>{{ text }}</b>")
    (tmp_path / "a.js").write_text("{{ not a name }} && '<i>'")
    text = "".join(fill(tmp_path / "a.html", text='<"&'))
    escaped = "&lt;&#34;&amp;"
    assert text == f"<p title=\"{escaped}\">{escaped}</p>{{{{ not a name }}}} && '<i>'<b>{escaped}</b>"
    with pytest.raises(jinja2.UndefinedError, match="'text' is undefined"):
        "".join(fill(tmp_path / "a.html"))


def test_a_page_is_written_picture_by_picture():
    """Beside the pictures themselves no more than two are in memory, however many the page has."""
    rows = {
        Path(f"{index}.png"): {name: Column((2, 3), f"{index}{name}" + "A" * BIG, "") for name in ("LR", "bicubic", "net")}
        for index in range(6)
    }
    tracemalloc.start()
    try:
        length = sum(map(len, render(rows, ["net"], 2)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert length > 18 * BIG and peak < 2.5 * BIG
