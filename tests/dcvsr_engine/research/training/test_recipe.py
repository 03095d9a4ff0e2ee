"""Recipes: what is read, what is refused and in which words."""

import json
from pathlib import Path

import pytest

from dcvsr_engine.errors import SettingsError
from dcvsr_engine.research.training.prior_recipe import read_recipe
from dcvsr_engine.research.training.recipe import Recipe, TrainingPhase, Validation

RECIPES = sorted((Path(__file__).parents[3] / "resources" / "recipes").glob("*.json"))
MINIMAL = {"name": "tiny", "start": "somewhere", "phases": [{"iterations": 5}, {"iterations": 7, "frames": 5}]}


def written(path: Path, **changes: object) -> Path:
    path.write_text(json.dumps({name: value for name, value in (MINIMAL | changes).items() if value is not None}))
    return path


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_shipped_recipes_read_and_can_be_read_back(path: Path, tmp_path: Path) -> None:
    shipped = read_recipe(path)
    assert shipped.iterations == sum(phase.iterations for phase in shipped.phases)
    again = tmp_path / "again.json"
    again.write_text(shipped.to_json())
    assert read_recipe(again) == shipped


def test_what_a_recipe_of_the_first_edition_does_not_say_is_as_it_was(tmp_path: Path) -> None:
    recipe = Recipe.from_file(written(tmp_path / "recipe.json"))
    assert (recipe.accumulate, recipe.dropout, recipe.bf16) == (1, 0.0, ("cpu", "cuda"))
    assert (recipe.sigma_mean, recipe.sigma_deviation) == (-0.3, 1.3)
    assert recipe.phases[0].schedule == "cosine"
    assert recipe.validation == Validation(clips=24, frames=1, size=192, steps=(1, 2, 4))
    assert recipe.phase_at(6) == (TrainingPhase(iterations=7, frames=5), 1)
    assert recipe.times(3).phase_at(15) == (TrainingPhase(iterations=21, frames=5), 0)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"accumulte": 2}, "There is no key “accumulte”; the nearest is “accumulate”"),
        ({"start": None}, "“start” is missing"),
        ({"ema": "much"}, "ema must be a number, not 'much'"),
        ({"bf16": ["tpu"]}, "bf16[0] must be one of cpu, cuda, not 'tpu'"),
        ({"phases": []}, "at least one phase"),
        ({"phases": [3]}, "phases[0] must be a JSON object, not 3"),
        ({"phases": [{"iterations": 5, "frames": 0}]}, "phases[0].frames must be at least 1, not 0"),
        ({"phases": [{"iterations": 5, "frames": 2, "change_in_look": 1.0}]}, "change_in_look needs perceptual above 0"),
        ({"phases": [{"iterations": 5, "perceptual": 1.0, "change_in_look": 1.0}]}, "and at least 2 frames"),
        ({"ema": 1}, "ema must be less than 1.0, not 1"),
        ({"lora": 4, "scratch": True}, "lora must be 0 for a network trained from scratch"),
        ({"sigma_min": 30.0}, "sigma_min must be below sigma_max (20.0), not 30.0"),
        ({"validation": {"step": [1]}}, "the nearest is “steps”"),
        ({"clips": {"size": 64}, "phases": [{"iterations": 5}]}, "must fit into the clips, which have 5 frames of 64 pixels"),
        ({"phases": [{"iterations": 5, "perceptual": 1.0, "size": 64}]}, "judged must be at most size (64), not 72"),
        ({"clips": {}, "phases": [{"iterations": 5, "frames": 7}]}, "which have 5 frames of 192 pixels"),
        ({"clips": {}, "phases": [{"iterations": 5, "degradations": {"film": 1}}]}, "“film” is asked for, but no such clips"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError) as error:
        Recipe.from_file(written(tmp_path / "mine.json", **changes))
    assert sentence in str(error.value)
    assert "mine.json" in str(error.value)


def test_a_file_that_is_no_recipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        Recipe.from_file(tmp_path / "nowhere.json")
    (tmp_path / "text.json").write_text("no JSON")
    with pytest.raises(SettingsError, match=r"text\.json” is not understood: This is not valid JSON"):
        Recipe.from_file(tmp_path / "text.json")
