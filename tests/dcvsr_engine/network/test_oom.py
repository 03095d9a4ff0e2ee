"""Work that does not fit into memory is divided until it does."""

import errno
import gc
import platform
import sys
import weakref
from unittest import mock

import av
import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dcvsr_engine.network import oom
from dcvsr_engine.network.oom import MemoryExhausted, attempt, in_parts, is_out_of_memory, trim_heap


def limited(most: int):
    """Work that runs out of memory with more than ``most`` items; keeps what it was given."""
    calls = []

    def work(items: list[int]) -> list[int]:
        calls.append(list(items))
        if len(items) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return [10 * item for item in items]

    return work, calls


@given(st.integers(1, 40), st.integers(1, 40))
def test_every_item_is_done_once_and_in_order(count, most):
    work, _ = limited(most)
    sizes = []
    with mock.patch.object(oom, "clear_device_cache"):  # it takes its time
        done = list(in_parts(work, list(range(count)), sizes.append))
    assert [item for items, _ in done for item in items] == list(range(count))
    assert [result for _, results in done for result in results] == [10 * item for item in range(count)]
    assert max(len(items) for items, _ in done) <= most
    assert sizes == sorted(sizes, reverse=True) and sizes[-1:] <= [most]


def test_parts_that_were_done_are_not_done_again():
    work, calls = limited(2)
    list(in_parts(work, [1, 2, 3, 4]))
    assert calls == [[1, 2, 3, 4], [1, 2], [3, 4]]


def test_what_cannot_be_divided_is_tried_twice_with_a_last_resort_in_between():
    work, calls = limited(2)
    resorts = []
    with pytest.raises(MemoryExhausted):
        list(in_parts(work, [1, 2, 3], least=3, last_resort=lambda: resorts.append(len(calls))))
    assert calls == [[1, 2, 3], [1, 2, 3]] and resorts == [1]


def test_other_errors_are_not_swallowed():
    def burst(items):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        list(in_parts(burst, [1, 2]))


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"), True),
        (RuntimeError("MPS backend out of memory"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes"), True),
        (MemoryError(), True),
        (MemoryExhausted(), True),
        (RuntimeError("The size of tensor a must match"), False),
        (RuntimeError("could not create a primitive"), True),
        (RuntimeError("could not create a primitive descriptor for a matmul primitive"), False),
        (RuntimeError("CUDA error: invalid configuration argument"), True),
        (RuntimeError("CUDA error: invalid argument\nSearch for `cudaErrorInvalidValue' in https://docs.nvidia.com/"), True),
        (RuntimeError("invalid argument to reshape"), False),
        (RuntimeError("can't start new thread"), True),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (av.error.MemoryError(errno.ENOMEM, "Cannot allocate memory"), True),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (OSError("out of memory"), False),
    ],
)
def test_memory_that_ran_out_is_told_from_other_errors(error, is_one):
    assert is_out_of_memory(error) == is_one


def test_a_real_allocation_that_fails_is_recognised():
    assert attempt(lambda: torch.empty(2**60, dtype=torch.uint8)) is None


def test_what_a_failed_attempt_held_is_free_afterwards():
    held = []

    def work():
        tensor = torch.zeros(10)
        held.append(weakref.ref(tensor))
        raise torch.OutOfMemoryError

    gc.disable()
    try:
        assert attempt(work) is None
        assert held[0]() is None
    finally:
        gc.enable()


@pytest.mark.skipif(sys.platform != "linux" or platform.libc_ver()[0] != "glibc", reason="only glibc keeps what was freed")
def test_freed_memory_returns_to_the_system() -> None:
    process = psutil.Process()
    blocks = [bytearray(60_000) for _ in range(2000)]
    last = bytearray(60_000)  # lies behind them, so that the heap cannot shrink by itself
    full = process.memory_info().rss
    del blocks
    trim_heap()
    assert process.memory_info().rss < full - 80_000_000
    assert len(last) == 60_000
