"""Headers of safetensors files: names, number formats and shapes, without reading the weights. Torch-free."""

import math
from dataclasses import dataclass
from pathlib import Path

from dcvsr_engine.errors import ModelError
from dcvsr_engine.storage import describe_os_error, parse_json

MOST_HEADER = 100 * 2**20
"""The format's own limit."""
ITEM_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


@dataclass(frozen=True)
class TensorHeader:
    """One tensor: its number format and shape."""

    dtype: str
    shape: tuple[int, ...]


def read_header(path: Path) -> dict[str, TensorHeader]:
    """Read the header of a safetensors file.

    Args:
        path: the file; only its header is read.

    Returns:
        Number format and shape of every tensor, by name.

    Raises:
        ModelError: it is another kind of file, damaged, or cut short.
    """
    if path.exists() and not path.is_file():
        raise ModelError(f"{path} is not a regular file.")  # a pipe would be waited for
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= MOST_HEADER:
                raise ValueError("it does not begin with a header")
            header = parse_json(file.read(length))
        header.pop("__metadata__", None)
        tensors = {
            name: (TensorHeader(str(facts["dtype"]), tuple(facts["shape"])), facts["data_offsets"])
            for name, facts in header.items()
        }
        check_layout(tensors, path.stat().st_size - 8 - length)
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({describe_os_error(error)}).") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        # only our own sentences are shown; those of its subclasses speak of characters and columns
        reason = str(error) if type(error) is ValueError else "its header cannot be read"
        raise ModelError(f"{path} is damaged or no safetensors file ({reason}); get it again.") from None
    return {name: tensor for name, (tensor, _) in tensors.items()}


def check_layout(tensors: dict[str, tuple[TensorHeader, list[int]]], size: int) -> None:
    """Raise `ValueError` unless the tensors, each with its begin and end, fill ``size`` bytes without gap or overlap."""
    end = 0
    for name, (tensor, (begin, stop)) in sorted(tensors.items(), key=lambda item: item[1][1]):
        # the format allows neither holes nor overlaps: either is damage
        if begin != end or stop - begin != math.prod(tensor.shape) * ITEM_BYTES.get(tensor.dtype, -1):
            raise ValueError(f"the place of {name} is wrong")
        end = stop
    if end != size:
        raise ValueError(f"it holds {size:,} of {end:,} bytes" if size < end else "something follows the weights")


def read_headers(files: list[Path]) -> dict[str, TensorHeader]:
    """Read the headers of several files as one; raises `ModelError`."""
    return {name: tensor for file in files for name, tensor in read_header(file).items()}
