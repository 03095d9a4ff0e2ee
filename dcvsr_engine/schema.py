"""The one schema mechanism: frozen values, validated when they are made, that say in one sentence what is wrong with them.

Everything that is read from a file or sent between processes is a `Schema`: settings, model declarations, the catalogue,
recipes, job requests and plans. To write one, name its fields as in a dataclass and refine them with `pydantic.Field`::

    class Recipe(Schema):
        error_type = TrainingError                    # what a wrong value raises
        noun = "entry"                                # how the sentence calls a field
        name: str
        rate: float = Field(1e-4, gt=0, le=1, description="Learning rate.")
        phases: FromJson[tuple[Phase, ...]] = ()      # `Phase` is a `Schema` too

        @model_validator(mode="after")
        def _has_phases(self) -> Self:
            if not self.phases:
                raise ValueError("A recipe needs at least one phase.")
            return self

Fields are keywords only. Numbers and texts are never converted, except that a whole number serves where a number is asked for;
`FromJson` lets a field that JSON cannot write as such take what JSON has instead.
"""

import difflib
import json
import reprlib
import types
import typing
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Strict, ValidationError
from pydantic.fields import FieldInfo

from dcvsr_engine.errors import UserError
from dcvsr_engine.storage import parse_json

T = TypeVar("T")
FromJson = Annotated[T, Strict(False)]
"""A tuple that also takes a list, a path that takes a text, a schema that takes a JSON object."""

KINDS = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "text",
    "path_type": "a path",
    "tuple_type": "a list",
    "dict_type": "a JSON object",
    "model_type": "a JSON object",
}
"""What a value must be, by pydantic's type of error."""


class Schema(BaseModel):
    """A frozen, hashable, picklable value with named fields.

    Attributes:
        error_type: the class of the error that a wrong value raises.
        noun: what the error's sentence calls a field.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    error_type: ClassVar[type[UserError]] = UserError
    noun: ClassVar[str] = "value"

    def __init__(self, /, **values: Any) -> None:
        """Validate ``values``.

        Raises:
            UserError: an ``error_type`` whose sentence says what is wrong.
        """
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise refusal(type(self), error) from None

    # Pydantic's mark for an `__init__` that validates as its own does: schemas inside of others are then validated in place,
    # and the error knows the whole path.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """The inverse of `to_dict`; what is missing takes its default. Raises ``error_type``."""
        if not isinstance(values, dict):
            raise cls.error_type(f"{cls.noun.capitalize()}s must come as a JSON object, not as {reprlib.repr(values)}.")
        return cls(**values)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `to_json`; raises ``error_type``."""
        try:
            values = parse_json(text)
        except ValueError as error:
            raise cls.error_type(f"This is not valid JSON: {error}.") from None
        return cls.from_dict(values)

    def to_dict(self) -> dict[str, Any]:
        """Values as JSON has them: lists for tuples, texts for paths."""
        return self.model_dump(mode="json")

    def to_json(self) -> str:
        """JSON text, indented."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    def replace(self, **changes: Any) -> Self:
        """A copy with ``changes``, validated; raises ``error_type``."""
        # not `model_copy`, which does not validate
        return type(self)(**(dict(self) | changes))

    def __hash__(self) -> int:
        # dicts have no hash; leaving them out keeps equal values at equal hashes
        return hash(tuple(value for _, value in self if not isinstance(value, dict)))


def refusal(kind: type[Schema], error: ValidationError) -> UserError:
    """The first of pydantic's errors about a ``kind``, as the error that a user sees.

    The innermost schema with an error type of its own decides its class: a wrong setting in a job is a `SettingsError`.
    """
    first = error.errors(include_url=False)[0]
    owner = holder = kind
    path: list[int | str] = []
    for place in first["loc"]:
        if str(place).startswith("literal["):  # which of the types in a union it failed first
            continue
        path.append(place)
        field = holder.model_fields.get(str(place))
        inner = field and schema_in(field.annotation)
        if inner and len(first["loc"]) > 1:
            holder = inner
            if inner.error_type is not owner.error_type:
                owner, path = inner, []
    return owner.error_type(sentence(holder, path, first))


def schema_in(hint: Any) -> type[Schema] | None:
    """The schema that a type hint holds, as in ``tuple[Phase, ...]``."""
    if isinstance(hint, type) and issubclass(hint, Schema):
        return hint
    return next((found for part in typing.get_args(hint) if (found := schema_in(part))), None)


def sentence(holder: type[Schema], path: list[int | str], error: Any) -> str:
    """Explain pydantic's ``error`` about a field of ``holder`` in one sentence."""
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
    what, value = error["type"], reprlib.repr(error["input"])
    field = holder.model_fields.get(str(next((part for part in reversed(path) if isinstance(part, str)), "")))
    if what == "extra_forbidden":
        return unknown(holder, name)
    if what == "missing":
        return f"{name} is missing." if isinstance(path[-1], int) else f"The {holder.noun} “{name}” is missing."
    if what == "too_long":
        return f"{name} must have at most {error['ctx']['max_length']} values, not {error['ctx']['actual_length']}."
    if what == "value_error":
        return str(error["ctx"]["error"])
    if what == "literal_error" and field:
        return f"{name} must be one of {', '.join(map(str, choices(field.annotation)))}, not {value}."
    if what in ("greater_than", "less_than"):
        return f"{name} must be {what.replace('_', ' ')} {next(iter(error['ctx'].values()))}, not {value}."
    if what in ("greater_than_equal", "less_than_equal", "finite_number") and field and bounds(field) != (None, None):
        return f"{name} must be {range_text(*bounds(field))}, not {value}."
    wanted = KINDS.get(what)
    return f"{name} must be {wanted}, not {value}." if wanted else f"{name} is wrong: {error['msg']} (it is {value})."


def unknown(holder: type[Schema], name: str) -> str:
    """That ``holder`` has no field ``name``, and which ones it has."""
    near = difflib.get_close_matches(name.rpartition(".")[2], holder.model_fields, 1)
    hint = f"the nearest is “{near[0]}”." if near else f"known {holder.noun}s are {', '.join(holder.model_fields)}."
    return f"There is no {holder.noun} “{name}”; {hint}"


def choices(hint: Any) -> tuple[Any, ...]:
    """The values of the ``Literal`` in a type hint; none where there is no such."""
    if typing.get_origin(hint) is Literal:
        return typing.get_args(hint)
    return next((found for part in typing.get_args(hint) if (found := choices(part))), ())


def bounds(field: FieldInfo) -> tuple[float | None, float | None]:
    """The least and the largest value that a field takes; ``None`` where there is no such limit."""
    found = [*field.metadata, *constraints(field.annotation)]
    low = next((part.ge for part in found if hasattr(part, "ge")), None)
    return low, next((part.le for part in found if hasattr(part, "le")), None)


def constraints(hint: Any) -> list[Any]:
    """Constraints inside of a type hint, as in ``Annotated[int, Field(ge=1)] | None``."""
    own = [part for meta in getattr(hint, "__metadata__", ()) for part in getattr(meta, "metadata", [meta])]
    return own + [part for inner in typing.get_args(hint) for part in constraints(inner)]


def allows_none(hint: Any) -> bool:
    """Whether a type hint is ``… | None``."""
    return typing.get_origin(hint) in (types.UnionType, typing.Union) and type(None) in typing.get_args(hint)


def range_text(low: float | None, high: float | None) -> str:
    """A range in words."""
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"between {low} and {high}"
