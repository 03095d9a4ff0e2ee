"""Functions that PyTorch leaves out of what it compiles, marked without its compiler: importing that takes a second."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import torch.compiler

Function = TypeVar("Function", bound=Callable[..., Any])


def left_uncompiled(function: Function) -> Function:
    """Have PyTorch leave a function out of its graphs, as `torch.compiler.disable` does, which imports the compiler at once."""
    disabled: Callable[..., Any] | None = None

    @functools.wraps(function)
    def call(*args: Any, **named: Any) -> Any:
        nonlocal disabled
        if not torch.compiler.is_compiling():
            return function(*args, **named)
        if disabled is None:
            disabled = torch.compiler.disable(function)
        return disabled(*args, **named)

    return call  # type: ignore[return-value]
