"""Recognise that memory ran out, and try again with less at once.

accelerate knows what devices say when memory runs out, and frees their caches. Its own retry restarts a whole function;
`in_parts` does not repeat parts that are done.
"""

import ctypes
import errno
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TypeVar

import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size

from dcvsr_engine.errors import JobError

Item = TypeVar("Item")
Result = TypeVar("Result")

FURTHER_SIGNS = re.compile(
    "out of memory|not enough memory|ALLOC_FAILED"  # PyTorch's allocators (on Windows, too) and NVIDIA's libraries
    "|could not create a primitive(?! descriptor)"  # oneDNN, where its scratchpad does not fit; a descriptor has other reasons
    "|invalid configuration argument|CUDA error: invalid argument"  # where a batch has more rows than a kernel launches
    "|can't start new thread"  # Python, where a thread's stack does not fit
)
"""Further messages in a plain `RuntimeError`."""
SHORTAGES = (errno.ENOMEM, errno.EAGAIN)
"""Errors of the system: no memory, or none for the stack of another thread, as swscale starts them."""
MEMORY_ERRORS = (RuntimeError, MemoryError, OSError)
"""Types that an error has which says that memory ran out; `is_out_of_memory` looks closer."""


class MemoryExhausted(MemoryError):
    """Memory ran out over work that cannot be divided further."""


def trim_heap() -> None:
    """Return freed memory to the system: glibc keeps it, and over a very long clip its heap grows."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library than glibc
            ctypes.CDLL(None).malloc_trim(0)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that memory ran out, on the device or on the host."""
    if isinstance(error, RuntimeError):
        known = isinstance(error, torch.OutOfMemoryError) or should_reduce_batch_size(error)
        return known or FURTHER_SIGNS.search(str(error)) is not None
    if isinstance(error, OSError):
        return error.errno in SHORTAGES
    return isinstance(error, MemoryError)


def attempt(work: Callable[[], Result]) -> Result | None:
    """Call ``work``.

    Returns:
        What it returns, or ``None`` when memory ran out; nothing that the failed attempt held is held any longer.
    """
    try:
        return work()
    except MEMORY_ERRORS as error:
        if not is_out_of_memory(error):
            raise
    # only here, with the error and its traceback gone, are the tensors of the failed attempt free
    clear_device_cache(garbage_collection=True)
    return None


@contextmanager
def shortage_in_words() -> Iterator[None]:
    """Turn any error that says that memory ran out into a `JobError`."""
    try:
        yield
        return
    except MEMORY_ERRORS as error:
        if not is_out_of_memory(error):
            raise
    # outside of the handler: the caught error's traceback would keep the failed tensors alive
    raise JobError("Memory ran out; close other programs or choose smaller tiles, and start it again.")


def in_parts(
    work: Callable[[list[Item]], Result],
    items: list[Item],
    on_split: Callable[[int], None] = lambda size: None,
    least: int = 1,
    last_resort: Callable[[], None] = lambda: None,
) -> Iterator[tuple[list[Item], Result]]:
    """Work on ``items``, all at once or in ever smaller parts, as memory allows.

    Args:
        work: takes some of the items.
        items: what to work on.
        on_split: receives the new number of items at once.
        least: parts of this size are not divided.
        last_resort: called when the smallest part does not fit, before it is tried a second time.

    Yields:
        Each part and what ``work`` returned for it, in order.

    Raises:
        MemoryExhausted: not even the smallest part fits.
    """
    waiting, size = items, len(items)
    while waiting:
        part = waiting[:size]
        result = attempt(partial(work, part))
        if result is None and len(part) > least:
            size = max(least, (len(part) + 1) // 2)
            on_split(size)
            continue
        if result is None:
            last_resort()
            result = attempt(partial(work, part))
        if result is None:
            raise MemoryExhausted
        yield part, result
        waiting = waiting[size:]
