"""diffusers' networks without what diffusers alone would import for them, which takes longer than they do."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

import torch.compiler

from dcvsr_engine.network.uncompiled import left_uncompiled

UNNEEDED = ("torch._dynamo", "peft", "transformers", "scipy")
"""What diffusers looks for when it is imported, and does without: PyTorch's compiler, which it marks classes for that graphs may
make objects of, and packages that only its adapters and pipelines need."""
NETWORKS = (
    "diffusers.models.autoencoders.autoencoder_kl_temporal_decoder",
    "diffusers.models.unets.unet_spatio_temporal_condition",
)
"""Modules that import all others of diffusers which are needed."""


def import_diffusers() -> None:
    """Import diffusers' networks and nothing unneeded; that can be imported afterwards, and networks compiled."""
    # diffusers would take what fails here for not installed, too
    with absent(UNNEEDED), suppress(ImportError):
        import_module("diffusers.utils")
    with disabling_later():
        for module in NETWORKS:
            import_module(module)


@contextmanager
def absent(modules: tuple[str, ...]) -> Iterator[None]:
    """Have modules look as if they were not installed, inside, but for those that are there already."""
    hidden = [module for module in modules if module not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for module in hidden:
            del sys.modules[module]


@contextmanager
def disabling_later() -> Iterator[None]:
    """Have `left_uncompiled` stand in for `torch.compiler.disable` inside."""
    real = torch.compiler.disable

    def disable(fn: Any = None, **named: Any) -> Any:
        if named:
            return real(fn, **named)  # type: ignore[no-untyped-call]
        return left_uncompiled if fn is None else left_uncompiled(fn)

    setattr(torch.compiler, "disable", disable)  # noqa: B010
    try:
        yield
    finally:
        setattr(torch.compiler, "disable", real)  # noqa: B010
