"""Every config is valid by its schema, and what a run would refuse is not: checked by the package jsonschema."""

import json
import re
from functools import cache
from pathlib import PurePosixPath

import pytest

from sr.errors import InputError
from sr.schema import configs, targets
from tests.jobs import CONF, ROOT

jsonschema = pytest.importorskip("jsonschema", reason='no jsonschema: pip install ".[dev]"')


@cache
def validators() -> dict[str, object]:
    import referencing
    import referencing.jsonschema

    made = json.loads(json.dumps(configs.schemas()))  # what is written: only JSON
    resources = ((f"{name}.json", referencing.jsonschema.DRAFT7.create_resource(one)) for name, one in made.items())
    registry = referencing.Registry().with_resources(resources)
    for one in made.values():
        jsonschema.Draft7Validator.check_schema(one)
    return {name: jsonschema.Draft7Validator(one, registry=registry) for name, one in made.items()}


def errors(name: str, content: object) -> list[str]:
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in validators()[name].iter_errors(content)]


@pytest.mark.medium
def test_every_config_is_valid():
    files = [(file, configs.name_of(file, CONF)) for file in sorted(CONF.rglob("*.yaml"))]
    checked = [(file, name) for file, name in files if name is not None]
    assert len(checked) > 500 and len(files) - len(checked) < 10
    wrong = {str(file.relative_to(CONF)): found for file, name in checked if (found := errors(name, configs.loaded(file)))}
    assert not wrong


@pytest.mark.medium
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("network", {"_target_": "sr.network.edsr.EDSR", "n_feat": 64}, "'n_feat' was unexpected"),
        ("network", {"_target_": "sr.network.edsr.EDSR", "n_feats": "wide"}, "n_feats: 'wide'"),
        ("network", {"backbone": {"_target_": "sr.network.edsr.EDSR", "n_feats": 1.5}}, "backbone: {"),
        ("loss", {"l1": {"_target_": "sr.loss.l1.L1", "wieght": 1.0}}, "'wieght' was unexpected"),
        ("degradation", {"blur": {"_target_": "sr.degradation.blur.Blur", "sigma": [0.1, True]}}, "True"),
        ("recipe", {"trainer": {"max_step": 10}}, "'max_step' was unexpected"),
        ("recipe", {"model": {"emma": 0.999}}, "'emma' was unexpected"),
        ("recipe", {"data": {"patch_size": "large"}}, "data.patch_size: 'large'"),
        ("recipe", {"loss": {"l1": {"weight": "much"}}}, "loss.l1.weight: 'much'"),
        ("recipe", {"preview": 3}, "preview: 3"),
        ("predict", {"video": {"codec": ["h264"]}}, "video.codec: ['h264']"),
        ("published", {"edsr_x2": {"scales": 2}}, "'scales' was unexpected"),
    ],
)
def test_what_a_run_refuses_is_an_error(name, content, message):
    assert any(message in error for error in errors(name, content))


@pytest.mark.medium
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("network", {"_target_": "mypackage.net.MyNet", "anything": 1}),  # not ours: nothing is known of it
        ("network", {"_target_": "sr.network.edsr.EDSR", "n_feats": "${other}", "scale": "???"}),
        ("recipe", {"photos": "/my/photos", "data": {"train": "${photos}"}, "optimizer": {"lr": 1}}),
    ],
)
def test_what_a_run_accepts_is_not(name, content):
    assert not errors(name, content)


def test_each_file_has_one_schema_in_vs_code():
    patterns = json.loads((ROOT / ".vscode" / "settings.json").read_text())["yaml.schemas"]
    assert patterns == configs.settings()
    for file in CONF.rglob("*.yaml"):
        relative = PurePosixPath("conf", *file.relative_to(CONF).parts)
        found = [name for name, globs in patterns.items() if any(relative.match(glob) for glob in globs)]
        if line := re.search(r"^# yaml-language-server: \$schema=(.+)$", file.read_text(), re.MULTILINE):
            assert (file.parent / line[1]).resolve().parent == ROOT / ".schema"
            found = [f".schema/{(file.parent / line[1]).name}"]  # the comment wins
        name = configs.name_of(file, CONF)
        assert found == ([] if name is None else [f".schema/{name}.json"]), file


def test_descriptions_come_from_docstrings():
    found = targets.arguments("One line.\n\nArgs:\n    a, b: both\n        of them.\n    c: an end.\n\nRaises:\n    Error: d.")
    assert found == {"a": "both of them.", "b": "both of them.", "c": "an end."}
    options, is_open = targets.options("sr.model.regression.Regression")
    assert targets.options("sr.loss.l1.L1")[0]["weight"]["anyOf"][0] == {"type": "number"}  # of its parent
    assert not is_open and options["ema"]["description"] and options["channel"]["default"] == "rgb"


def test_a_target_that_does_not_exist_is_one_line(tmp_path):
    (tmp_path / "network").mkdir()
    (tmp_path / "network" / "mine.yaml").write_text("_target_: nopackage.net.Net\n")
    with pytest.raises(InputError, match=r"mine\.yaml: _target_=nopackage\.net\.Net cannot be read"):
        configs.schemas([tmp_path])
