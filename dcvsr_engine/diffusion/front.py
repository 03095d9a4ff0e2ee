"""The front of a U-Net, up to its first attention, computed once where the branches of guidance enter with the same numbers.

Until there they differ by what they drop of the condition alone: the embedding, γ and foreign keys act in attentions.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from diffusers import UNetSpatioTemporalConditionModel
from torch import Tensor, nn


def front_of(unet: UNetSpatioTemporalConditionModel) -> tuple[nn.Module, ...]:
    """The layers before the first attention, in order."""
    return unet.conv_in, unet.down_blocks[0].resnets[0]


@contextmanager
def computed_once(unet: UNetSpatioTemporalConditionModel, branches: int) -> Iterator[None]:
    """Evaluate a batch inside of which every branch, one after the other, enters with the same rows.

    The layers are themselves again as soon as the last of them has run: another evaluation may take its turn after that.
    """

    def first(module: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """A forward pre-hook: what the first branch enters with."""
        return tuple(map(share, args)), {name: share(value) for name, value in named.items()}

    def share(value: Any) -> Any:
        return value[: len(value) // branches] if isinstance(value, Tensor) else value

    def repeated(module: nn.Module, args: Any, output: Tensor) -> Tensor:
        """A forward hook: the ``output`` of any shape, once for every branch."""
        if module is layers[-1]:
            hooks.close()
        return output.repeat(branches, *[1] * (output.dim() - 1))

    layers = front_of(unet) if branches > 1 else ()
    with ExitStack() as hooks:
        for layer in layers:
            hooks.enter_context(layer.register_forward_pre_hook(first, with_kwargs=True))
            hooks.enter_context(layer.register_forward_hook(repeated))
        yield
