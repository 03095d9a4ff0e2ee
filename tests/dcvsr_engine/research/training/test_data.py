"""Batches are a function of seed and iteration; recipes choose what they are made of."""

import gc
import json
import os
import random
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from dcvsr_engine.errors import InputError, SettingsError
from dcvsr_engine.network.resample import shrink
from dcvsr_engine.research.training.data import Batches, Material, TrainingData, begin_worker, drawn
from dcvsr_engine.research.training.degradation import PRESETS
from dcvsr_engine.research.training.recipe import DEGRADATIONS, Recipe, TrainingPhase, Validation

REAL = {"real-world": 1.0}


def recipe(**phase) -> Recipe:
    return Recipe(
        name="tiny",
        start="nowhere",
        phases=(TrainingPhase(**({"iterations": 6, "batch": 2, "size": 32} | phase)),),
        validation=Validation(size=32),
    )


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Thirty folders of four frames, some of which are held out by their names."""
    rng = np.random.default_rng(0)
    for clip in range(30):
        (tmp_path / "films" / f"film {clip}").mkdir(parents=True)
        for frame in range(4):
            pixels = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
            Image.fromarray(pixels).save(tmp_path / "films" / f"film {clip}" / f"{frame}.png")
    return tmp_path / "films"


def test_degradations_are_mixed_in_their_shares():
    rng = random.Random(0)
    names = [drawn(rng, {"mild": 1, "real-world": 3}) for _ in range(2000)]
    assert names.count("real-world") / 2000 == pytest.approx(0.75, abs=0.04)


def test_old_recipes_are_mild_and_draw_as_before(photos):
    old, real = recipe(), recipe(degradations=REAL)
    assert (old.phases[0].degradations, old.phases[0].sources, old.workers) == ({"mild": 1.0}, {"photographs": 1.0}, 1)
    rng = random.Random(1)
    before = rng.getstate()
    assert drawn(rng, {"mild": 1.0}) == "mild" and rng.getstate() == before
    clips, mild = Batches(photos.training, old)[3]
    same, harsh = Batches(photos.training, real)[3]
    small = shrink(clips[0], 4)
    assert torch.equal(clips[0], same[0]) and (harsh[0] - small).abs().mean() > (mild[0] - small).abs().mean()


def test_recipes_know_the_presets(tmp_path):
    assert tuple(PRESETS) == DEGRADATIONS
    mixed = recipe(degradations={"mild": 0.5, "real-world": 0.5}, sources={"photographs": 1, "videos": 1}, parallax=0.2)
    (tmp_path / "recipe.json").write_text(mixed.to_json())
    assert Recipe.from_file(tmp_path / "recipe.json") == mixed
    assert hash(mixed) == hash(Recipe.from_file(tmp_path / "recipe.json"))


@pytest.mark.parametrize(
    ("phase", "sentence"),
    [
        ({"degradations": {"harsh": 1.0}}, "degradations are mild, streamed, real-world, film and interlaced, not “harsh”"),
        ({"degradations": {"mild": 0.0}}, "degradations need a share above 0"),
        ({"degradations": {"mild": -1.0, "real-world": 2.0}}, "and none below"),
        ({"sources": {}}, "sources need a share above 0"),
        ({"sources": {"films": 1.0}}, "sources are photographs, graphics and videos"),
        ({"parallax": 1.5}, "parallax must be between 0 and 1, not 1.5"),
        ({"handheld": -0.5}, "handheld must be between 0 and 1, not -0.5"),
    ],
)
def test_mistakes_in_a_mixture_are_named(tmp_path, phase, sentence):
    (tmp_path / "recipe.json").write_text(json.dumps({"name": "x", "start": "y", "phases": [{"iterations": 1} | phase]}))
    with pytest.raises(SettingsError, match=sentence):
        Recipe.from_file(tmp_path / "recipe.json")


def test_any_number_of_workers_gives_the_batches_of_a_resumed_run(photos, films):
    """Item by item as this process makes them, from photographs and recordings alike."""
    filmed = {"videos": 1.0}
    on_film = Recipe(
        name="tiny",
        start="",
        phases=(TrainingPhase(iterations=1, frames=3, size=32, sources=filmed),),
        validation=Validation(size=32, sources=filmed),
    )
    data = TrainingData.load(on_film, [], [films])
    assert len(data.training.videos) + len(data.held_out.videos) == 30
    material = Material(photos.training.photographs, data.training.videos)
    batches = Batches(material, recipe(frames=3, degradations=REAL, sources={"photographs": 1, "videos": 1}, parallax=0.5))
    expected = [batches[index] for index in range(6)]
    for workers, start in ((1, 0), (2, 0), (2, 3)):
        order = range(start, 6)
        loader = DataLoader(batches, batch_size=None, sampler=order, num_workers=workers, worker_init_fn=begin_worker)
        loaded = list(loader)
        assert len(loaded) == 6 - start
        for (clips, low), (own, own_low) in zip(loaded, expected[start:], strict=True):
            assert torch.equal(clips, own) and torch.equal(low, own_low)
    assert not torch.equal(expected[0][0], expected[1][0])


def test_what_a_recipe_asks_for_must_be_there(tmp_path, films):
    both = Recipe(
        name="tiny",
        start="nowhere",
        phases=(TrainingPhase(iterations=1, frames=3, size=32, sources={"videos": 1.0}),),
        validation=Validation(size=32),
    )
    with pytest.raises(InputError, match="No validation photographs"):
        TrainingData.load(both, [tmp_path], [films])
    with pytest.raises(InputError, match="No training videos were found"):
        TrainingData.load(both, [tmp_path], [])
    long = recipe(frames=5, sources={"videos": 1.0})
    with pytest.raises(InputError, match="has 4 frames of 64×48; at least 5 of 32×32"):
        TrainingData.load(long, [tmp_path], [films])


def test_an_upsampler_gets_the_frames_around_a_clip(photos):
    """As the engine will show them to it: drawn with the clip, so that the clip is the middle of what is small."""
    asked = recipe(frames=3)
    clips, low = Batches(photos.training, asked, context=2)[0]
    assert clips.shape[1:] == (3, 3, 32, 32) and low.shape[1:] == (7, 3, 8, 8)
    distance = torch.stack([(low[:, first : first + 3] - shrink(clips.flatten(0, 1), 4).unflatten(0, (-1, 3))).abs().mean()
                            for first in range(5)])  # fmt: skip
    assert int(distance.argmin()) == 2


class Inherited:
    """Garbage in a cycle, as a decoder that an exception holds; collected in another process, it would wait for its threads."""

    collected: ClassVar[list[int]] = []

    def __init__(self) -> None:
        self.myself = self

    def __del__(self) -> None:
        self.collected.append(os.getpid())


class Collecting(torch.utils.data.Dataset):
    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> int:
        gc.collect()
        return Inherited.collected.count(os.getpid())


def test_a_worker_does_not_collect_what_it_has_inherited():
    # what other tests have left is not to be collected in the worker
    gc.collect()
    gc.disable()
    try:
        Inherited()
        thawed = DataLoader(Collecting(), batch_size=None, num_workers=1, worker_init_fn=lambda worker: gc.unfreeze())
        assert list(thawed) == [1], "else, the worker does"
        assert list(DataLoader(Collecting(), batch_size=None, num_workers=1)) == [0], "from its first moment"
    finally:
        gc.enable()
