"""Builds objects from the config. Only this folder and the entry scripts know Hydra; classes receive finished objects.

`train.py` calls `data`, `model` and `trainer`, then `fit` and `test`; each file builds what its name says.
"""

from sr.build.backend import on_backend, sizes_of_benchmarks, sizes_of_pictures, sizes_of_videos
from sr.build.benchmark import higher_is_better, measured_again, metrics
from sr.build.data import benchmarks, data
from sr.build.degradation import sets
from sr.build.exported import export_facts, export_quantise
from sr.build.facts import facts, gain, score
from sr.build.fit import fit, test
from sr.build.image import image, settle_image
from sr.build.model import evaluation, model
from sr.build.network import network
from sr.build.node import build
from sr.build.preview import preview
from sr.build.record import carried, table_name
from sr.build.results import check_results, results
from sr.build.scales import over_scales
from sr.build.session import quiet, seed, write_config
from sr.build.stored import (
    compared_networks,
    is_of_bursts,
    is_of_volumes,
    network_name,
    predicting_network,
    tested_network,
    volume_network,
)
from sr.build.trainer import trainer

__all__ = [
    "benchmarks",
    "build",
    "carried",
    "check_results",
    "compared_networks",
    "data",
    "evaluation",
    "export_facts",
    "export_quantise",
    "facts",
    "fit",
    "gain",
    "higher_is_better",
    "image",
    "is_of_bursts",
    "is_of_volumes",
    "measured_again",
    "metrics",
    "model",
    "network",
    "network_name",
    "over_scales",
    "on_backend",
    "predicting_network",
    "preview",
    "quiet",
    "results",
    "score",
    "seed",
    "sets",
    "settle_image",
    "sizes_of_benchmarks",
    "sizes_of_pictures",
    "sizes_of_videos",
    "table_name",
    "test",
    "tested_network",
    "trainer",
    "volume_network",
    "write_config",
]
