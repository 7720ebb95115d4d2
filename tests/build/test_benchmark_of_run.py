"""The benchmarks of a finished run, whose config refers to its own training data."""

from omegaconf import OmegaConf

from sr.build.benchmark import benchmarks_of_run


def test_references_to_training_data_are_looked_up():
    """The slices of a recipe are the test part of the series that it trains on (conf/experiment/mri_slices.yaml)."""
    slices = {"path": "${data.train.path}", "gap": "${data.train.gap}", "scale": "${scale}", "kind": "${image}"}
    slices["_target_"] = "sr.benchmark.slices.SliceBenchmark"
    run = {"data": {"train": {"path": "${data_dir}/series", "gap": 2}}, "data_dir": "/old", "benchmark": {"slices": slices}}
    cfg = OmegaConf.create({"ckpt": "best.ckpt", "data_dir": "/new", "scale": 2, "image": {"name": "mri"}, "benchmark": {}})
    benchmarks_of_run(cfg, run)
    node = OmegaConf.to_container(cfg.benchmark.slices, resolve=True)
    assert node["path"] == "/new/series" and node["gap"] == 2 and node["scale"] == 2 and node["kind"] == {"name": "mri"}
    assert node["_target_"] == "sr.benchmark.slices.SliceBenchmark" and node["missing"] == "stop"
