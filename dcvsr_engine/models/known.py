"""The models that can be named, and what they declare. Torch-free, and without loading them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dcvsr_engine.errors import ModelError
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.installed import base_folder, bases, installed
from dcvsr_engine.resources import resource


@dataclass(frozen=True)
class KnownModel:
    """A model as it can be named in the settings, or a base that a U-Net is laid over.

    Attributes:
        name: what `RestoreSettings.model` says: a name, or the path of a folder.
        folder: where it is.
        declaration: what it declares; ``None`` when that cannot be read, and for a base.
        problem: why it cannot be used.
        is_base: whether it only carries other models.
    """

    name: str
    folder: Path
    declaration: Declaration | None
    problem: str = ""
    is_base: bool = False

    @property
    def title(self) -> str:
        """Its name for people."""
        return self.declaration.title if self.declaration else self.name

    @property
    def built_in(self) -> bool:
        """Whether it came with the program and stays."""
        return self.folder.is_relative_to(resource("models"))

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())


def read_model(name: str, folder: Path) -> KnownModel:
    """A model with its declaration, or with the reason why it cannot be used."""
    try:
        declaration = Declaration.from_folder(folder)
    except ModelError as error:
        return KnownModel(name, folder, None, str(error))
    try:
        base_folder(folder, declaration)
    except ModelError as error:
        return KnownModel(name, folder, declaration, str(error))
    return KnownModel(name, folder, declaration)


def known_models(folders: Iterable[Path] = ()) -> list[KnownModel]:
    """The installed models, and those in further ``folders``."""
    return [read_model(name, folder) for name, folder in installed().items()] + [
        read_model(str(folder), folder) for folder in folders
    ]


def known_bases() -> list[KnownModel]:
    """The installed folders that other models are laid over and that restore nothing by themselves."""
    return [KnownModel(name, folder, None, is_base=True) for name, folder in bases().items()]
