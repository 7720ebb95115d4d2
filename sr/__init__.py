"""Image super-resolution experiments: networks, degradations, the papers' protocol, training and evaluation.

>>> import sr
>>> network = sr.load("outputs/first/checkpoints/best.ckpt")  # doctest: +SKIP
>>> enlarged = sr.upscale(network, image)  # (N, 3, H, W) in [0, 1]  # doctest: +SKIP
"""

__version__ = "0.1.0"


def __getattr__(name: str):
    # lazily: torch takes seconds to import and --help does not need it
    if name == "load":
        from sr.weights.load import load

        return load
    if name == "upscale":
        from sr.infer.upscaler import upscale

        return upscale
    raise AttributeError(f"module 'sr' has no attribute '{name}'")
