"""A process that compiles blocks of the U-Net into PyTorch's folder of compiled code, beside the one that computes.

It has no weights: blocks are compiled for shapes, so it holds one at a time, with arbitrary numbers.
"""

import copy
import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

import torch
from diffusers import UNetSpatioTemporalConditionModel
from torch import nn

from dcvsr_engine.diffusion.attention import install_processors
from dcvsr_engine.network.compiled import BlockCall, plain_forward, reason
from dcvsr_engine.network.device import resolve_device
from dcvsr_engine.network.fused import adapt_to_device


class CompileError(RuntimeError):
    """Why a `CompileProcess` has ended early."""


class CompileProcess:
    """Compiles ``calls`` of blocks of a ``unet`` like the given one; it ends with this process at the latest.

    Attributes:
        running, failure: see `BesideProcess`.
    """

    def __init__(self, unet: UNetSpatioTemporalConditionModel, calls: Sequence[BlockCall]) -> None:
        # one that is forked would inherit a CUDA context, and locks in whatever state they are
        context: Any = multiprocessing.get_context("spawn")
        self._said, theirs = context.Pipe(duplex=False)
        args = theirs, dict(unet.config), unet.device, unet.dtype, list(calls)
        self._process = context.Process(target=compile_calls, args=args, name="compile", daemon=True)
        self._process.start()
        theirs.close()
        self._reason = ""

    @property
    def running(self) -> bool:
        """Whether it is at work."""
        return bool(self._process.is_alive())

    @property
    def failure(self) -> CompileError | None:
        """Why it has ended early."""
        code = self._process.exitcode
        if code and not self._reason:
            try:
                self._reason = self._said.recv()
            except (EOFError, OSError):  # killed
                self._reason = f"the process that compiles ended unexpectedly ({code})"
        return CompileError(self._reason) if self._reason else None

    def end(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.join()
        self._said.close()


def compile_calls(
    said: Connection, config: dict[str, Any], device: torch.device, dtype: torch.dtype, calls: list[BlockCall]
) -> None:
    """The process' main function.

    Args:
        said: gets the reason when it ends early.
        config: diffusers' configuration of the U-Net.
        device, dtype: of its weights.
        calls: what to compile.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal reaches that process, which ends this one
    threading.Thread(target=end_with_parent, name="parent", daemon=True).start()
    try:
        blocks = dict(unet_without_weights(config, device, dtype).named_modules())
        for call in calls:
            block = copy.deepcopy(blocks[call.block]).to_empty(device=device)
            call.compile(torch.compile(plain_forward(block)))
    except Exception as error:  # whatever a compiler, or its absence, makes of it
        said.send(reason(error))
        raise SystemExit(1) from None


def end_with_parent() -> None:
    """End this process when the one that started it is gone, however it ended."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def unet_without_weights(config: dict[str, Any], device: torch.device, dtype: torch.dtype) -> UNetSpatioTemporalConditionModel:
    """A U-Net of a ``config`` as it computes on a ``device``, without memory for its weights."""
    with torch.device("meta"):
        unet: UNetSpatioTemporalConditionModel = UNetSpatioTemporalConditionModel.from_config(config)
    nn.Module.to(unet, dtype)  # diffusers' own warns
    unet.requires_grad_(False).eval()
    adapt_to_device(unet, resolve_device(device.type))
    install_processors(unet)
    return unet
