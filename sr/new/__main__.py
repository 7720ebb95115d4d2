"""python -m sr.new my_project: the folder of a project of one's own, with a network, a loss, a LightningModule, a data
source and their tests, each of which trains, resumes and is tested like those of this repository."""

import argparse
import sys

from sr.errors import UserError
from sr.new.project import make


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sr.new", description="Make the folder of a project of your own.")
    parser.add_argument("folder", help="a new folder; its name becomes that of the Python package")
    try:
        folder = make(parser.parse_args().folder)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    print(f"{folder}: your network, loss, LightningModule and data source, with tests; {folder}/README.md has the commands")


if __name__ == "__main__":
    main()
