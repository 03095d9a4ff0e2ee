"""The models that can be chosen, and what they declare. Without Qt, and without loading them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dcvsr_engine.errors import ModelError
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.installed import find, installed


@dataclass(frozen=True)
class KnownModel:
    """A model as it can be named in the settings.

    Attributes:
        name: what `RestoreSettings.model` says: a name, or the path of a folder.
        folder: where it is.
        declaration: what it declares; ``None`` when that cannot be read.
        problem: why not.
    """

    name: str
    folder: Path
    declaration: Declaration | None
    problem: str = ""

    @property
    def title(self) -> str:
        """Its name for people."""
        return self.declaration.title if self.declaration else self.name


def read_model(name: str, folder: Path) -> KnownModel:
    """A model with its declaration, or with the reason why there is none."""
    try:
        return KnownModel(name, folder, Declaration.from_folder(folder))
    except ModelError as error:
        return KnownModel(name, folder, None, str(error))


def known_models(folders: Iterable[Path] = ()) -> list[KnownModel]:
    """The installed models, and those in further ``folders``."""
    return [read_model(name, folder) for name, folder in installed().items()] + [
        read_model(str(folder), folder) for folder in folders
    ]


def declared(model: str) -> Declaration:
    """What a model declares, or the usual values when it cannot be read: the engine will say what is wrong with it."""
    try:
        return Declaration.from_folder(find(model))
    except ModelError:
        return Declaration(name=model, title=model, first_stage="vae", factor=8, multiple=8)
