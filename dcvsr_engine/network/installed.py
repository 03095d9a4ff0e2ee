"""Which models there are, by name: built in or added by the person. Torch-free, shared with the window."""

from pathlib import Path

import platformdirs

from dcvsr_engine.errors import ModelError
from dcvsr_engine.network.declaration import FILE
from dcvsr_engine.resources import resource


def user_models() -> Path:
    """Where models that were added live."""
    return platformdirs.user_data_path("dcvsr-studio", appauthor=False) / "models"


def installed() -> dict[str, Path]:
    """Every model that can be named, built in or added, and its folder."""
    roots = [resource("models"), user_models()]
    folders = [path.parent for root in roots if root.is_dir() for path in sorted(root.glob(f"*/{FILE}"))]
    return {folder.name: folder for folder in reversed(folders)}


def find(model: str) -> Path:
    """The folder of a model by name or path; raises `ModelError`."""
    known = installed()
    if model in known:
        return known[model]
    if (Path(model) / FILE).is_file():
        return Path(model)
    raise ModelError(f"There is no model “{model}”: name one of {', '.join(known)} or a folder that holds {FILE}.")
