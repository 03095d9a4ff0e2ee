"""Which models there are, by name: built in or added by the person. Torch-free, shared with the window."""

from pathlib import Path

from dcvsr_engine.errors import ModelError
from dcvsr_engine.network.declaration import FILE, Declaration
from dcvsr_engine.paths import data_folder
from dcvsr_engine.resources import resource


def user_models() -> Path:
    """Where models that were added live."""
    return data_folder() / "models"


def folders_in(root: Path) -> list[Path]:
    """The folders of models in a root; hidden ones are still being copied or downloaded."""
    return [path for path in sorted(root.glob("*/")) if not path.name.startswith(".")] if root.is_dir() else []


def installed() -> dict[str, Path]:
    """Every model that can be named, built in or added, and its folder."""
    folders = [folder for root in (resource("models"), user_models()) for folder in folders_in(root) if (folder / FILE).is_file()]
    return {folder.name: folder for folder in reversed(folders)}


def bases() -> dict[str, Path]:
    """The added folders that declare nothing and that a U-Net can be laid over."""
    return {path.name: path for path in folders_in(user_models()) if not (path / FILE).exists() and (path / "vae").is_dir()}


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a network; of one variant, full precision before fp16, where there are several."""
    files = sorted(folder.glob("*.safetensors"))
    return [file for file in files if ".fp16." not in file.name] or files


def find(model: str) -> Path:
    """The folder of a model by name or path; raises `ModelError`."""
    known = installed()
    if model in known:
        return known[model]
    if (Path(model) / FILE).is_file():
        return Path(model)
    raise ModelError(f"There is no model “{model}”: name one of {', '.join(known)} or a folder that holds {FILE}.")


def base_folder(folder: Path, declaration: Declaration) -> Path:
    """Where everything but the U-Net is: ``folder``, or the declared base beside it, installed, or at a path."""
    if not declaration.base:
        return folder
    places = folder.parent / declaration.base, (installed() | bases()).get(declaration.base, Path(declaration.base))
    for place in places:
        if place.is_dir():
            return place
    raise ModelError(f"The model in {folder} needs “{declaration.base}”, which is not there; put it into {folder.parent}.")
