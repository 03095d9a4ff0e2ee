"""Where a checkpoint folder keeps its networks and their weights. Torch-free."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dcvsr_engine.errors import ModelError
from dcvsr_engine.storage import read_json

HALF_PRECISION = re.compile(r"\.fp16[.-]")
"""In the names of half-precision files: ``x.fp16.safetensors``, ``x.fp16-00001-of-00002.safetensors``."""
WHOLE_FILES = tuple(f"{stem}{variant}.safetensors" for variant in ("", ".fp16") for stem in ("diffusion_pytorch_model", "model"))
LAYER_COUNTS = ("layers_per_block", "transformer_layers_per_block", "num_hidden_layers")
"""Entries of a config that multiply how many modules are built, in diffusers' and transformers' classes."""


def weight_files(folder: Path) -> list[Path]:
    """List the safetensors files of a network: of one variant, full precision before fp16, where there are several.

    As diffusers and transformers name them: one file, else the shards that an index lists, else whatever there is.

    Raises:
        ModelError: the index is damaged, or a shard is missing.
    """
    files = [path for path in sorted(folder.glob("*.safetensors")) if path.is_file()]  # no pipe: reading that would hang
    full = [file for file in files if not HALF_PRECISION.search(file.name)]
    whole = [file for file in full or files if file.name in WHOLE_FILES]
    indices = [path for path in sorted(folder.glob("*.safetensors.index*.json")) if bool(full) != (".fp16." in path.name)]
    return whole or (shards(indices[0]) if indices else full or files)


def shards(index: Path) -> list[Path]:
    """The files that an index lists, which lie beside it; raises `ModelError`."""
    try:
        names = sorted({str(name) for name in read_json(index)["weight_map"].values()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{index} is damaged or no index of weights ({error}); get it again.") from None
    for name in names:
        if Path(name).name != name or not (index.parent / name).is_file():
            raise ModelError(f"The model in {index.parent} is incomplete: {name}, which its index lists, is missing.")
    return [index.parent / name for name in names]


def subfolder(folder: Path, names: tuple[str, ...]) -> Path:
    """Find the first of the named subfolders that exists; raises `ModelError`, which names the last, when none does."""
    for name in names:
        if (folder / name).is_dir():
            return folder / name
    raise ModelError(f"The model in {folder} is incomplete: the folder “{names[-1]}” is missing.")


def check_layers(folder: Path, config: Mapping[str, Any], tensors: int) -> None:
    """Make sure that a network can be built in reasonable time: that it has no more layers than there are weights for.

    Args:
        folder: the network's, to be named in the error.
        config: its ``config.json``.
        tensors: how many tensors its weights hold.

    Raises:
        ModelError: the config describes far more layers.
    """
    layers = max([1, *(len(value) for value in config.values() if isinstance(value, list))])
    for name in LAYER_COUNTS:
        layers *= max([1, *whole_numbers_in(config.get(name))])
    if layers > tensors:
        raise ModelError(f"The config.json in {folder} describes {layers:,} layers, but there are only {tensors:,} weights.")


def whole_numbers_in(value: Any) -> list[int]:
    """The whole numbers in a number or in nested lists."""
    if isinstance(value, list):
        return [number for part in value for number in whole_numbers_in(part)]
    return [value] if isinstance(value, int) else []
