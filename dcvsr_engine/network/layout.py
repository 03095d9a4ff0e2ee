"""Where a checkpoint folder keeps its networks and their weights. Torch-free."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dcvsr_engine.errors import ModelError

LAYER_COUNTS = ("layers_per_block", "transformer_layers_per_block", "num_hidden_layers")
"""Entries of a config that multiply how many modules are built, in diffusers' and transformers' classes."""


def weight_files(folder: Path) -> list[Path]:
    """List the safetensors files of a network; of one variant, full precision before fp16, where there are several."""
    files = [path for path in sorted(folder.glob("*.safetensors")) if path.is_file()]  # no pipe: reading that would hang
    return [file for file in files if ".fp16." not in file.name] or files


def subfolder(folder: Path, names: tuple[str, ...]) -> Path:
    """Find the first of the named subfolders that exists; raises `ModelError` when none does."""
    for name in names:
        if (folder / name).is_dir():
            return folder / name
    raise ModelError(f"The model in {folder} is incomplete: the folder “{names[0]}” is missing.")


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
