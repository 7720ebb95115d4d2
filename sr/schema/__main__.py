"""`python -m sr.schema`: writes the JSON schemas of all configs into .schema/, and tells VS Code about them."""

import json
import sys
from pathlib import Path

from sr.cli.groups import CONF
from sr.cli.project import with_project
from sr.errors import UserError
from sr.schema.configs import schemas, settings


def main(folder: Path) -> None:
    """Write `folder`/.schema/NAME.json, also for the configs of a project in the current folder, and .vscode/settings.json."""
    own = [Path(word.partition("=")[2]) for word in with_project([]) if word.startswith("--config-dir=")]
    made, place = schemas(own), folder / ".schema"
    place.mkdir(exist_ok=True)
    for name, schema in made.items():
        (place / f"{name}.json").write_text(json.dumps(schema, indent=1) + "\n")
    print(f"{len(made)} schemas of {CONF}{''.join(f' and {conf}' for conf in own)} are in {place}")
    wanted = folder / ".vscode" / "settings.json"
    text = json.dumps({"yaml.schemas": settings()}, indent=2) + "\n"
    if not wanted.exists():
        wanted.parent.mkdir(exist_ok=True)
        wanted.write_text(text)
        print(f"VS Code reads them by {wanted}, with the extension redhat.vscode-yaml")
    elif wanted.read_text() != text:
        print(f"{wanted} is kept; its yaml.schemas should be\n{text}")


if __name__ == "__main__":
    try:
        main(Path.cwd())
    except UserError as error:
        sys.exit(f"Error: {error}")
