"""What every network can do, tried out: one line each in sr/network/capabilities.yaml, and a table on the screen.

    python bench/capabilities.py > bench/capabilities.md       # all networks, minutes; hat rgt: these, the other lines stay
    python bench/capabilities.py --compile > bench/capabilities.md    # torch.compile alone, 20 minutes; it needs a C++ compiler
    python bench/capabilities.py --export > bench/capabilities.md     # ONNX files alone, of those that were not tried; hours

On the CPU, with initial weights, at x4, on a piece of a real photograph. torch.compile is tried on one block of one network of
each class, everything else on the whole network. Trained weights can have larger values: predict.py also looks at what comes
out, and stops where it is not finite.
"""

import argparse
import multiprocessing
import resource
import signal
import sys
import tempfile
import time
import warnings
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch
import yaml
from torch import Tensor, nn

from networks import BURSTS, CLIPS, NAMES, known, network
from sr.backend.facts import Facts
from sr.data.source.sample import Sample
from sr.device import capability
from sr.device.count import parameters
from sr.errors import InputError, first_line
from sr.export.file import export
from sr.files import whole as whole_file
from sr.functional.frames import is_burst, is_clip
from sr.image.file import read, to_tensor
from sr.infer.memory import out_of_memory
from sr.infer.reach import STRIPS, reach
from sr.infer.tiles import pad_to_multiple
from sr.infer.upscaler import PRECISIONS, Upscaler, upscale
from sr.view.table import markdown
from sr.weights.probe import Still

SCALE = 4
SIDE = 32  # of the photograph's piece, in pixels
MINUTES, GIGABYTES = 8, 8  # for one export: more is no export that a user waits for
HALF_SIDE = 16  # of that for half precision: few CPUs have fast float16 convolutions


def photo(side: int = SIDE) -> Tensor:
    """(1, 3, side, side), the middle of coffee.png."""
    pixels = read(Sample(held_out=True).files()[1][0]).pixels
    return to_tensor(np.ascontiguousarray(pixels[200 : 200 + side, 300 : 300 + side]))


def measure(name: str) -> dict[str, object]:
    """The line of one network."""
    whole, lr = network(name), photo()
    kind, whole = type(whole).__name__, pictures(whole)
    exact = upscale(whole, lr)
    return {
        "kind": kind,
        "parameters": parameters(whole),
        "multiple_of": whole.multiple_of,
        "smallest": smallest(whole),
        "bfloat16": half(whole, torch.bfloat16),
        "float16": half(whole, torch.float16),
        # Recurrent networks hand on what they see from frame to frame; offsets of trained ones and optical flow have no limit;
        # bursts are registered as a whole.
        "reach": None if isinstance(whole, Still) else reach(whole),
        "compile": None,
        "channels_last": channels_last(whole, lr, exact),
        "export": None,
    }


def pictures(network: nn.Module) -> nn.Module:
    """A network for clips or bursts as one for pictures; others as they are."""
    return Still(network, frames=3) if is_clip(network) or is_burst(network) else network


def smallest(network: nn.Module, largest: int = 64) -> int:
    """Side of the smallest image that is enlarged to what it should be."""
    for side in range(1, largest + 1):
        try:
            sr = upscale(network, photo(side))
        except (RuntimeError, ValueError, AssertionError):
            continue
        if sr.shape[-2:] == (side * SCALE, side * SCALE) and sr.isfinite().all():
            return side
    raise InputError(f"{type(network).__name__} enlarges nothing up to {largest} pixels")


def half(network: nn.Module, dtype: torch.dtype) -> float | None:
    """Relative error under autocast; None where it is not finite or does not run."""
    lr = photo(HALF_SIDE)
    exact = upscale(network, lr)
    precision = next(name for name, value in PRECISIONS.items() if value is dtype)
    try:
        error = relative(Upscaler(network, precision=precision)(lr), exact)
    except RuntimeError:
        return None
    return error if np.isfinite(error) else None


def compiled(network: nn.Module) -> float | str:
    """Relative error of torch.compile's network, or "fails"."""
    network = pictures(network)
    lr = pad_to_multiple(photo(), network.multiple_of)
    torch.compiler.reset()
    try:
        with torch.inference_mode():
            return relative(torch.compile(network)(lr), network(lr))
    except Exception as error:  # whatever a compiler can raise
        print(f"{type(network).__name__}: {str(error).splitlines()[0][:150]}", file=sys.stderr)
        return "fails"


def exported(name: str) -> float | str:
    """The largest difference of the ONNX file in 8-bit levels, to two digits, or "fails: reason".

    A process of its own tries it, which the system ends after `MINUTES` of one core. RuntimeError: it ended by
    an error that is none of the network's.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_export, args=(name, theirs))
    child.start()
    theirs.close()
    try:
        return ours.recv()
    except EOFError:  # it ended without a result
        child.join()
        if child.exitcode != -signal.SIGXCPU:
            raise RuntimeError(f"the export of {name} ended with exit code {child.exitcode}") from None
        return f"fails: takes more than {MINUTES} minutes"


def _export(name: str, result: Connection) -> None:
    """Send the result of `exported`."""
    resource.setrlimit(resource.RLIMIT_CPU, (60 * MINUTES, 60 * MINUTES + 10))
    resource.setrlimit(resource.RLIMIT_DATA, (GIGABYTES << 30, GIGABYTES << 30))
    torch.set_num_threads(1)  # which makes the processor's time that of the clock
    whole, found = network(name), []
    with tempfile.TemporaryDirectory() as folder:
        try:
            export(whole, Facts.of(whole), Path(folder, "network.onnx"), say=found.append)
            result.send(float(f"{max(max(one.photo, one.noise) for one in found):.1e}"))
        except Exception as error:
            if out_of_memory(error) or out_of_memory(error.__cause__ or error):
                result.send(f"fails: takes more than {GIGABYTES} GB of memory")
            elif isinstance(error, InputError):
                result.send(f"fails: {first_line(error, 120).replace(f'{folder}/', '')}")
            else:
                raise


def channels_last(network: nn.Module, lr: Tensor, exact: Tensor) -> float:
    """Relative error with weights and images in this memory format."""
    return relative(
        upscale(network.to(memory_format=torch.channels_last), lr.contiguous(memory_format=torch.channels_last)), exact
    )


def relative(sr: Tensor, exact: Tensor) -> float:
    """Norm of the difference over that of the exact image, to two digits (0 for a difference of float32's rounding)."""
    error = ((sr - exact).norm() / exact.norm()).item()
    return 0.0 if error < 1e-5 else float(f"{error:.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Try out what networks can do.")
    every = [*NAMES, *CLIPS, *BURSTS]
    parser.add_argument("names", nargs="*", type=known, help="networks of conf/network; all of them")
    parser.add_argument("--compile", action="store_true", help="torch.compile alone: all else that was measured stays")
    parser.add_argument("--export", action="store_true", help="ONNX files alone: without names, those that were not tried")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    lines, tried = capability.stored(), {}
    names = options.names or every
    if options.export and not options.names:
        untried = [name for name in every if name in lines and lines[name].get("export") is None]
        names = sorted(untried, key=lambda name: lines[name]["parameters"])  # what takes minutes comes last
    alone = options.compile or options.export
    for name in names:
        started = time.monotonic()
        line = lines[name] if alone and name in lines else measure(name)
        kind = line["kind"]
        if options.compile and kind not in tried:
            tried[kind] = compiled(network(name, n_blocks=1))
        before = lines.get(name, {})
        line["compile"] = tried.get(kind, before.get("compile"))
        line["export"] = exported(name) if options.export else before.get("export")
        write(lines := capability.stored() | {name: line})
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    print(page(lines))


def write(lines: dict[str, dict[str, object]]) -> None:
    """All lines, sorted by name; the file appears whole."""
    text = "# Written by bench/capabilities.py; read by sr/device/capability.py, which says what the numbers mean.\n"
    for name, line in sorted(lines.items()):
        text += f"{name}: {yaml.safe_dump(line, default_flow_style=True, sort_keys=False, width=1000)}"
    with whole_file(capability.FILE) as temporary:
        temporary.write_text(text)


def page(lines: dict[str, dict[str, object]]) -> str:
    """bench/capabilities.md."""
    command = "OMP_NUM_THREADS=2 python bench/capabilities.py > bench/capabilities.md"
    text = f"""# Capabilities of the networks

Measured by `{command}` (torch {torch.__version__}, CPU, initial weights, x4, a part of a photograph); the same numbers are in
`sr/network/capabilities.yaml`, where `sr/device/capability.py` reads them.

- pads to: sides are padded to multiples of this many LR pixels (`sr/infer/upscaler.py` does it).
- smallest: side of the smallest image that can be upscaled, in LR pixels.
- bfloat16, float16: relative error against float32 under autocast; more than {capability.LIMIT:.0%} or "breaks" is refused.
- reach: radius of the receptive field in LR pixels. Tiles with an `overlap` of 4 times as much equal the whole image; with a
  smaller overlap they approximate it. "all": attention or pooling uses the whole image, or the reach is more than
  {STRIPS[-1] // 2} pixels, or the network is for clips or bursts: tiles are always an approximation.
- export: largest difference of the ONNX file from the network in 8-bit levels, before rounding, at five sizes; or why there is
  no file. One core has {MINUTES} minutes for it, and {GIGABYTES} GB of memory.
- compile, channels_last: relative error of `torch.compile` and of that memory format (0: float32's rounding, below 1e-5).

Networks for clips and bursts get three equal frames.

"""
    header = ["network", "pads to", "smallest", "bfloat16", "float16", "reach", "compile", "channels_last", "export"]
    rows = [
        [
            name,
            str(line["multiple_of"]),
            str(line["smallest"]),
            *("breaks" if line[key] is None else f"{line[key]:g}" for key in ("bfloat16", "float16")),
            "all" if line["reach"] is None else str(line["reach"]),
            "not tried" if line["compile"] is None else str(line["compile"]),
            f"{line['channels_last']:g}",
            "not tried" if line.get("export") is None else str(line["export"]),
        ]
        for name, line in sorted(lines.items())
    ]
    return text + markdown([header, *rows])


if __name__ == "__main__":
    main()
