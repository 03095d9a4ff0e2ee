"""Blocks of a network compiled by torch, each once per shape of a row, after a first batch has been evaluated plainly.

Not in the background: while PyTorch traces, calls of modules on every thread of the process go through its tracer, and fail there
(tried, torch 2.13). What has been compiled PyTorch keeps in the folder that `environment.use_private_caches` names, for the next
run. Where there is no compiler, blocks stay plain.
"""

import logging
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from diffusers.models.attention import BasicTransformerBlock, TemporalBasicTransformerBlock
from diffusers.models.resnet import SpatioTemporalResBlock
from torch import Tensor, nn

from dcvsr_engine.settings import Compilation

log = logging.getLogger(__name__)

TRANSFORMER_BLOCKS = (BasicTransformerBlock, TemporalBasicTransformerBlock)
FEW_ROWS = 2
"""Rows that a block is compiled with for any larger number: one alone is a case of its own."""
MOST_VARIANTS = 256
"""Shapes that one kind of block may be compiled for."""


COMPILED_KINDS: dict[Compilation, tuple[type[nn.Module], ...]] = {
    "off": (),
    "transformers": TRANSFORMER_BLOCKS,
    "all": (*TRANSFORMER_BLOCKS, SpatioTemporalResBlock),
}
"""The blocks that the setting ``compile`` stands for."""


@dataclass(frozen=True)
class TensorLayout:
    """What a block is compiled for.

    Attributes:
        per_row: length of the first axis for one row of a batch.
        shape, stride: of the other axes.
        spread: stride of the first one.
        dtype, device: of the numbers.
    """

    per_row: int
    shape: tuple[int, ...]
    spread: int
    stride: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device

    @classmethod
    def of(cls, value: Tensor, rows: int) -> "TensorLayout":
        """The layout of ``value`` of any shape, which belongs to so many ``rows``."""
        (length, *shape), (spread, *stride) = value.shape, value.stride()
        return cls(length // rows, tuple(shape), spread, tuple(stride), value.dtype, value.device)

    def example(self, rows: int) -> Tensor:
        """Zeros in this layout, whose first axis stands for any length."""
        shape, stride = (rows * self.per_row, *self.shape), (self.spread, *self.stride)
        reach = 1 + sum((length - 1) * step for length, step in zip(shape, stride, strict=True))
        made = torch.zeros(reach, dtype=self.dtype, device=self.device).as_strided(shape, stride)
        torch._dynamo.maybe_mark_dynamic(made, 0)
        return made


class SwitchedForward:
    """The forward of a block: plain, or compiled where all that is to be compiled is.

    Attributes:
        plain, compiled: both.
    """

    def __init__(self, block: nn.Module, blocks: "CompiledBlocks", backend: str) -> None:
        self.plain: Callable[..., Any] = type(block).forward.__get__(block)
        self.compiled: Callable[..., Any] = torch.compile(self.plain, backend=backend)
        self._blocks = blocks

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Evaluate the block; arguments and result are its own."""
        self._blocks.expect(self, args, named)
        return (self.compiled if self._blocks.on else self.plain)(*args, **named)


class CompiledBlocks:
    """The blocks of a network that are to be compiled.

    Attributes:
        on: whether compiled blocks are called.
        failure: why nothing could be compiled.
    """

    def __init__(self, network: nn.Module, kinds: tuple[type[nn.Module], ...], backend: str = "inductor") -> None:
        self.on = False
        self.failure: Exception | None = None
        self._known: set[Hashable] = set()
        self._waiting: list[Callable[[], Any]] = []
        self._rows = self._evaluations = 0
        for block in network.modules():
            if isinstance(vars(block).get("forward"), SwitchedForward):  # of an earlier job
                del block.forward
            if isinstance(block, kinds):
                block.forward = SwitchedForward(block, self, backend)

    @contextmanager
    def evaluation(self, rows: int) -> Iterator[None]:
        """Evaluate the network inside, for a batch of ``rows``; several evaluations may take turns.

        What was called in a new layout is compiled afterwards.
        """
        self._rows, self._evaluations = rows, self._evaluations + 1
        try:
            yield
        finally:
            self._evaluations -= 1
        if self._waiting and not self._evaluations:
            work, self._waiting = self._waiting, []
            self._compile(work)

    def expect(self, forward: SwitchedForward, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Have ``forward`` compiled for arguments such as these."""
        if self.failure is not None:
            return
        # a residual block is told; it may see fewer rows than the batch has, see `diffusion.front`
        rows = len(named.get("image_only_indicator", range(self._rows)))
        layouts = [TensorLayout.of(value, rows) if isinstance(value, Tensor) else value for value in (*args, *named.values())]
        if (key := (forward, min(rows, FEW_ROWS), tuple(layouts))) not in self._known:
            self._known.add(key)
            # the tensors themselves are not held: examples are made when they are needed
            self._waiting.append(partial(call_with, forward.compiled, layouts, len(args), list(named), min(rows, FEW_ROWS)))

    def _compile(self, work: list[Callable[[], Any]]) -> None:
        """Call compiled blocks, which compiles them; afterwards no call compiles anything by itself."""
        try:
            torch.compiler.set_stance("default")
            allow_variants()
            with torch.no_grad():
                # examples belong to no batch: attention processors, which ask a context variable for it, must not keep them
                for call in work:
                    Context().run(call)
            torch.compiler.set_stance("eager_on_recompile")
            self.on = True
        except Exception as error:  # whatever a compiler, or its absence, makes of it
            self.on, self.failure = False, error
            # what follows an empty line is for those who work on PyTorch
            said = " ".join(str(error).partition("\n\n")[0].split())
            log.warning("The network is not compiled, and computes plainly: %s", said[:300])


def call_with(function: Callable[..., Any], layouts: list[Any], positional: int, names: list[str], rows: int) -> Any:
    """Call a block's ``function`` with examples: so many positional arguments, then named ones."""
    values = [layout.example(rows) if isinstance(layout, TensorLayout) else layout for layout in layouts]
    return function(*values[:positional], **dict(zip(names, values[positional:], strict=True)))


def allow_variants() -> None:
    """Let PyTorch compile a block for more shapes than it does by default, in this process alone."""
    import torch._dynamo.config
    import torch._inductor.config

    torch._dynamo.config.recompile_limit = MOST_VARIANTS
    torch._dynamo.config.accumulated_recompile_limit = 4 * MOST_VARIANTS
    # its helpers would be started as this program, where that is frozen
    torch._inductor.config.compile_threads = 1
