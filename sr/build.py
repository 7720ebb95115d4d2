"""Config to objects: the only file, with the entry scripts, that knows Hydra. Classes receive finished objects."""

import logging
import os
import secrets
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from hydra.utils import get_class, instantiate
from omegaconf import DictConfig, OmegaConf
from torch import nn

from sr.cli import CONF, aliases, called, check, choice, overrides, plain_warnings, signature
from sr.cli.words import key_of
from sr.errors import InputError
from sr.files import whole
from sr.image.kind import PHOTO, Kind, of
from sr.infer.upscaler import channels
from sr.say import warn
from sr.weights import checkpoint, contract, reloadable, same_options, trust
from sr.weights.fit import load_weights
from sr.weights.load import load


def build(node: Any, **finished: Any) -> Any:
    """Instantiate a config node; lists and dicts arrive as plain ones (else as OmegaConf's)."""
    aliases.update(node)
    signature.check(node)
    return instantiate(node, _convert_="all", **finished)


def image(cfg: DictConfig) -> Kind:
    """What a pixel is; 8-bit RGB in runs from before it could be chosen."""
    return build(cfg.image) if cfg.get("image") else PHOTO


def settle_image(cfg: DictConfig) -> Kind:
    """Fill in `cfg.image` of test.py and predict.py: what the checkpoint was trained for, `photo` for released files.

    Raises:
        InputError: the command line says another one than the checkpoint.
    """
    named = not OmegaConf.is_missing(cfg, "ckpt") and cfg.ckpt is not None
    file = checkpoint.first(_plain(cfg.ckpt)) if named else None
    run = checkpoint.about(file).get("sr") if file is not None else None
    stored = of(run.get("config", {}).get("image"), file) if run else None
    if cfg.get("image") is None:
        OmegaConf.update(cfg, "image", _image_node(stored or PHOTO), force_add=True)
    chosen = image(cfg)
    if stored not in (None, chosen):
        raise InputError(f"image={chosen.name}, but {file} was trained with image={stored.name}: leave image=... out")
    return chosen


def _image_node(kind: Kind) -> dict[str, Any]:
    return {"_target_": "sr.image.kind.Kind", **asdict(kind)}


def check_channels(network: nn.Module, kind: Kind) -> nn.Module:
    """The network itself. InputError: it takes another number of channels than the image has bands."""
    if channels(network) != kind.bands:
        raise InputError(
            f"{type(network).__name__} takes {channels(network)} channels, and image={kind.name} has {kind.bands} bands: "
            "choose an image=... of as many"
        )
    return network


def network(cfg: DictConfig) -> nn.Module:
    """The network that is trained, tried on a tiny image, with what fits of the weights of `init_from`."""
    from sr.weights import initial

    built = build(cfg.network)
    if not isinstance(built, nn.Module):
        raise InputError(f"network._target_={cfg.network._target_} makes a {type(built).__name__}, not an nn.Module")
    contract.network(built, cfg.scale or getattr(built, "scale", None), _patch_sizes(cfg))
    check_channels(built, image(cfg))
    if cfg.get("init_from"):
        if OmegaConf.is_list(cfg.init_from):  # between two files there are no weights to train from
            raise InputError(f"init_from={','.join(map(str, cfg.init_from))}: name one file")
        _print(initial.load_network(built, cfg.init_from))
        others = same_options.differing(OmegaConf.to_container(cfg.network, resolve=True), cfg.init_from)
        if others := [one for one in others if not one.startswith("scale=")]:
            _print(f"init_from={cfg.init_from}: was trained with {', '.join(others)}")
    return built


def _discriminator(cfg: DictConfig) -> nn.Module:
    """The discriminator, with the weights of `init_from` if they are of the same one."""
    from sr.weights import initial

    built = build(cfg.discriminator)
    if cfg.get("init_from"):
        config = OmegaConf.to_container(cfg.discriminator, resolve=True)
        _print(initial.load_discriminator(built, cfg.init_from, config))
    return built


def _print(line: str | None) -> None:
    """In the first of a run's processes."""
    from pytorch_lightning.utilities import rank_zero_only

    if line:
        rank_zero_only(print)(line)


def stored_network(cfg: DictConfig) -> nn.Module:
    """The network in the checkpoint or released file `ckpt`, or between two: ckpt=[psnr.ckpt,gan.ckpt] alpha=0.8."""
    return load(_plain(cfg.ckpt), alpha=cfg.alpha, scale=cfg.scale, trusted=trust.of_command_line(cfg))


def predicting_network(cfg: DictConfig) -> nn.Module:
    """The network of predict.py: the checkpoint's, or the config's with the checkpoint's weights."""
    kind = settle_image(cfg)
    if not kind.whole:
        raise InputError(f"image={kind.name}: image files of {kind.dtype} in {list(kind.range)} are not enlarged yet")
    return check_channels(_named_network(cfg) if cfg.get("network") else stored_network(cfg), kind)


def _named_network(cfg: DictConfig) -> nn.Module:
    """The network of network=..., with all weights of `ckpt`; without any for ckpt=null, or if it has none (interpolation)."""
    from sr.network.spandrel import unmerged
    from sr.weights import recognise

    if cfg.scale is None and cfg.network.get("scale") is None:
        raise InputError("pass scale=N together with network=NAME")
    built = contract.network(build(cfg.network), cfg.scale or cfg.network.get("scale")).eval()
    if OmegaConf.is_missing(cfg, "ckpt"):
        if next(built.parameters(), None) is not None:
            raise InputError(
                f"network={choice('network', 'network')} has weights: pass ckpt=FILE, or ckpt=null for untrained ones"
            )
    elif cfg.ckpt is not None:
        file = checkpoint.first(_plain(cfg.ckpt))
        tensors = unmerged(checkpoint.stored_weights(_plain(cfg.ckpt), cfg.alpha))
        load_weights(built, tensors, file)
        if not checkpoint.about(file):
            recognise.check(built, tensors, file)
        elif others := same_options.differing(OmegaConf.to_container(cfg.network, resolve=True), file):
            warn(f"{file}: was trained with {', '.join(others)}: leave network=... out, or its results may be wrong")
    return built


def compared_networks(cfg: DictConfig) -> list[tuple[str, nn.Module]]:
    """Each file of ckpt=[a,b,c] with its network; "" where the config's network has no file."""
    if cfg.get("network") and OmegaConf.is_missing(cfg, "ckpt"):
        return [("", predicting_network(cfg))]
    files = cfg.ckpt if OmegaConf.is_list(cfg.ckpt) else [cfg.ckpt]
    return [(str(file or ""), predicting_network(OmegaConf.merge(cfg, {"ckpt": file}))) for file in files]


def _plain(source: Any) -> Any:
    return OmegaConf.to_container(source) if OmegaConf.is_config(source) else source


def model(cfg: DictConfig) -> Any:
    """The LightningModule that trains the network, with the parts that its recipe has (a discriminator, for instance)."""
    groups = ("optimizer", "schedule", "adversarial", "discriminator_optimizer")
    parts = {  # in this order, by which random weights are drawn
        "network": network(cfg),
        "metric": _metric(cfg),
        "loss": {name: build(node) for name, node in _chosen(cfg, "loss").items()},
        **({"discriminator": _discriminator(cfg)} if "_target_" in (cfg.get("discriminator") or {}) else {}),
        **{group: build(cfg[group]) for group in groups if "_target_" in (cfg.get(group) or {})},
    }
    side, channels = max(_patch_sizes(cfg), default=32) * parts["network"].scale, parts["network"].channels
    seen = 1 if cfg.model.get("channel") == "y" and channels == 3 else channels
    contract.all_of(contract.loss, "loss", parts["loss"], channels=seen, side=side)
    contract.all_of(contract.metric, "metric", parts["metric"], channels=channels)
    if "discriminator" in parts:
        contract.discriminator(parts["discriminator"], side, channels)
    return build(cfg.model, **parts)


def _patch_sizes(cfg: DictConfig) -> set[int]:
    """Sides of the training patches in LR pixels; none where nothing is trained, or where they are no whole numbers."""
    data = cfg.get("data") or {}
    sizes = [data.get("patch_size"), *(phase.get("patch_size") for phase in data.get("progressive") or [])]
    return {size for size in sizes if type(size) is int and size > 0}


def data(cfg: DictConfig) -> Any:
    """The LightningDataModule."""
    from sr.augmentation.chain import Chain as Augmentations
    from sr.degradation.chain import Chain as Degradations

    return build(
        cfg.data,
        benchmark=_benchmark(cfg),
        validation={name: build(node) for name, node in _chosen(cfg, "validation").items()},
        degradation=Degradations(build(_group(cfg, "degradation")), scale=cfg.scale, levels=image(cfg).levels),
        augmentation=Augmentations(build(_group(cfg, "augmentation"))),
        accumulate=cfg.trainer.accumulate_grad_batches,
        **_limits(cfg),
    )


def tested_network(cfg: DictConfig) -> nn.Module:
    """The network that test.py scores: the checkpoint's, or the config's with the checkpoint's weights if it has any.

    Fills in what the checkpoint knows and the command line does not say: scale and benchmarks.
    """
    kind = settle_image(cfg)
    if cfg.get("network") is None:
        built = stored_network(cfg)
        if cfg.scale not in (None, built.scale):
            raise InputError(f"scale={cfg.scale}, but {cfg.ckpt} is a network for scale {built.scale}")
        cfg.scale = built.scale
        if not cfg.get("benchmark"):
            carried = checkpoint.about(checkpoint.first(cfg.ckpt)).get("sr", {"config": {"benchmark": {}}})
            _benchmarks_of_run(cfg, carried["config"]["benchmark"])
    else:
        built = _named_network(cfg)
        cfg.scale = built.scale  # of network.scale=3 alone
    return check_channels(built, kind)


def network_name(cfg: DictConfig) -> str:
    """Of the network that test.py scores: what train.py's table called it, the chosen config's, or a released file's."""
    if cfg.get("network") is not None:
        return choice("network", "network")
    files = cfg.ckpt if OmegaConf.is_list(cfg.ckpt) else [cfg.ckpt]
    runs = [(file, checkpoint.about(file).get("sr", {})) for file in files]
    names = [
        (run.get("config", {}).get("variant"), run.get("called"), run.get("recipe"), Path(file).stem) for file, run in runs
    ]
    return " + ".join(next(filter(None, known)) for known in names)


def _benchmarks_of_run(cfg: DictConfig, stored: dict[str, Any]) -> None:
    """The config group's own benchmarks of the stored names; from the file come only plain values such as a folder."""
    for name, node in stored.items():
        file = CONF / "benchmark" / f"{name}.yaml"
        if file.is_file():
            own = OmegaConf.load(file)[name]
        elif node.get("_target_") == "sr.benchmark.pairs.Benchmark":  # one that the run's command line added
            own = OmegaConf.load(CONF / "benchmark" / "folder.yaml")["folder"]
        else:
            raise InputError(f"{cfg.ckpt}: its benchmark {name} is not in this version; pass benchmark=[...]")
        plain = {key: value for key, value in node.items() if not isinstance(value, dict | list) and not key.startswith("_")}
        OmegaConf.update(cfg, f"benchmark.{name}", OmegaConf.merge(own, plain), force_add=True)


def benchmarks(cfg: DictConfig) -> Any:
    """The LightningDataModule of benchmarks alone."""
    from sr.data.module import Benchmarks

    limits = _limits(cfg)
    if limits["limit_test"] == 0:
        raise InputError("nothing to measure on: trainer.limit_test_batches=0 leaves no image")
    return Benchmarks(benchmark=_benchmark(cfg), kind=image(cfg), **limits)


def _limits(cfg: DictConfig) -> dict[str, Any]:
    """How many images of each set are measured. Lightning's limits count in each process; the data module's count in all."""
    check.limits(cfg.trainer)
    quick = cfg.trainer.get("fast_dev_run")  # of Lightning: so many batches of everything
    return {f"limit_{stage}": int(quick) if quick else cfg.trainer[f"limit_{stage}_batches"] for stage in ("val", "test")}


def _benchmark(cfg: DictConfig) -> dict[str, Any]:
    if not cfg.get("benchmark"):
        raise InputError("nothing to measure on: pass benchmark=[set5] or another choice of the config group benchmark")
    return build(cfg.benchmark)


def _metric(cfg: DictConfig) -> dict[str, Any]:
    if not _group(cfg, "metric"):
        raise InputError("nothing to measure with: pass metric=[psnr] or another choice of the config group metric")
    return build(cfg.metric)


def _group(cfg: DictConfig, name: str) -> Mapping[str, Any]:
    """What is chosen in a config group of lists. Of `callback=[]` Hydra makes a config without the key."""
    return cfg.get(name) or {}


def _chosen(cfg: DictConfig, name: str) -> dict[str, Any]:
    """A config group of lists without what a recipe says of parts that are not chosen, which have no `_target_`.

    Such are a weight of a loss that loss=[...] took out, and an option for the second of two stages.
    """
    return {part: node for part, node in _group(cfg, name).items() if "_target_" in node}


def measured_again(config: dict[str, Any], folder: str | Path, names: list[str]) -> dict[str, Any]:
    """The benchmarks of a finished run, by this version's configs and the run's folders of images."""
    known = {"ckpt": str(folder), "scale": config.get("scale"), "data_dir": config.get("data_dir"), "benchmark": {}}
    cfg = OmegaConf.create(known | {"image": _image_node(of(config.get("image"), folder))})
    _benchmarks_of_run(cfg, {name: config["benchmark"][name] for name in names})
    return _benchmark(cfg)


def metrics(names: list[str], scale: int, kind: Kind = PHOTO) -> dict[str, Any]:
    """Metrics of conf/metric by name, as they are there; those that are not there, or need weights, are left out."""
    files = [CONF / "metric" / f"{name}.yaml" for name in names]
    nodes = OmegaConf.merge({}, *(OmegaConf.load(file) for file in files if file.is_file()))
    cfg = OmegaConf.create({"scale": scale, "image": asdict(kind), "metric": nodes})
    return {name: build(node) for name, node in cfg.metric.items() if not {"weights", "net"} & set(node)}


def higher_is_better(config: dict[str, Any]) -> dict[str, bool]:
    """Of each metric of a run's config whose class this version has."""
    found = {}
    for name, node in (config.get("metric") or {}).items():
        target = node.get("_target_", "") if isinstance(node, dict) else ""
        if target.startswith("sr.metric."):
            found[name] = getattr(get_class(target), "higher_is_better", True)
    return found


def evaluation(cfg: DictConfig, network: nn.Module) -> Any:
    """The LightningModule that evaluates a finished network."""
    from sr.model.base import SRModule

    return SRModule(
        network=network,
        metric=contract.all_of(contract.metric, "metric", _metric(cfg), channels=getattr(network, "channels", 3)),
    )


def trainer(cfg: DictConfig, model: Any = None) -> Any:
    """Lightning's Trainer with the callbacks and loggers of the config, in a precision that fits the model."""
    from pytorch_lightning.utilities import rank_zero_only

    from sr.callback.checkpoint import Checkpoint
    from sr.callback.until import Until
    from sr.device import speed
    from sr.logger import environment as wandb_environment
    from sr.logger.csv import CSV
    from sr.plugin.checkpoint_io import BackgroundIO
    from sr.run import record as run
    from sr.run import replay

    quiet()
    if "wandb" in _group(cfg, "logger"):
        if not cfg.get("resume"):  # a resumed run is in the project, and has the id, that it began with
            wandb_environment.apply(cfg.logger.wandb, {key_of(word) for word in overrides()})
        if not cfg.logger.wandb.run_id:
            cfg.logger.wandb.run_id = os.environ.get("WANDB_RUN_ID") or secrets.token_hex(4)  # of a W&B sweep, its agent's
    callbacks = [build(node) for node in _chosen(cfg, "callback").values()]
    if cfg.get("profile") and "profile" not in _group(cfg, "callback"):
        from sr.callback.profile import Profile

        callbacks.append(Profile(folder=cfg.output_dir))
    keeper = next((callback for callback in callbacks if isinstance(callback, Checkpoint)), None)
    if keeper is not None:
        reloadable.check(carry := carried(cfg), trust.of_command_line(cfg))
    for callback in callbacks:
        if isinstance(callback, Checkpoint):
            callback.carry = carry
    if replay.until() is not None and keeper is not None:
        callbacks.append(Until(step=replay.until(), keeper=keeper))
    loggers = {name: build(node, **_dashboard(cfg, name)) for name, node in _group(cfg, "logger").items()}
    if loggers and "csv" not in loggers:
        loggers["csv"] = CSV(file=f"{cfg.output_dir}/metrics.csv")
    wanted = cfg.trainer
    check.counts(wanted)
    check.endless(wanted)
    limits = _limits(cfg)
    validated = _chosen(cfg, "validation") or _group(cfg, "benchmark")
    check.monitors(_chosen(cfg, "callback"), _group(cfg, "metric"), validated, limits["limit_val"])
    if model is not None:
        check.directions(_chosen(cfg, "callback"), _higher(model))
    interval = min(wanted.val_check_interval, wanted.max_steps) if wanted.max_steps > 0 else wanted.val_check_interval
    speed.check_strategy(wanted.strategy)
    precision, why = speed.precision(wanted.precision, wanted.accelerator, model and model.network)
    speed.set_up(wanted.accelerator)
    if cfg.get("model"):
        device = speed.device_type(wanted.accelerator)
        makers = {"network": "optimizer", "discriminator": "discriminator_optimizer"}
        optimizers = {who: make for who, name in makers.items() if isinstance(make := getattr(model, name, None), partial)}
        chosen = speed.line(precision, why, device, cfg.model.get("compile"), optimizers, speed.has_tf32(device))
        rank_zero_only(print)(f"{run.device()}: {chosen}")
    for logger in loggers.values():
        logger.log_hyperparams(OmegaConf.to_container(cfg, resolve=True) | _origin(cfg))
    built = build(
        cfg.trainer,
        precision=precision,
        val_check_interval=interval * wanted.accumulate_grad_batches,  # Lightning counts batches here
        check_val_every_n_epoch=None,  # the stream of patches has no epochs
        num_sanity_val_steps=0,
        use_distributed_sampler=False,  # Benchmarks limits the sets and shares out the images itself, none twice
        limit_val_batches=0 if limits["limit_val"] == 0 else 1.0,
        limit_test_batches=0 if limits["limit_test"] == 0 else 1.0,
        logger=list(loggers.values()) or False,
        callbacks=callbacks,
        plugins=[BackgroundIO()],
        default_root_dir=cfg.output_dir,
        enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    check.processes(built)
    return built


def _origin(cfg: DictConfig) -> dict[str, Any]:
    """The command and the code of a run, where run.json has them."""
    record = _record(cfg)
    return {"command": " ".join(record["command"]), **{key: record[key] for key in ("commit", "dirty")}} if record else {}


def _record(cfg: DictConfig) -> dict[str, Any]:
    """run.json of the run that this is; empty where none is recorded."""
    from sr.errors import MissingError
    from sr.run import read as read_run

    try:
        return read_run.read(cfg.output_dir)
    except MissingError:
        return {}


def _dashboard(cfg: DictConfig, logger: str) -> dict[str, Any]:
    """By what W&B lists a run: its place in a study, its recipe and scale."""
    if logger != "wandb":
        return {}
    study, variant = cfg.get("study"), cfg.get("variant")
    tags = [*cfg.logger.wandb.tags, choice("model", ""), f"x{cfg.scale}", study, variant]
    named = {"name": f"{variant}_seed-{cfg.seed}"} if variant and not cfg.logger.wandb.name else {}
    return {"tags": list(dict.fromkeys(tag for tag in tags if tag)), **named}


def fit(trainer: Any, model: Any, data: Any, resume: str | None = None) -> None:
    """Train from the start or from a checkpoint. Says so where that ends before the last step, or before the first."""
    from pytorch_lightning.utilities import rank_zero_only

    from sr.run import early

    if resume:
        for logger in trainer.loggers:
            if hasattr(logger, "resume"):
                logger.resume(checkpoint.about(resume)["global_step"])
    if not model.automatic_optimization:  # it clips and accumulates by itself; Lightning refuses these settings beside it
        trainer.gradient_clip_val, trainer.accumulate_grad_batches = None, 1
    if trainer.max_steps == 0:
        return
    if resume and 0 < trainer.max_steps <= (step := checkpoint.about(resume)["global_step"]):
        rank_zero_only(print)(
            f"nothing is left to train: {resume} is of step {step}, and trainer.max_steps={trainer.max_steps}; "
            "pass a larger trainer.max_steps"
        )
    trainer.fit(model, datamodule=data, ckpt_path=resume)
    if stopped := early.stopped_early(trainer):
        rank_zero_only(print)(early.line(stopped))


def test(trainer: Any, model: Any, data: Any) -> dict[str, Any]:
    """Test the best checkpoint of the run, or the network as it is where nothing was trained; the content of metrics.json."""
    from sr.logger.wandb import finish_wandb

    keeper = _keeper(trainer)
    validated = keeper is not None and keeper.score is not None  # else a best.ckpt in the folder is another run's
    best = str(keeper.best) if validated and keeper.best.is_file() else None
    trainer.test(model, datamodule=data, ckpt_path=best, verbose=False)
    for logger in trainer.loggers:
        logger.finalize("success")
    finish_wandb()
    return model.results


def score(trainer: Any) -> float | None:
    """The best validation score, or None where nothing was validated."""
    keeper = _keeper(trainer)
    return keeper and keeper.score


def facts(trainer: Any, model: Any) -> dict[str, Any]:
    """What run.json says of a training that is over."""
    from sr.callback.clock import Clock
    from sr.device.count import parameters
    from sr.run.early import stopped_early

    known = {
        "precision": str(trainer.precision),
        "parameters": parameters(model.network),
        "score": score(trainer),
        "higher_is_better": _higher(model),
        "training": {"steps": trainer.global_step},
        "stopped_early": stopped_early(trainer),
    }
    if clock := next((callback for callback in trainer.callbacks if isinstance(callback, Clock)), None):
        known["training"] |= {"seconds": round(clock.seconds, 3), "peak_memory_mb": round(clock.peak_memory / 1e6, 1)}
    return known


def _higher(model: Any) -> dict[str, bool]:
    """Metric -> whether higher is better."""
    return {name: bool(getattr(metric, "higher_is_better", True)) for name, metric in model.metric.items()}


def _keeper(trainer: Any) -> Any:
    from sr.callback.checkpoint import Checkpoint

    return next((callback for callback in trainer.callbacks if isinstance(callback, Checkpoint)), None)


def carried(cfg: DictConfig) -> dict[str, Any]:
    """What a checkpoint says of its run, in plain values: recipe, config, the network's with all values filled in, and the
    commands that made it (sr/run/history.py)."""
    return {
        "recipe": choice("model", ""),
        "called": called(""),
        "config": reloadable.plain(OmegaConf.to_container(cfg, resolve=False)),
        "network": reloadable.plain(OmegaConf.to_container(cfg.network, resolve=True)),
        "segments": _record(cfg).get("segments"),
    }


def seed(cfg: DictConfig) -> None:
    """One seed for weights and everything that is drawn."""
    import pytorch_lightning as pl

    if type(cfg.seed) is not int or not 0 <= cfg.seed < 2**32:
        raise InputError(f"seed={cfg.seed}: a whole number from 0 to {2**32 - 1}")
    pl.seed_everything(cfg.seed, workers=True, verbose=False)


def quiet() -> None:
    """Keep Lightning's advertising and the warnings about what is meant so off the screen."""
    for name in ("pytorch_lightning", "lightning_fabric", "lightning.pytorch", "pytorch_lightning.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=UserWarning, module="pytorch_lightning|lightning_fabric|torch.utils.data")
    warnings.filterwarnings(
        "ignore",
        ".*(does not have many workers|LeafSpec|torch.meshgrid: in an upcoming release|new API settings to control TF32).*",
    )
    plain_warnings()  # again: importing Lightning sets its own format


def write_config(cfg: DictConfig) -> None:
    """config.yaml in the run's folder."""
    folder = Path(cfg.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    with whole(folder / "config.yaml") as temporary:  # each process of a run comes here
        temporary.write_text(OmegaConf.to_yaml(cfg))
