"""A folder of wheels for bench/gpu.py, to be carried to a machine that has torch and no network: below 60 MB, for Linux x86_64.

    python bench/wheels.py to=wheels
    python bench/wheels.py to=wheels have=packages.txt    # what `python -m pip list --format=freeze` prints on that machine

Without have=, the machine is taken to have torch and torchvision with all that these need. Packages are those that `import sr`,
train.py, predict.py and the tests of a GPU need, with their own requirements, in the versions of constraints.txt; report.py and
optional extras need more. Packages without a wheel are built here.
"""

import subprocess
import sys
import tempfile
from importlib.metadata import requires
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from common import options

ROOT = Path(__file__).resolve().parent.parent
PYTHON, MOST = "3.12", 60  # of the machine; MB
NEEDED = [
    "hydra-core", "pytorch-lightning", "torchmetrics", "spandrel", "safetensors", "scikit-image", "scipy", "pyyaml", "requests",
    "jinja2", "tqdm", "filelock", "packaging", "pytest", "pytest-timeout",
]  # fmt: skip
WITH_TORCH = ("torch", "torchvision")
SOURCES = {"antlr4-python3-runtime"}  # published without a wheel
SYSTEMS = ["manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_26_x86_64", "manylinux_2_24_x86_64"]
SYSTEMS += ["manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux_2_12_x86_64", "manylinux_2_5_x86_64"]


def closure(names: list[str], without: set[str]) -> set[str]:
    """Packages with all that they need there, as installed here; not those `without`, nor what only they need."""
    there = {**default_environment(), "python_version": PYTHON, "python_full_version": f"{PYTHON}.0", "sys_platform": "linux"}
    there |= {"platform_machine": "x86_64", "platform_system": "Linux", "implementation_name": "cpython"}
    found, waiting, seen = set(), [Requirement(name) for name in names], set()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if (name, *sorted(wanted.extras)) in seen:
            continue
        seen.add((name, *sorted(wanted.extras)))
        found.add(name)
        # The machine may have a package without what its extras need: fsspec[http].
        wishes = wanted.extras if name in without else {"", *wanted.extras}
        for needed in map(Requirement, (requires(name) or []) if wishes else []):
            if any(needed.marker is None or needed.marker.evaluate({**there, "extra": wish}) for wish in wishes):
                waiting.append(needed)
    return found - without


def pinned() -> dict[str, str]:
    """Package -> its version in constraints.txt."""
    lines = [line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line]
    return {canonicalize_name(name.strip()): version.strip() for name, version in lines}


def there(file: str | None) -> set[str]:
    """The packages that the machine has."""
    if file is None:
        return closure(list(WITH_TORCH), set())
    lines = Path(file).read_text().splitlines()
    return {canonicalize_name(line.split("==")[0].split(" @ ")[0].strip()) for line in lines if line.strip()}


def pip(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", *words], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(f"pip {words[0]} failed with exit code {done.returncode}")


def main() -> None:
    said = options(__doc__, "to", "have")
    folder = Path(said.get("to", "wheels"))
    if folder.is_dir() and any(folder.iterdir()):
        sys.exit(f"to={folder}: is not empty; pass another folder")
    has = there(said.get("have"))
    if "torch" not in has:
        sys.exit(f"have={said['have']}: torch is not among its packages, and is not carried")
    versions = pinned()
    names = sorted(closure([name for name in NEEDED if canonicalize_name(name) not in has], has))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        files = {}
        for what, chosen in (("sources", SOURCES & {*names}), ("wheels", {*names} - SOURCES)):
            files[what] = Path(temporary) / f"{what}.txt"
            files[what].write_text("".join(f"{name}=={versions[name]}\n" for name in sorted(chosen)))
        target = [f"--python-version={PYTHON}", "--implementation=cp", *(f"--platform={system}" for system in SYSTEMS)]
        quiet = ["--quiet", "--no-deps"]
        pip("download", *quiet, "--only-binary=:all:", *target, "--dest", str(folder), "--requirement", str(files["wheels"]))
        if SOURCES & {*names}:
            pip("wheel", *quiet, "--wheel-dir", str(folder), "--requirement", str(files["sources"]))
    (folder / "requirements.txt").write_text("".join(f"{name}=={versions[name]}\n" for name in names))
    sizes = {file.name: file.stat().st_size / 1e6 for file in folder.glob("*.whl")}
    for name, size in sorted(sizes.items(), key=lambda item: -item[1])[:5]:
        print(f"{size:6.1f} MB  {name}")
    print(f"{sum(sizes.values()):6.1f} MB  {len(sizes)} wheels in {folder}")
    if len(sizes) != len(names):
        sys.exit(f"{len(names)} packages, but {len(sizes)} wheels")
    if sum(sizes.values()) > MOST:
        sys.exit(f"more than {MOST} MB: pass have=FILE, the packages that the machine has")
    print(f"there:\n  python -m pip install --no-index --find-links {folder} --requirement {folder}/requirements.txt")


if __name__ == "__main__":
    main()
