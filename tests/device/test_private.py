"""Private names of other libraries stand in sr/device/private.py alone, and each is there in the installed versions."""

import ast

import pytest
import torch
from omegaconf import OmegaConf
from pytorch_lightning.loggers import WandbLogger

from sr.device import private
from tests.jobs import ROOT

FILES = sorted(file for folder in ("sr", "hydra_plugins", "bench") for file in (ROOT / folder).rglob("*.py"))


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def names(tree: ast.AST) -> set[str]:
    """What a file defines: functions, classes, variables, attributes that it sets."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.attr if isinstance(node, ast.Attribute) else node.id)
    return found


@pytest.mark.medium
def test_no_other_file_uses_a_private_name_of_a_library():
    code = {file: ast.parse(file.read_text(encoding="utf-8")) for file in [*FILES, *sorted(ROOT.glob("*.py"))]}
    ours = set().union(*map(names, code.values())) | {"_target_"}
    found = []
    for file, tree in code.items():
        for node in ast.walk(tree):
            used = [node.attr] if isinstance(node, ast.Attribute) else []
            if isinstance(node, ast.ImportFrom) and not (node.module or "").startswith(("sr", "hydra_plugins")):
                used = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            elif isinstance(node, ast.Import):
                used = [part for alias in node.names for part in alias.name.split(".")]
            found += [f"{file.relative_to(ROOT)}: {name}" for name in used if is_private(name) and name not in ours]
    assert {line.split(":")[0] for line in found} == {"sr/device/private.py"}, found


def test_each_is_there(tmp_path):
    assert {"default", "reduce-overhead", "max-autotune"} <= set(private.compile_modes())
    assert private.bf16_on_cpu() in (None, "AMX", "AVX512-BF16")
    before = torch._dynamo.config.recompile_limit
    private.allow_recompiles(before - 1)
    assert torch._dynamo.config.recompile_limit == before
    with torch._dynamo.config.patch(recompile_limit=1):
        private.allow_recompiles(3)
        assert torch._dynamo.config.recompile_limit == 3
    targets, sources = [torch.zeros(2), torch.zeros(3)], [torch.ones(2), torch.ones(3)]
    private.copy_each(targets, sources)
    assert all(map(torch.equal, targets, sources)) and private.changes_of(targets[0]) == 1
    with torch.inference_mode():
        assert private.changes_of(torch.ones(2)) is None
    config = OmegaConf.create({"model": {"loss": {"weight": 1}}})
    assert "quality" in private.clip_prompts()
    assert [private.key_of_node(node) for node in (config.model.loss, config, 3)] == ["model.loss", "", ""]


def test_the_compiler_that_torch_would_use():
    with torch._inductor.config.patch({"cpp.cxx": ("no-such-compiler",)}), pytest.raises(Exception, match="[Cc]ompiler"):
        private.cpp_compiler()


def test_lightning_still_passes_what_wandb_warns_of(tmp_path):
    """When it no longer does, the function can go."""
    logger = WandbLogger(save_dir=tmp_path, offline=True)
    assert "anonymous" in logger._wandb_init
    assert "anonymous" not in private.without_anonymous(logger)._wandb_init
