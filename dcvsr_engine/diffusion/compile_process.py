"""A process that compiles blocks of the U-Net into PyTorch's folder of compiled code, beside the one that computes.

Without networks: they are imported in that process as in this one, so that both trace the same.
"""

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Sequence
from importlib import import_module
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from dcvsr_engine.network.lean_import import import_diffusers

if TYPE_CHECKING:
    from diffusers import UNetSpatioTemporalConditionModel

    from dcvsr_engine.network.compiled import BlockCall


class CompileError(RuntimeError):
    """Why a `CompileProcess` has ended early."""


class CompileProcess:
    """Compiles ``calls`` of blocks of a ``unet`` like the given one; it ends with this process at the latest."""

    def __init__(self, unet: "UNetSpatioTemporalConditionModel", calls: "Sequence[BlockCall]") -> None:
        # one that is forked would inherit a CUDA context, and locks in whatever state they are
        context: Any = multiprocessing.get_context("spawn")
        self._said, theirs = context.Pipe(duplex=False)
        # as bytes: objects would import the networks before that process is ready to
        work = pickle.dumps((dict(unet.config), unet.device, unet.dtype, list(calls)))
        self._process = context.Process(target=compile_beside, args=(theirs, work), name="compile", daemon=True)
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


def compile_beside(said: Connection, work: bytes) -> None:
    """The process' main function; ``said`` gets the reason when it ends early."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal reaches the job's process, which ends this one
    threading.Thread(target=end_with_parent, name="parent", daemon=True).start()
    import_diffusers()
    reason = import_module("dcvsr_engine.diffusion.compiling").compile_calls(*pickle.loads(work))
    if reason:
        said.send(reason)
        raise SystemExit(1)


def end_with_parent() -> None:
    """End this process when the one that started it is gone, however it ended."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
