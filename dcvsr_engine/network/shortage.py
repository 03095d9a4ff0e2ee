"""What to do when memory runs out: try again with less at once."""

import gc
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

SIGNS = ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED")
"""What PyTorch's allocators and NVIDIA's libraries say in a plain `RuntimeError`."""


class ShortageError(Exception):
    """Memory ran out over work that cannot be divided further."""


def is_shortage(error: BaseException) -> bool:
    """Whether ``error`` says that memory ran out, on the device or on the host."""
    if isinstance(error, RuntimeError):
        return isinstance(error, torch.OutOfMemoryError) or any(sign in str(error) for sign in SIGNS)
    return isinstance(error, (MemoryError, ShortageError))


def attempt(work: Callable[[], Result]) -> Result | None:
    """What ``work`` returns, or ``None`` when memory ran out; nothing the failed attempt held is held any longer."""
    try:
        return work()
    except (RuntimeError, MemoryError) as error:
        if not is_shortage(error):
            raise
    # only here, with the error and its traceback gone, are the tensors of the failed attempt free
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return None


def in_parts(
    work: Callable[[list[Item]], Result],
    items: list[Item],
    split: Callable[[int], None] = lambda size: None,
    least: int = 1,
    last_resort: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[list[Item], Result]]:
    """``items`` and what ``work`` makes of them, all at once or in ever smaller parts, as memory allows.

    Args:
        work: takes some of the items.
        items: what to work on.
        split: is told the new number of items at once.
        least: parts of this size are not divided.
        last_resort: called when the smallest part does not fit; ``True`` when it freed something and trying again makes sense.

    Raises:
        ShortageError: not even the smallest part fits.
    """
    result = attempt(lambda: work(items))
    if result is None and len(items) <= least and last_resort():
        result = attempt(lambda: work(items))
    if result is not None:
        yield items, result
        return
    if len(items) <= least:
        raise ShortageError
    half = max(least, (len(items) + 1) // 2)
    split(half)
    for part in (items[:half], items[half:]):
        yield from in_parts(work, part, split, least, last_resort)
