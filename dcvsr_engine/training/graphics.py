"""Drawn pictures with what photographs lack: flat areas, text, hard edges, fine regular patterns, gentle gradients."""

import math
import random
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

FINER = 2
"""Pictures are drawn this many times larger, and shrunk, for smooth edges."""

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,:;!?&%()+-/"

Colour = tuple[int, int, int]


def colour(rng: random.Random) -> Colour:
    """Any colour; a third of them are grey."""
    if rng.random() < 1 / 3:
        return (rng.randrange(256),) * 3
    return rng.randrange(256), rng.randrange(256), rng.randrange(256)


def gradient(rng: random.Random, side: int) -> Image.Image:
    """From one colour to another along some direction; a flat colour half of the time."""
    first, last = np.array(colour(rng)), np.array(colour(rng))
    if rng.random() < 0.5:
        last = first
    angle = rng.uniform(0, 2 * math.pi)
    line = np.linspace(-0.5, 0.5, side)
    along = (0.5 + 0.7 * (math.cos(angle) * line[None] + math.sin(angle) * line[:, None])).clip(0, 1)[..., None]
    return Image.fromarray((first + along * (last - first)).round().astype(np.uint8))


def place(rng: random.Random, side: int, largest: float = 0.5) -> tuple[float, float, float, float]:
    """A rectangle: left, top, right, bottom."""
    width, height = (rng.uniform(0.02, largest) * side for _ in range(2))
    x, y = rng.uniform(-0.1, 1) * side, rng.uniform(-0.1, 1) * side
    return x, y, x + width, y + height


def shape(rng: random.Random, draw: ImageDraw.ImageDraw, side: int) -> None:
    """A rectangle, ellipse or polygon, filled or in outline."""
    kind, fill, thickness = rng.randrange(3), colour(rng), rng.choice([0, 0, 1, 2, 4]) * FINER
    paint = {"fill": None, "outline": fill, "width": thickness} if thickness else {"fill": fill}
    if kind == 2:
        x, y, *_ = place(rng, side)
        corners = [(x + rng.uniform(-0.2, 0.2) * side, y + rng.uniform(-0.2, 0.2) * side) for _ in range(rng.randint(3, 6))]
        draw.polygon(corners, **paint)
    else:
        (draw.rectangle, draw.ellipse)[kind](place(rng, side), **paint)


def line(rng: random.Random, draw: ImageDraw.ImageDraw, side: int) -> None:
    """A straight stroke across some of the picture."""
    ends = [(rng.random() * side, rng.random() * side) for _ in range(2)]
    draw.line(ends, fill=colour(rng), width=rng.choice([1, 2, 3, 5, 8]) * FINER)


def words(rng: random.Random, draw: ImageDraw.ImageDraw, side: int) -> None:
    """A few lines of letters."""
    text = "\n".join("".join(rng.choices(LETTERS + "   ", k=rng.randint(4, 24))) for _ in range(rng.randint(1, 5)))
    font = ImageFont.load_default(rng.choice([10, 12, 16, 20, 28, 40, 64]) * FINER)
    x, y, *_ = place(rng, side)
    draw.multiline_text((x - 0.2 * side, y), text, fill=colour(rng), font=font)


def pattern(rng: random.Random, draw: ImageDraw.ImageDraw, side: int) -> None:
    """Stripes or a chequerboard of one period in a rectangle."""
    left, top, right, bottom = (round(edge) for edge in place(rng, side))
    step, chequered, upright, fill = rng.randint(2, 16) * FINER, rng.random() < 0.4, rng.random() < 0.5, colour(rng)
    for row, y in enumerate(range(top, bottom, step)):
        for column, x in enumerate(range(left, right, step)):
            if (row + column if chequered else column if upright else row) % 2:
                draw.rectangle((x, y, x + step - 1, y + step - 1), fill=fill)


PARTS: dict[Callable[[random.Random, ImageDraw.ImageDraw, int], None], float] = {shape: 5, line: 2, words: 3, pattern: 1}
"""What is drawn, and how often."""


def drawing(rng: random.Random, side: int) -> Tensor:
    """A random picture, uint8 ``(3, side, side)``."""
    large = gradient(rng, FINER * side)
    draw = ImageDraw.Draw(large)
    for part in rng.choices(list(PARTS), list(PARTS.values()), k=rng.randint(1, 14)):
        part(rng, draw, FINER * side)
    return torch.tensor(np.asarray(large.resize((side, side), Image.Resampling.BOX))).permute(2, 0, 1)
