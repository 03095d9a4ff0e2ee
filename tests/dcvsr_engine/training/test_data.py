"""Batches are a function of seed and iteration; recipes choose what they are made of."""

import dataclasses
import json
import random

import pytest
import torch

from dcvsr_engine.errors import SettingsError
from dcvsr_engine.training.data import Batches, drawn
from dcvsr_engine.training.degradation import PRESETS
from dcvsr_engine.training.recipe import DEGRADATIONS, Phase, Recipe


@pytest.fixture
def photos() -> list[torch.Tensor]:
    """Pictures with edges, in place of photographs."""
    coarse = torch.rand(4, 3, 12, 16, generator=torch.Generator().manual_seed(0))
    return [(255 * picture).byte() for picture in torch.nn.functional.interpolate(coarse, size=(120, 160), mode="nearest")]


def recipe(**phase) -> Recipe:
    return Recipe("tiny", "nowhere", (Phase(iterations=8, frames=1, batch=2, size=32, **phase),))


def test_degradations_are_mixed_in_their_shares():
    rng = random.Random(0)
    names = [drawn(rng, {"mild": 1, "real-world": 3}) for _ in range(2000)]
    assert names.count("real-world") / 2000 == pytest.approx(0.75, abs=0.04)


def test_old_recipes_are_mild_and_draw_as_before(photos):
    old, real = recipe(), recipe(degradations={"real-world": 1.0})
    assert old.phases[0].degradations == {"mild": 1.0}
    rng = random.Random(1)
    before = rng.getstate()
    assert drawn(rng, {"mild": 1.0}) == "mild" and rng.getstate() == before
    clips, mild = Batches(photos, old)[3]
    same, harsh = Batches(photos, real)[3]
    assert torch.equal(clips[0], same[0]) and (harsh[0] - clips[0]).abs().mean() > (mild[0] - clips[0]).abs().mean()


def test_recipes_know_the_presets(tmp_path):
    assert tuple(PRESETS) == DEGRADATIONS
    mixed = recipe(degradations={"mild": 0.5, "real-world": 0.5})
    (tmp_path / "recipe.json").write_text(mixed.to_json())
    assert Recipe.from_file(tmp_path / "recipe.json") == mixed
    for wrong in ({"harsh": 1.0}, {"mild": 0.0}, {"mild": -1.0, "real-world": 2.0}, {}):
        text = json.dumps({"name": "x", "start": "y", "phases": [{"iterations": 1, "degradations": wrong}]})
        (tmp_path / "recipe.json").write_text(text)
        with pytest.raises(SettingsError, match="degradations"):
            Recipe.from_file(tmp_path / "recipe.json")
    assert hash(dataclasses.replace(mixed)) == hash(mixed)
