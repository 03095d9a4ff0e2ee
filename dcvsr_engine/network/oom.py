"""What to do when memory runs out: try again with less at once."""

import ctypes
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

SIGNS = ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED")
"""What PyTorch's allocators and NVIDIA's libraries say in a plain `RuntimeError`."""


class ShortageError(MemoryError):
    """Memory ran out over work that cannot be divided further."""


def give_back() -> None:
    """Return to the system what was freed: glibc keeps it, and over a very long clip its heap grows."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library than glibc
            ctypes.CDLL(None).malloc_trim(0)


def is_shortage(error: BaseException) -> bool:
    """Whether ``error`` says that memory ran out, on the device or on the host."""
    if isinstance(error, RuntimeError):
        return isinstance(error, torch.OutOfMemoryError) or any(sign in str(error) for sign in SIGNS)
    return isinstance(error, MemoryError)


def attempt(work: Callable[[], Result]) -> Result | None:
    """What ``work`` returns, or ``None`` when memory ran out; nothing the failed attempt held is held any longer."""
    try:
        return work()
    except (RuntimeError, MemoryError) as error:
        if not is_shortage(error):
            raise
    free_cache()  # only here, with the error and its traceback gone, are the tensors of the failed attempt free
    return None


def free_cache() -> None:
    """Give memory that nothing uses back to the device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def in_parts(
    work: Callable[[list[Item]], Result],
    items: list[Item],
    split: Callable[[int], None] = lambda size: None,
    least: int = 1,
    last_resort: Callable[[], None] = lambda: None,
) -> Iterator[tuple[list[Item], Result]]:
    """``items`` and what ``work`` makes of them, all at once or in ever smaller parts, as memory allows.

    Args:
        work: takes some of the items.
        items: what to work on.
        split: is told the new number of items at once.
        least: parts of this size are not divided.
        last_resort: called when the smallest part does not fit, before it is tried a second time.

    Raises:
        ShortageError: not even the smallest part fits.
    """
    waiting, size = items, len(items)
    while waiting:
        part = waiting[:size]
        result = attempt(partial(work, part))
        if result is None and len(part) > least:
            size = max(least, (len(part) + 1) // 2)
            split(size)
            continue
        if result is None:
            last_resort()
            result = attempt(partial(work, part))
        if result is None:
            raise ShortageError
        yield part, result
        waiting = waiting[size:]
