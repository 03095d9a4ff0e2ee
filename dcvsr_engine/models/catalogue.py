"""``resources/models/catalogue.json``: the models that are available, and what users should know about each."""

from collections.abc import Container
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from dcvsr_engine.errors import ModelError, UserError
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.resources import resource
from dcvsr_engine.schema import FromJson, Schema
from dcvsr_engine.storage import read_json

Kind = Literal["built-in", "base", "unet", "own"]


class CatalogueEntry(Schema):
    """A model of the catalogue, installed or not.

    Attributes:
        name: its folder's name, and what “--model” takes.
        title, summary: for users.
        kind: built in, a base without a U-Net, a U-Net over a base, or a hint where to bring own ones.
        licence, licence_url, licence_summary: its name, the address of its text, and what it means in plain words.
        size, memory: bytes to download and bytes needed to run, 0 where unknown; the notes say where they come from.
        gated: whether the hub asks for a token of an account that accepted the licence.
        repository, files: its place on the hub, and patterns of the files to fetch; ``repository_note`` says what is uncertain.
        training_files, training_size: patterns of further files that only training needs, and their bytes.
        sha256: SHA-256 per file, where known.
        base: the model that a U-Net is laid over.
        declaration: conventions for its ``dcvsr.json``.
    """

    error_type: ClassVar[type[UserError]] = ModelError
    noun: ClassVar[str] = "field"

    name: str
    title: str
    kind: Kind
    summary: str
    licence: str
    licence_url: str = ""
    licence_summary: str = ""
    size: int = Field(0, ge=0)
    size_note: str = ""
    memory: int = Field(0, ge=0)
    memory_note: str = ""
    gated: bool = False
    repository: str = ""
    repository_note: str = ""
    files: FromJson[tuple[str, ...]] = ()
    training_files: FromJson[tuple[str, ...]] = ()
    training_size: int = Field(0, ge=0)
    sha256: dict[str, str] = Field(default_factory=dict)
    base: str = ""
    declaration: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if bool(self.repository) != bool(self.files):
            raise ValueError(f"{self.name} needs both repository and files, or neither.")
        if (self.kind == "unet") != bool(self.base and self.declaration):
            raise ValueError(f"{self.name}: a U-Net, and nothing else, needs base and declaration.")
        if self.declaration:
            self.declared()
        return self

    @property
    def can_be_downloaded(self) -> bool:
        """Whether the hub has it."""
        return bool(self.repository)

    def for_training(self) -> Self:
        """The entry with the files that only training needs; raises `ModelError` when there are none."""
        if not self.training_files:
            raise ModelError(f"“{self.name}” has nothing that only training needs.")
        return self.replace(files=self.files + self.training_files, size=self.size + self.training_size, size_note="")

    def declared(self) -> Declaration:
        """The ``dcvsr.json`` of a U-Net alone."""
        return Declaration(name=self.name, title=self.title, license=self.licence, base=self.base, **self.declaration)


class Catalogue(Schema):
    """The content of a catalogue's file."""

    error_type: ClassVar[type[UserError]] = ModelError
    noun: ClassVar[str] = "field"

    version: Literal[1]
    models: FromJson[tuple[CatalogueEntry, ...]]

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        names = {entry.name for entry in self.models}
        if len(names) < len(self.models):
            raise ValueError("It names a model twice.")
        if any(entry.base not in names for entry in self.models if entry.base):
            raise ValueError("It names a base that is not in it.")
        return self


def read_catalogue(path: Path) -> tuple[CatalogueEntry, ...]:
    """Read a catalogue; raises `ModelError` that says what is wrong with it."""
    try:
        return Catalogue.from_dict(read_json(path)).models
    except (OSError, ValueError, ModelError) as error:
        raise ModelError(f"The catalogue {path} is not understood: {str(error).rstrip('.')}.") from None


def catalogue() -> tuple[CatalogueEntry, ...]:
    """The program's own catalogue."""
    return read_catalogue(resource("models", "catalogue.json"))


def with_bases(entry: CatalogueEntry, installed: Container[str]) -> list[CatalogueEntry]:
    """List what to download for an entry: itself, after its base where that is not ``installed`` yet."""
    return [entry_of(entry.base), entry] if entry.base and entry.base not in installed else [entry]


def entry_of(name: str) -> CatalogueEntry:
    """Find an entry by name; raises `ModelError`."""
    entries = {entry.name: entry for entry in catalogue()}
    if name not in entries:
        raise ModelError(f"“{name}” is not in the catalogue: name one of {', '.join(entries)}.")
    return entries[name]
