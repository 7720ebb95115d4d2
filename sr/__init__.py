"""Image super-resolution experiments: networks, degradations, the papers' protocol, training and evaluation.

>>> import sr
>>> network = sr.load("outputs/first/checkpoints/best.ckpt")  # doctest: +SKIP
"""

__version__ = "0.1.0"


def __getattr__(name: str):
    if name == "load":  # lazily: torch takes seconds to import and --help does not need it
        from sr.weights.load import load

        return load
    raise AttributeError(f"module 'sr' has no attribute '{name}'")
