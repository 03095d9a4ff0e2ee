"""Drawn pictures follow the seed and hold what they are for: flat areas, hard edges, letters, patterns."""

import random

import torch
from PIL import Image, ImageDraw

from dcvsr_engine.research.training import graphics
from dcvsr_engine.research.training.data import Material
from dcvsr_engine.research.training.recipe import PoolRecipe


def test_drawings_follow_the_seed():
    first, again, other = (graphics.drawing(random.Random(seed), 96) for seed in (0, 0, 1))
    assert first.shape == (3, 96, 96) and first.dtype == torch.uint8
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_drawings_are_flat_in_places_and_have_edges():
    pictures = torch.stack([graphics.drawing(random.Random(seed), 128) for seed in range(20)]).float()
    steps = (pictures[..., 1:] - pictures[..., :-1]).abs().amax(1)
    assert (steps < 2).float().mean() > 0.5
    assert sum(float(step.max()) > 60 for step in steps) > 15


def test_every_element_draws_something():
    for element in graphics.ELEMENTS:
        drawn = 0
        for seed in range(10):
            picture = Image.new("RGB", (200, 200), (1, 2, 3))
            element(random.Random(seed), ImageDraw.Draw(picture), 200)
            drawn += len(picture.getcolors(40000)) > 1
        assert drawn >= 8, element.__name__


def test_clips_of_graphics_need_no_photographs():
    asked = PoolRecipe(sources={"graphics": 1.0}, size=64, frames=3)
    Material().require(asked, "training")
    assert Material().clip(random.Random(0), asked).shape == (3, 3, 64, 64)
