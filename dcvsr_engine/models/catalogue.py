"""``resources/models/catalogue.json``: which models there are to be had, and what a person should know of each."""

import dataclasses
import json
import typing
from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from dcvsr_engine.errors import ModelError
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.resources import resource

VERSION = 1
Kind = Literal["built-in", "base", "unet", "own"]


@dataclass(frozen=True)
class Entry:
    """A model of the catalogue.

    Attributes:
        name: its folder's name, and what “--model” takes.
        title, summary: for people.
        kind: built in, a base without a U-Net, a U-Net over a base, or the place of a person's own ones.
        licence, licence_url, licence_summary: its name, where its text is, and what it means in plain words.
        size, memory: bytes to download and bytes needed to run, 0 where not known; the notes say how they are known.
        gated: whether the repository wants its licence accepted and a token.
        repository, files: where on the hub it is, and patterns of what is fetched; ``repository_note`` says what is not certain.
        training_files, training_size: patterns of what only training needs besides, and its bytes.
        sha256: hash per file, where known.
        base: the model that a U-Net is laid over.
        declaration: conventions for its ``dcvsr.json``.
    """

    name: str
    title: str
    kind: Kind
    summary: str
    licence: str
    licence_url: str = ""
    licence_summary: str = ""
    size: int = 0
    size_note: str = ""
    memory: int = 0
    memory_note: str = ""
    gated: bool = False
    repository: str = ""
    repository_note: str = ""
    files: tuple[str, ...] = ()
    training_files: tuple[str, ...] = ()
    training_size: int = 0
    sha256: dict[str, str] = field(default_factory=dict, hash=False)
    base: str = ""
    declaration: dict[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for name, hint in typing.get_type_hints(type(self)).items():
            if name != "declaration" and not fits(getattr(self, name), hint):
                raise ValueError(f"{name} cannot be {getattr(self, name)!r}")
        if bool(self.repository) != bool(self.files):
            raise ValueError(f"{self.name} needs both repository and files, or neither")
        if (self.kind == "unet") != bool(self.base and self.declaration):
            raise ValueError(f"{self.name}: a U-Net, and nothing else, needs base and declaration")
        if self.declaration:
            self.declared()

    @property
    def can_be_downloaded(self) -> bool:
        """Whether there is a place to fetch it from."""
        return bool(self.repository)

    def for_training(self) -> Self:
        """The entry with what only training needs; raises `ModelError` when there is no such thing."""
        if not self.training_files:
            raise ModelError(f"“{self.name}” has nothing that only training needs.")
        return dataclasses.replace(
            self, files=self.files + self.training_files, size=self.size + self.training_size, size_note=""
        )

    def declared(self) -> Declaration:
        """The ``dcvsr.json`` of a U-Net alone."""
        return Declaration(name=self.name, title=self.title, license=self.licence, base=self.base, **self.declaration)


def read_catalogue(path: Path) -> tuple[Entry, ...]:
    """The entries of a catalogue; raises `ModelError` that says what is wrong with it."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != VERSION:
            raise ValueError(f"version {content['version']} is not {VERSION}")
        entries = tuple(read_entry(values) for values in content["models"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError, ModelError) as error:
        raise ModelError(f"The catalogue {path} is not understood: {error}.") from None
    names = [entry.name for entry in entries]
    missing = [entry.base for entry in entries if entry.base and entry.base not in names]
    if len(set(names)) != len(names) or missing:
        raise ModelError(f"The catalogue {path} names a model twice, or a base that is not in it.")
    return entries


def read_entry(values: dict[str, Any]) -> Entry:
    """An entry from its JSON; raises `ValueError` or `TypeError`."""
    unknown = values.keys() - {known.name for known in dataclasses.fields(Entry)}
    if unknown:
        raise ValueError(f"{values.get('name')} has an unknown field {min(unknown)}")
    return Entry(**values | {name: tuple(values.get(name, ())) for name in ("files", "training_files")})


def catalogue() -> tuple[Entry, ...]:
    """The program's own catalogue."""
    return read_catalogue(resource("models", "catalogue.json"))


def with_bases(entry: Entry, there: Container[str]) -> list[Entry]:
    """What has to be downloaded for an entry: itself, after its base where that is not ``there`` yet."""
    return [entry_of(entry.base), entry] if entry.base and entry.base not in there else [entry]


def entry_of(name: str) -> Entry:
    """An entry by name; raises `ModelError`."""
    entries = {entry.name: entry for entry in catalogue()}
    if name not in entries:
        raise ModelError(f"“{name}” is not in the catalogue: name one of {', '.join(entries)}.")
    return entries[name]


def fits(value: Any, hint: Any) -> bool:
    """Whether a value read from JSON has the type ``hint``."""
    kind, inner = typing.get_origin(hint), typing.get_args(hint)
    if kind is Literal:
        return value in inner
    if kind is tuple:
        return isinstance(value, tuple) and all(fits(part, inner[0]) for part in value)
    if kind is dict:
        return isinstance(value, dict) and all(fits(part, inner[1]) for part in value.values())
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, (int, float) if hint is float else hint)
