"""Blocks of a network compiled by torch, each once per shape of a row, after a first batch has been evaluated plainly.

While PyTorch traces, calls of modules on every thread of the process go through its tracer, and fail there (tried, torch 2.13):
what takes long is for a process beside this one, see `CompiledBlocks.beside`. What has been compiled PyTorch keeps in the folder
that `environment.use_private_caches` names, for this process and the next run. Where there is no compiler, blocks stay plain.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context, ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from diffusers.models.attention import BasicTransformerBlock, TemporalBasicTransformerBlock
from diffusers.models.resnet import SpatioTemporalResBlock
from torch import Tensor, nn

from dcvsr_engine.settings import Compilation, Device

log = logging.getLogger(__name__)

TRANSFORMER_BLOCKS = (BasicTransformerBlock, TemporalBasicTransformerBlock)
FEW_ROWS = 2
"""Rows that a block is compiled with for any larger number: one alone is a case of its own."""
MOST_VARIANTS = 256
"""Shapes that one kind of block may be compiled for."""


IS_EXAMPLE: ContextVar[bool] = ContextVar("is example", default=False)
"""Whether a block is called only to be compiled."""

COMPILED_KINDS: dict[Compilation, tuple[type[nn.Module], ...]] = {
    "off": (),
    "transformers": TRANSFORMER_BLOCKS,
    "all": (*TRANSFORMER_BLOCKS, SpatioTemporalResBlock),
}
"""The blocks that the setting ``compile`` stands for."""


def kinds_to_compile(asked: Compilation, device: Device) -> tuple[type[nn.Module], ...]:
    """The kinds of blocks to compile for a ``device``: none for a processor, which gains nothing (`research/measured.md`)."""
    return () if device == "cpu" else COMPILED_KINDS[asked]


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
        numbers = torch.zeros(reach, dtype=self.dtype, device=self.device)
        # no view: what is compiled for one asks others for their base, and does not serve them
        return of_any_length(numbers.new_empty(0).set_(numbers.untyped_storage(), 0, shape, stride))


@dataclass(frozen=True)
class BlockCall:
    """A call for whose like a block is compiled.

    Attributes:
        block: its name in the network.
        rows: of the batch; `FEW_ROWS` stand for any larger number.
        args, named: positional and named arguments, with layouts for tensors.
    """

    block: str
    rows: int
    args: tuple[Any, ...]
    named: tuple[tuple[str, Any], ...]

    @classmethod
    def like(cls, block: str, rows: int, args: tuple[Any, ...], named: dict[str, Any]) -> "BlockCall":
        """One like a call with arguments that belong to so many ``rows``; the tensors themselves are not held."""

        def layout(value: Any) -> Any:
            return TensorLayout.of(value, rows) if isinstance(value, Tensor) else value

        return cls(block, min(rows, FEW_ROWS), tuple(map(layout, args)), tuple((name, layout(named[name])) for name in named))

    def compile(self, forward: Callable[..., Any]) -> None:
        """Have a block's ``forward`` compiled, by calling it with examples."""
        # examples belong to no batch: attention processors, which ask a context variable for it, must not keep them
        Context().run(self._call, forward)

    def _call(self, forward: Callable[..., Any]) -> None:
        IS_EXAMPLE.set(True)
        configure_compiler()
        with torch.no_grad():
            forward(*map(self._example, self.args), **{name: self._example(value) for name, value in self.named})

    def _example(self, value: Any) -> Any:
        return value.example(self.rows) if isinstance(value, TensorLayout) else value


class BesideProcess(Protocol):
    """A process that compiles blocks; see `diffusion.compile_process`."""

    @property
    def running(self) -> bool:
        """Whether it is at work."""

    @property
    def failure(self) -> Exception | None:
        """Why it has ended early."""

    def end(self) -> None:
        """End it, whatever it does."""


Starter = Callable[[Sequence[BlockCall]], BesideProcess]


def plain_forward(block: nn.Module) -> Callable[..., Any]:
    """The forward that the class of a ``block`` gives it."""
    forward: Callable[..., Any] = type(block).forward.__get__(block)
    return forward


class SwitchedForward:
    """The forward of a block: plain, or compiled where all that is to be compiled is.

    Attributes:
        name: of the block in the network.
        plain, compiled: both.
    """

    def __init__(self, name: str, block: nn.Module, blocks: "CompiledBlocks", backend: str) -> None:
        self.name, self.plain = name, plain_forward(block)
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
        self._dtypes = {weight.dtype for weight in network.parameters()}
        self._forwards: dict[str, SwitchedForward] = {}
        self._known: set[BlockCall] = set()
        self._waiting: list[BlockCall] = []
        self._start: Starter | None = None
        self._warn: Callable[[str], None] = log.warning
        self._process: BesideProcess | None = None
        self._sent: list[BlockCall] = []
        self._rows = self._evaluations = 0
        for name, block in network.named_modules():
            if isinstance(vars(block).get("forward"), SwitchedForward):  # of an earlier job
                del block.forward
            if isinstance(block, kinds):
                block.forward = self._forwards[name] = SwitchedForward(name, block, self, backend)

    @contextmanager
    def beside(self, start: Starter, warn: Callable[[str], None]) -> Iterator[None]:
        """Have what takes long be done by a process inside, while evaluations go on plainly.

        This process then traces the same calls, and finds them compiled.

        Args:
            start: starts that process.
            warn: is told when nothing could be compiled.
        """
        self._start, self._warn = start, warn
        try:
            yield
        finally:
            self._start, self._warn = None, log.warning
            if self._process is not None:
                self._process.end()
                self._process, self._sent, self._waiting = None, [], self._sent + self._waiting

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
        if not self._evaluations:
            self._go_on()

    def expect(self, forward: SwitchedForward, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Have ``forward`` compiled for arguments such as these."""
        tensors = (value for value in (*args, *named.values()) if isinstance(value, Tensor))
        # a batch may be repeated in full precision, with the weights too: that is rare
        if self.failure is not None or any(value.dtype not in self._dtypes for value in tensors):
            return
        # a residual block is told; it may see fewer rows than the batch has, see `diffusion.front`
        rows = len(named.get("image_only_indicator", range(self._rows)))
        if (call := BlockCall.like(forward.name, rows, args, named)) not in self._known:
            self._known.add(call)
            self._waiting.append(call)

    def _go_on(self) -> None:
        """Compile what is waiting, or have it compiled beside, and what has been."""
        try:
            if self._start is None:
                self._waiting, calls = [], self._waiting
                self._compile(calls)
            elif self._process is None or not self._process.running:
                self._take_over()
                self._send(self._start)
        except Exception as error:  # whatever a compiler, or its absence, makes of it
            self.on, self.failure, self._waiting, self._sent = False, error, [], []
            self._warn(f"The network is not compiled, and computes plainly: {reason(error)}.")

    def _take_over(self) -> None:
        """Compile what the process has compiled; raises why it failed."""
        if self._process is not None:
            (process, self._process), (calls, self._sent) = (self._process, None), (self._sent, [])
            if process.failure is not None:
                raise process.failure
            self._compile(calls)

    def _send(self, start: Starter) -> None:
        """Have what is waiting compiled beside."""
        if self._waiting:
            self._sent, self._waiting = self._waiting, []
            self._process = start(self._sent)

    def _compile(self, calls: list[BlockCall]) -> None:
        """Compile blocks for ``calls``; afterwards no call compiles anything by itself."""
        if calls:
            torch.compiler.set_stance("default")
            for call in calls:
                call.compile(self._forwards[call.block].compiled)
            torch.compiler.set_stance("eager_on_recompile")
            self.on = True


def reason(error: Exception) -> str:
    """What an ``error`` says, but for what follows an empty line: that is for those who work on PyTorch."""
    return " ".join(str(error).partition("\n\n")[0].split())[:300].rstrip(".")


def of_any_length(x: Tensor) -> Tensor:
    """``x`` of any shape; in an example, what is compiled for it serves any length of its first axis.

    For what comes out of code that is not compiled, within a block that is.
    """
    if IS_EXAMPLE.get():
        torch._dynamo.maybe_mark_dynamic(x, 0)
    return x


def configure_compiler() -> None:
    """Have PyTorch compile a block for every shape by itself, in this context alone: PyTorch's settings belong to one."""
    import torch._dynamo.config
    import torch._inductor.config

    # else what is compiled depends on what was before, and a process beside this one compiles something else
    torch._dynamo.config.automatic_dynamic_shapes = False
    torch._dynamo.config.recompile_limit = MOST_VARIANTS
    torch._dynamo.config.accumulated_recompile_limit = 4 * MOST_VARIANTS
    # its helpers would be started as this program, where that is frozen
    torch._inductor.config.compile_threads = 1
