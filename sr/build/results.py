"""`test.py results=DIR`: files of another program, measured like a network."""

from omegaconf import DictConfig, OmegaConf

from sr.benchmark.results import Results, found
from sr.build.image import image
from sr.data.benchmarks import Benchmarks
from sr.errors import InputError


def check_results(cfg: DictConfig) -> None:
    """InputError: an option that says how a network is run, or no scale, or not one benchmark."""
    if not OmegaConf.is_missing(cfg, "ckpt") and cfg.ckpt is not None:
        raise InputError(f"results={cfg.results} scores the files of another program: remove ckpt={cfg.ckpt}")
    for key in ("network", "published", "backend", "alpha", "bandwise", "axes"):
        if cfg.get(key):
            raise InputError(f"results={cfg.results} scores the files of another program: remove {key}=...")
    if type(cfg.scale) is not int or cfg.scale < 1:
        raise InputError(f"results={cfg.results}: pass their scale, a whole number: scale=4")
    if len(cfg.get("benchmark") or {}) != 1:
        raise InputError(f"results={cfg.results}: pass the one benchmark that they were made of: benchmark=[set5]")


def results(cfg: DictConfig, data: Benchmarks) -> Results:
    """The files of `cfg.results` in place of a network.

    Raises:
        InputError: a set of clips, bursts or volumes. MissingError: an image without a file.
    """
    ((name, images),) = data.benchmark.items()
    if not hasattr(images, "names") or getattr(images, "clips", False) or cfg.get("axes") or getattr(images, "frames", None):
        raise InputError(f"results={cfg.results}: benchmark {name} has no single pictures: only sets of pictures are scored so")
    return Results(found(cfg.results, images.names, cfg.scale, cfg.results_pattern), cfg.scale, image(cfg))
