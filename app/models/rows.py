"""The models window's rows: available models, installed ones, and interrupted downloads. Without Qt."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dcvsr_engine.models.catalogue import CatalogueEntry, catalogue
from dcvsr_engine.models.registry import KnownModel, default_model, known_bases, known_models
from dcvsr_engine.models.store import unfinished_download

ModelState = Literal["built in", "installed", "in place", "unusable", "base", "available", "unfinished", "hint"]


@dataclass(frozen=True)
class ModelRow:
    """A model, installed or not.

    Attributes:
        name, title: its name in the program and its title in the window.
        state: whether it can be used, fetched, or continued.
        entry: what the catalogue says of it.
        model: the installed model, if it is installed.
        share: downloaded share of an interrupted download, 0 to 1.
        is_default: whether it restores where none is named.
    """

    name: str
    title: str
    state: ModelState
    entry: CatalogueEntry | None = None
    model: KnownModel | None = None
    share: float = 0.0
    is_default: bool = False

    @property
    def size(self) -> int:
        """Bytes: on disk, or to be fetched; 0 where not known."""
        if self.model:
            return self.model.size
        return self.entry.size if self.entry else 0

    @property
    def licence(self) -> str:
        """Its licence's name, or nothing."""
        declared = self.model.declaration.license if self.model and self.model.declaration else ""
        return declared or (self.entry.licence if self.entry else "")

    @property
    def can_restore(self) -> bool:
        """Whether it can be named in the settings."""
        return self.model is not None and self.model.declaration is not None and not self.model.problem

    @property
    def can_be_fetched(self) -> bool:
        """Whether it, or the rest of it, can be downloaded."""
        return self.state in ("available", "unfinished")

    @property
    def can_be_removed(self) -> bool:
        """Whether it can be deleted, or taken off the list."""
        return self.state in ("installed", "in place", "unusable", "base", "unfinished")


def model_rows(folders: Iterable[Path] = ()) -> list[ModelRow]:
    """All rows: models that can restore, then bases of others, then those to download."""
    entries = {entry.name: entry for entry in catalogue()}
    chosen = default_model()
    there = known_models(folders) + known_bases()
    rows = [
        ModelRow(model.name, title_of(model, entries), state_of(model), entries.get(model.name), model, 1.0, model.name == chosen)
        for model in there
    ]
    names = {model.name for model in there}
    return rows + [row_of_entry(entry) for entry in entries.values() if entry.name not in names]


def title_of(model: KnownModel, entries: dict[str, CatalogueEntry]) -> str:
    """A model's title; the catalogue's for a base, which declares none."""
    entry = entries.get(model.name)
    return entry.title if entry and model.declaration is None else model.title


def state_of(model: KnownModel) -> ModelState:
    """The state of an installed model."""
    if model.is_base:
        return "base"
    if model.problem:
        return "unusable"
    if model.built_in:
        return "built in"
    # a folder that is used in place is named by its path
    return "in place" if Path(model.name).is_absolute() else "installed"


def row_of_entry(entry: CatalogueEntry) -> ModelRow:
    """The row of an entry that is not installed, or only in part."""
    begun = unfinished_download(entry.name)
    if begun is not None:
        return ModelRow(entry.name, entry.title, "unfinished", entry, share=begun[0] / max(1, begun[1]))
    return ModelRow(entry.name, entry.title, "available" if entry.can_be_downloaded else "hint", entry)
