"""The front of a U-Net, up to its first attention, computed once where the branches of guidance enter with the same numbers.

Until there they differ by what they drop of the condition alone: the embedding, γ and foreign keys act in attentions.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from diffusers import UNetSpatioTemporalConditionModel
from torch import Tensor, nn

ALIKE: ContextVar[int] = ContextVar("alike branches", default=1)
"""Branches of the calling evaluation, one after the other in its batch, that enter with the same rows."""


def front_of(unet: UNetSpatioTemporalConditionModel) -> tuple[nn.Module, ...]:
    """The layers before the first attention, in order."""
    return unet.conv_in, unet.down_blocks[0].resnets[0]


def share_front(unet: UNetSpatioTemporalConditionModel) -> None:
    """Have the front of ``unet`` computed once where `computed_once` says so; an earlier job may have done it already."""
    for layer in front_of(unet):
        if enter_once not in layer._forward_pre_hooks.values():
            layer.register_forward_pre_hook(enter_once, with_kwargs=True)
            layer.register_forward_hook(repeat_for_branches)


@contextmanager
def computed_once(branches: int) -> Iterator[None]:
    """Evaluate a batch inside of which every branch, one after the other, enters with the same rows."""
    token = ALIKE.set(branches)
    try:
        yield
    finally:
        ALIKE.reset(token)


def enter_once(module: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A forward pre-hook: what the first branch enters with."""
    branches = ALIKE.get()

    def share(value: Any) -> Any:
        return value[: len(value) // branches] if isinstance(value, Tensor) else value

    return tuple(map(share, args)), {name: share(value) for name, value in named.items()}


def repeat_for_branches(module: nn.Module, args: Any, output: Tensor) -> Tensor:
    """A forward hook: the ``output`` of any shape, once for every branch."""
    branches = ALIKE.get()
    return output if branches == 1 else output.repeat(branches, *[1] * (output.dim() - 1))
