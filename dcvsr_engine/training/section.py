"""Sections of a recipe: dataclasses that are read from JSON strictly, and say in words what is wrong."""

import dataclasses
import difflib
import json
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from dcvsr_engine.errors import SettingsError
from dcvsr_engine.network.declaration import fits


def listed(names: Sequence[str]) -> str:
    """“a, b and c”."""
    return f"{', '.join(names[:-1])} and {names[-1]}"


class Section:
    """What the sections of a recipe have in common: they are read from JSON strictly."""

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read a recipe; raises `SettingsError`."""
        try:
            return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise SettingsError(f"The recipe “{path}” cannot be read ({error.strerror}).") from None
        except ValueError as error:
            raise SettingsError(f"“{path}” is no recipe: {error}.") from None
        except SettingsError as error:
            raise SettingsError(f"The recipe “{path}” is not understood: {str(error).rstrip('.')}.") from None

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """Take ``values`` as they were read from JSON; raises `SettingsError` naming the key that is wrong."""
        if not isinstance(values, dict):
            raise SettingsError(f"{cls.__name__.lower()}: an object with keys is needed, not {values!r}")
        fields: dict[str, dataclasses.Field[Any]] = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
        for name in values:
            if name not in fields:
                near = difflib.get_close_matches(name, fields, 1)
                raise SettingsError(f"the key “{name}” is unknown" + (f"; did you mean “{near[0]}”?" if near else ""))
        hints = typing.get_type_hints(cls)
        taken = {name: cls.read(hints[name], name, value) for name, value in values.items()}
        for name, one in fields.items():
            if name not in taken and one.default is one.default_factory is dataclasses.MISSING:
                raise SettingsError(f"the key “{name}” is missing")
        return cls(**taken)

    @staticmethod
    def read(hint: Any, name: str, value: Any) -> Any:
        """A value of JSON as ``hint`` wants it."""
        inner = typing.get_args(hint)
        if isinstance(hint, type) and issubclass(hint, Section):
            return hint.from_dict(value)
        if typing.get_origin(hint) is tuple and isinstance(value, list):
            return tuple(Section.read(inner[0], name, part) for part in value)
        if hint != dict[str, Any] and not fits(value, hint):
            raise SettingsError(f"“{name}” cannot be {value!r}")
        return value

    def require(self, *conditions: tuple[bool, str]) -> None:
        """Raise `SettingsError` with the first sentence whose condition does not hold."""
        for holds, sentence in conditions:
            if not holds:
                raise SettingsError(sentence)
