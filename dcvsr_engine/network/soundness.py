"""Numbers that make no sense – NaN, infinity, black pictures – are computed once more in fp32, or end the job."""

from collections.abc import Callable

import torch
from torch import Tensor

from dcvsr_engine.errors import JobError
from dcvsr_engine.network.checkpoint import Model


def finite(values: Tensor) -> bool:
    """Whether there is neither NaN nor infinity in ``values``."""
    return bool(torch.isfinite(values).all())


def sound(
    model: Model,
    work: Callable[[], Tensor],
    place: str,
    check: Callable[[Tensor], bool] = finite,
    warn: Callable[[str], None] = lambda sentence: None,
) -> Tensor:
    """What ``work`` computes with ``model``, in fp32 where half precision gives nothing usable.

    Args:
        model: computes; its number format is changed for the second try.
        work: called once or twice.
        place: where in the clip this is, for people.
        check: says whether a result is usable.
        warn: receives a sentence when fp32 was needed.

    Raises:
        JobError: the result is not usable in fp32 either; names the place.
    """
    result = work()
    if check(result):
        return result
    if model.precision != "fp32":
        warn(f"{place} went out of the range of {model.precision} and was computed again in fp32.")
        with model.full_precision():
            result = work()
        if check(result):
            return result
    raise JobError(f"{place} came out damaged, even in fp32; choose another model, or restore the frames around it alone.")
