"""Where a checkpoint folder keeps its networks and their weights. Torch-free."""

from pathlib import Path

from dcvsr_engine.errors import ModelError


def weight_files(folder: Path) -> list[Path]:
    """List the safetensors files of a network; of one variant, full precision before fp16, where there are several."""
    files = sorted(folder.glob("*.safetensors"))
    return [file for file in files if ".fp16." not in file.name] or files


def subfolder(folder: Path, names: tuple[str, ...]) -> Path:
    """Find the first of the named subfolders that exists; raises `ModelError` when none does."""
    for name in names:
        if (folder / name).is_dir():
            return folder / name
    raise ModelError(f"The model in {folder} is incomplete: the folder “{names[0]}” is missing.")
