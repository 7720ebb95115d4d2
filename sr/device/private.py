"""All non-public names of other libraries that we use, with the reason; they have no public counterpart.

Checked with torch 2.15.0, OmegaConf 2.3.1, Lightning 2.6.6 and W&B 0.31.0. `tests/device/test_private.py` calls each, so that
an upgrade that removes one fails there; no other file of this project uses such a name.
"""

from typing import Any

from omegaconf import OmegaConf


def compile_modes() -> list[str]:
    """The modes of torch.compile: its documentation refers to this function; `torch.compiler` has none."""
    import torch  # imported here: sr/cli/signature.py works without torch

    return list(torch._inductor.list_mode_options())


def cpp_compiler() -> str:
    """The C++ compiler that torch.compile would use; raises an exception if there is none."""
    from torch._inductor.cpp_builder import get_cpp_compiler

    return get_cpp_compiler()


def allow_recompiles(count: int) -> None:
    """Let torch.compile make up to `count` graphs of a function. Newer versions have it in `torch.compiler.config` too."""
    import torch

    torch._dynamo.config.recompile_limit = max(count, torch._dynamo.config.recompile_limit)


def bf16_on_cpu() -> str | None:
    """The unit of this CPU that multiplies bfloat16: AMX or AVX512-BF16. `torch.cpu.get_capabilities` has it in new
    versions."""
    import torch

    if torch.cpu._is_amx_tile_supported():
        return "AMX"
    return "AVX512-BF16" if torch.cpu._is_avx512_bf16_supported() else None


def copy_each(targets: list[Any], sources: list[Any]) -> None:
    """Copy tensors into others of the same shapes, on a GPU by few kernels instead of one for each."""
    import torch

    torch._foreach_copy_(targets, sources)


def changes_of(tensor: Any) -> int | None:
    """How often a tensor was changed in place; None in inference mode, which does not count."""
    return None if tensor.is_inference() else tensor._version


def key_of_node(node: Any) -> str:
    """The full key of a config node, such as `model.loss`, which OmegaConf shows only in errors; "" for other objects."""
    return node._get_full_key("") if OmegaConf.is_config(node) else ""


def without_anonymous(logger: Any) -> Any:
    """A WandbLogger that does not pass `anonymous`: Lightning always does, and W&B warns that it has no effect."""
    logger._wandb_init.pop("anonymous", None)
    return logger


def clip_prompts() -> tuple[str, ...]:
    """The named pairs of prompts of torchmetrics' CLIP-IQA, which only its documentation lists."""
    from torchmetrics.functional.multimodal.clip_iqa import _PROMPTS

    return tuple(_PROMPTS)
