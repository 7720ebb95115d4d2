"""Image super-resolution experiments: networks, degradations, the papers' protocol, training and evaluation.

>>> import sr
>>> network = sr.load("outputs/first/checkpoints/best.ckpt")  # doctest: +SKIP
>>> enlarged = sr.upscale(network, "photo.png")  # (H, W, 3) uint8  # doctest: +SKIP
>>> sr.score(enlarged, "hr.png", scale=4)  # {"psnr": ..., "ssim": ...}  # doctest: +SKIP
"""

__version__ = "0.1.0"
_API = ("batch", "compose", "degrade", "score", "train", "upscale")


def __getattr__(name: str):
    # lazily: torch takes seconds to import and --help does not need it
    if name == "load":
        from sr.weights.load import load

        return load
    if name in _API:
        from sr import api

        return getattr(api, name)
    raise AttributeError(f"module 'sr' has no attribute '{name}'")
