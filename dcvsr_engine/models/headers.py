"""Headers of safetensors files: names, types and shapes without reading, let alone unpickling, the weights. Torch-free."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

from dcvsr_engine.errors import ModelError

MOST_HEADER = 100 * 2**20
"""The format's own limit."""
ITEM = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


@dataclass(frozen=True)
class Tensor:
    """One tensor: its number format and shape."""

    dtype: str
    shape: tuple[int, ...]


def read_header(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, by name; raises `ModelError` when it is another kind of file, damaged or cut short."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= MOST_HEADER:
                raise ValueError("it does not begin with a header")
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        tensors = {
            name: (Tensor(str(facts["dtype"]), tuple(facts["shape"])), facts["data_offsets"]) for name, facts in header.items()
        }
        check_layout(tensors, path.stat().st_size - 8 - length)
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({(error.strerror or 'no access').lower()}).") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = str(error) if type(error) is ValueError else "its header cannot be read"
        raise ModelError(f"{path} is damaged or no safetensors file ({reason}); get it again.") from None
    return {name: tensor for name, (tensor, _) in tensors.items()}


def check_layout(tensors: dict[str, tuple[Tensor, list[int]]], size: int) -> None:
    """Raise `ValueError` unless the tensors fill ``size`` bytes without gap or overlap."""
    end = 0
    for name, (tensor, (begin, stop)) in sorted(tensors.items(), key=lambda item: item[1][1]):
        if begin != end or stop - begin != math.prod(tensor.shape) * ITEM.get(tensor.dtype, -1):
            raise ValueError(f"the place of {name} makes no sense")
        end = stop
    if end != size:
        raise ValueError(f"it holds {size:,} of {end:,} bytes" if size < end else "there is something after the weights")


def read_headers(files: list[Path]) -> dict[str, Tensor]:
    """The tensors of several files together."""
    return {name: tensor for file in files for name, tensor in read_header(file).items()}
