"""Counting the floating-point operations of some work, and work in a process of its own."""

import math
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from dcvsr_engine.environment import prepare_torch

TimedWork = Callable[[], Any]
Figure = TypeVar("Figure")


def in_new_process(work: Callable[..., Figure], *arguments: Any) -> Figure:
    """Call ``work`` in a process that nothing has been loaded into, and whose memory nothing else has used."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), prepare_torch) as pool:
        return pool.submit(work, *arguments).result()


def flops(work: TimedWork) -> int:
    """Count floating-point operations of matrix products, convolutions and attention."""
    # torch's counter does not know the processor's kernels
    counts: dict[Any, Any] = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: attention_flops}
    if hasattr(torch.ops.mkldnn, "_linear_pointwise"):  # not in every build of PyTorch
        counts[torch.ops.mkldnn._linear_pointwise] = linear_flops
    counter = FlopCounterMode(display=False, custom_mapping=counts)
    with counter:
        work()
    return int(counter.get_total_flops())


def attention_flops(query: Any, key: Any, value: Any, *rest: Any, **named: Any) -> int:
    """Count the operations of one attention from its shapes."""
    return int(sdpa_flop_count(query, key, value))


def linear_flops(x: Any, *rest: Any, **named: Any) -> int:
    """Count the operations of a fused matrix product from its shapes; what it is multiplied by may come before the weights."""
    weight = rest[1] if len(rest[1]) == 2 else rest[0]
    return int(2 * math.prod(x) * weight[0])
