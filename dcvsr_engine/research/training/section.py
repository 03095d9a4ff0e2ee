"""Sections of a recipe: dataclasses that are read from JSON strictly, and say in words what is wrong."""

import dataclasses
import difflib
import typing
from typing import Any, Literal, Self

from dcvsr_engine.errors import SettingsError


class Section:
    """What the sections of a recipe have in common: they are read from JSON strictly."""

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
