"""Import this first where `sr` need not be installed: the folder above this one is on the path, after it."""

import sys
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parent.parent))
