"""Schemas: nested, frozen, to JSON and back, and what they say of wrong values."""

import pickle
from pathlib import Path
from typing import ClassVar, Literal, Self

import pytest
from pydantic import Field, model_validator

from dcvsr_engine.errors import JobError, ModelError, SettingsError, UserError
from dcvsr_engine.schema import FromJson, Schema


class Part(Schema):
    error_type: ClassVar[type[UserError]] = JobError
    noun: ClassVar[str] = "key"
    size: int = Field(default=1, gt=0)
    kinds: FromJson[tuple[Literal["a", "b"], ...]] = ("a",)


class Setup(Schema):
    error_type: ClassVar[type[UserError]] = SettingsError
    rate: float = Field(default=0.5, le=1)


class Whole(Schema):
    error_type: ClassVar[type[UserError]] = JobError
    noun: ClassVar[str] = "key"
    path: FromJson[Path]
    parts: FromJson[tuple[Part, ...]] = ()
    setup: FromJson[Setup] = Setup()
    more: FromJson[Part | None] = None
    names: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _few_parts(self) -> Self:
        if len(self.parts) > 2:
            raise ValueError("A whole has at most two parts.")
        return self


WHOLE = Whole(path=Path("a/b"), parts=(Part(), Part(size=3, kinds=())), more=Part(), names={"x": "y"})


def test_values_come_back_from_json():
    assert WHOLE.to_dict() == {
        "path": "a/b",
        "parts": [{"size": 1, "kinds": ["a"]}, {"size": 3, "kinds": []}],
        "setup": {"rate": 0.5},
        "more": {"size": 1, "kinds": ["a"]},
        "names": {"x": "y"},
    }
    assert Whole.from_dict(WHOLE.to_dict()) == WHOLE
    assert Whole.from_json(WHOLE.to_json()) == WHOLE
    again = pickle.loads(pickle.dumps(WHOLE))
    assert again == WHOLE and hash(again) == hash(WHOLE)
    assert Whole.from_dict({"path": "a"}) == Whole(path=Path("a"))


def test_paths_that_are_not_unicode_come_back():
    strange = Whole(path=Path("\udcff.mp4"))
    assert Whole.from_dict(strange.to_dict()) == strange


def test_values_are_frozen_and_changes_are_checked():
    with pytest.raises(ValueError, match="frozen"):
        WHOLE.path = Path()
    assert WHOLE.replace(parts=(Part(size=2),)).parts == (Part(size=2),)
    assert WHOLE.replace() == WHOLE
    with pytest.raises(JobError, match=r"^parts must be a list, not 3\.$"):
        WHOLE.replace(parts=3)


@pytest.mark.parametrize(
    "values, error, sentence",
    [
        ({}, JobError, "The key “path” is missing."),
        ({"path": 3}, JobError, "path must be a path, not 3."),
        ({"path": "a", "sice": 3}, JobError, "There is no key “sice”; known keys are path, parts, setup, more, names."),
        ({"path": "a", "part": 3}, JobError, "There is no key “part”; the nearest is “parts”."),
        ({"path": "a", "parts": [{}, {"size": 0}]}, JobError, "parts[1].size must be greater than 0, not 0."),
        ({"path": "a", "parts": [{"size": True}]}, JobError, "parts[0].size must be a whole number, not True."),
        ({"path": "a", "parts": [{"sise": 1}]}, JobError, "There is no key “parts[0].sise”; the nearest is “size”."),
        ({"path": "a", "parts": [{"kinds": ["c"]}]}, JobError, "parts[0].kinds[0] must be one of a, b, not 'c'."),
        ({"path": "a", "more": 3}, JobError, "more must be a JSON object, not 3."),
        ({"path": "a", "more": {"size": "3"}}, JobError, "more.size must be a whole number, not '3'."),
        ({"path": "a", "setup": []}, JobError, "setup must be a JSON object, not []."),
        ({"path": "a", "setup": {"rate": 2}}, SettingsError, "rate must be at most 1, not 2."),
        ({"path": "a", "setup": {"rate": float("nan")}}, SettingsError, "rate must be at most 1, not nan."),
        ({"path": "a", "setup": {"rata": 2}}, SettingsError, "There is no value “rata”; the nearest is “rate”."),
        ({"path": "a", "names": {"x": 1}}, JobError, "names.x must be text, not 1."),
        ({"path": "a", "names": 1}, JobError, "names must be a JSON object, not 1."),
        ({"path": "a", "parts": [{}, {}, {}]}, JobError, "A whole has at most two parts."),
        ([], JobError, "Keys must come as a JSON object, not as []."),
    ],
)
def test_a_wrong_value_is_one_sentence(values, error, sentence):
    with pytest.raises(error) as caught:
        Whole.from_dict(values)
    assert str(caught.value) == sentence
    assert type(caught.value) is error


@pytest.mark.parametrize("text", ["", "{", "3", "null", '"path"'])
def test_text_that_holds_no_values(text):
    with pytest.raises(JobError, match="JSON"):
        Whole.from_json(text)


def test_another_error_type_is_raised_where_the_schema_names_it():
    class Named(Whole):
        error_type: ClassVar[type[UserError]] = ModelError

    with pytest.raises(ModelError, match="“path” is missing"):
        Named()
