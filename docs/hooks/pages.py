"""Adds pages to the site that are made when it is built: config groups, the Python API, measurements and records.

A page links to a file of the repository by its place in it (`../bench/README.md` in docs/tour.md), as on a code host;
the site has the same pages at its top.
"""

import posixpath
import re
from pathlib import Path

import api_pages
import config_pages
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent.parent
LINK = re.compile(r"(\]\()([^)\s#:]+)(#[^)\s]*)?\)")
CODE = re.compile(r"(^```.*?^```|`[^`\n]*`)", re.MULTILINE | re.DOTALL)
SHOWN = ("*.md", "*.png", "*.svg", "*.webp")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill the entries of `nav` that name a folder."""
    folders = {"config/": list(config_pages.made(ROOT)), "api/": list(api_pages.made(ROOT)), "experiments/": _records()}
    for entry in config.nav:
        for title, value in entry.items():
            if isinstance(value, str) and value in folders:
                entry[title] = folders[value]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is generated, and what lies beside docs/."""
    for name, text in {**config_pages.made(ROOT), **api_pages.made(ROOT)}.items():
        files.append(File.generated(config, name, content=text))
    for path in _beside():
        files.append(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links of a page in docs/ to files outside docs/, and of others to folders, become links of the site."""
    own = page.file.src_uri
    place = f"docs/{own}" if (ROOT / "docs" / own).is_file() else own

    def linked(found: re.Match) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(place), found[2]))
        if not (ROOT / target).exists():
            return found[0]  # a generated page, or a dead link, which MkDocs reports
        if (ROOT / target).is_dir():
            target += "/README.md"
        target = target.removeprefix("docs/")
        return f"{found[1]}{posixpath.relpath(target, posixpath.dirname(own) or '.')}{found[3] or ''})"

    parts = CODE.split(markdown)
    parts[::2] = [LINK.sub(linked, part) for part in parts[::2]]
    return "".join(parts)


def _beside() -> list[Path]:
    found = [path for folder in ("bench", "experiments") for kind in SHOWN for path in sorted((ROOT / folder).rglob(kind))]
    return [ROOT / "CONTRIBUTING.md", *found]


def _records() -> list[str]:
    """The overview first, each record, and its table if it has one."""
    top = ROOT / "experiments"
    records = sorted(path for path in top.rglob("*.md") if path.parent != top)
    records.sort(key=lambda path: (path.parent, path.name != "README.md"))
    return [path.relative_to(ROOT).as_posix() for path in (top / "README.md", *records)]
