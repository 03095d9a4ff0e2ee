"""All models that exist: built in, added by the user, or in a folder that the user named; the default; the bases.

The only answer for window, command line, planner and engine: `network.checkpoint` is given folders and looks up nothing.
Torch-free, and no weights are read.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dcvsr_engine.errors import ModelError
from dcvsr_engine.network.declaration import FILE, Declaration
from dcvsr_engine.paths import models_folder
from dcvsr_engine.resources import resource
from dcvsr_engine.settings import RestoreSettings
from dcvsr_engine.storage import folder_size, read_json, write_json

DEFAULT_FILE = "default.json"
"""In the models folder: the model that the user chose as default."""
TINY_DECODER_FILES = ("taesdv.safetensors", "taesdv_decoder.safetensors", "taesd_decoder.safetensors")
"""In the models folder: a decoder for previews of latents, see `network.preview`; the first that is there is taken."""


@dataclass(frozen=True)
class KnownModel:
    """A model that `RestoreSettings.model` can name, or a base that a U-Net is laid over.

    Attributes:
        name: what the setting says: a name, or the path of a folder.
        folder: where it is.
        declaration: what it declares; ``None`` when that cannot be read, and for a base.
        problem: why it cannot be used, in one sentence; empty when it can.
        is_base: whether it only serves other models and restores nothing by itself.
    """

    name: str
    folder: Path
    declaration: Declaration | None
    problem: str = ""
    is_base: bool = False

    @property
    def title(self) -> str:
        """Its name for users."""
        return self.declaration.title if self.declaration else self.name

    @property
    def built_in(self) -> bool:
        """Whether it came with the program and cannot be removed."""
        return self.folder.is_relative_to(resource("models"))

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return folder_size(self.folder)


# -- folders ----------------------------------------------------------------------------------------------------


def installed_folders() -> dict[str, Path]:
    """Folders of all models that a name stands for, built in or added; a built-in model hides an added one of its name."""
    built_in, added = (
        {folder.name: folder for folder in folders_in(root) if (folder / FILE).is_file()}
        for root in (resource("models"), models_folder())
    )
    return built_in | added | built_in  # listed first, and not replaced


def base_folders() -> dict[str, Path]:
    """Added folders that declare nothing but hold an autoencoder: a U-Net can be laid over them."""
    added = folders_in(models_folder())
    return {folder.name: folder for folder in added if not (folder / FILE).exists() and (folder / "vae").is_dir()}


def folders_in(root: Path) -> list[Path]:
    """Folders of models in a root; hidden ones are still being copied or downloaded."""
    return [path for path in sorted(root.glob("*/")) if not path.name.startswith(".")] if root.is_dir() else []


def model_folder(model: str) -> Path:
    """Find the folder of a model by name or path.

    Raises:
        ModelError: no model has that name, and no folder of that path holds a declaration.
    """
    known = installed_folders()
    if model in known:
        return known[model]
    if (Path(model) / FILE).is_file():
        return Path(model)
    raise ModelError(f"There is no model “{model}”: name one of {', '.join(known)} or a folder that holds {FILE}.")


def lasting_name(model: str) -> str:
    """A model's name, or its folder's absolute path: a job is resumed from any current folder."""
    return model if model in installed_folders() or not (Path(model) / FILE).is_file() else str(Path(model).absolute())


def base_folder(folder: Path, declaration: Declaration) -> Path:
    """Find where everything but the U-Net is: in the model's own folder, or in that of its declared base.

    Args:
        folder: the model's folder.
        declaration: its declaration; a base is looked for beside the folder, among the installed ones, and as a path.

    Raises:
        ModelError: the declared base is missing.
    """
    if not declaration.base:
        return folder
    if not may_be_base(declaration.base, folder):
        raise ModelError(f"The model in {folder} declares the base “{declaration.base}”, which is not the name of a model.")
    known = installed_folders() | base_folders()
    for place in (folder.parent / declaration.base, known.get(declaration.base, Path(declaration.base))):
        if place.is_dir():
            return place
    raise ModelError(f"The model in {folder} needs “{declaration.base}”, which is missing; put it into {folder.parent}.")


def tiny_decoder_file() -> Path | None:
    """The decoder for previews that the user has put into the models folder."""
    return next((file for name in TINY_DECODER_FILES if (file := models_folder() / name).is_file()), None)


def may_be_base(base: str, folder: Path) -> bool:
    """Whether a declared base may be looked for: by name, or, for a model of the user's own that lies elsewhere, by path.

    Models come from strangers: a path could point anywhere, on Windows even at another computer, which would learn the user's
    password hash when it is asked for a file.
    """
    if is_name(base):
        return True
    return folder.parent.resolve() != models_folder().resolve() and not base.startswith(("//", "\\\\"))


def is_name(text: str) -> bool:
    """Whether a text can be the name of a folder, and is not a path."""
    return re.fullmatch(r"[\w.+ -]+", text) is not None and text.strip(". ") != ""


# -- models -----------------------------------------------------------------------------------------------------


def known_models(folders: Iterable[Path] = ()) -> list[KnownModel]:
    """All models that can be named: the installed ones, then those in further ``folders``."""
    named = installed_folders() | {str(folder): folder for folder in folders}
    return [known_model(name, folder) for name, folder in named.items()]


def known_bases() -> list[KnownModel]:
    """All installed folders that only serve other models."""
    return [KnownModel(name, folder, None, is_base=True) for name, folder in base_folders().items()]


def known_model(name: str, folder: Path) -> KnownModel:
    """Describe a model: with its declaration, or with the reason why it cannot be used."""
    try:
        declaration = Declaration.from_folder(folder)
    except ModelError as error:
        return KnownModel(name, folder, None, str(error))
    try:
        base_folder(folder, declaration)
    except ModelError as error:
        return KnownModel(name, folder, declaration, str(error))
    return KnownModel(name, folder, declaration)


def model_named(name: str) -> KnownModel:
    """Find an installed model or base by name; raises `ModelError`."""
    model = {model.name: model for model in known_bases() + known_models()}.get(name)
    if model is None:
        raise ModelError(f"There is no model “{name}”; “dcvsr models list” shows the installed ones.")
    return model


def declaration_of(model: str) -> Declaration:
    """Read what a model declares, by name or path; raises `ModelError`."""
    return Declaration.from_folder(model_folder(model))


# -- the default ------------------------------------------------------------------------------------------------


def chosen_default() -> str | None:
    """The model that the user chose as default, while it exists."""
    try:
        name = str(read_json(models_folder() / DEFAULT_FILE)["model"])
        model_folder(name)
    except (OSError, ValueError, KeyError, TypeError, ModelError):
        return None
    return name


def default_model() -> str:
    """The model to restore with when none is named: the user's choice, or the built-in one."""
    return chosen_default() or RestoreSettings().model


def set_default(name: str) -> None:
    """Make a model the default of window and command line; raises `ModelError` when it cannot restore."""
    if name in base_folders():
        raise ModelError(f"“{name}” restores nothing by itself; choose a model that is laid over it.")
    model = known_model(name, model_folder(name))
    if model.problem:
        raise ModelError(f"“{name}” cannot be used: {model.problem}")
    write_json(models_folder() / DEFAULT_FILE, {"model": name})
