"""Drawn pictures of what photographs lack: flat areas, text, hard edges, fine regular patterns, smooth gradients."""

import math
import random
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

OVERSAMPLING = 2
"""Pictures are drawn this many times larger and shrunk, for smooth edges."""

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,:;!?&%()+-/"

Colour = tuple[int, int, int]
DrawElement = Callable[[random.Random, ImageDraw.ImageDraw, int], None]


def colour(rng: random.Random) -> Colour:
    """Draw a random colour; a third of them are grey."""
    if rng.random() < 1 / 3:
        return (rng.randrange(256),) * 3
    return rng.randrange(256), rng.randrange(256), rng.randrange(256)


def gradient(rng: random.Random, side: int) -> Image.Image:
    """Draw a gradient between two colours in a random direction; half of the time a flat colour."""
    first, last = np.array(colour(rng)), np.array(colour(rng))
    if rng.random() < 0.5:
        # both ends of the gradient equal: a flat colour
        last = first
    angle = rng.uniform(0, 2 * math.pi)
    line = np.linspace(-0.5, 0.5, side)
    along = (0.5 + 0.7 * (math.cos(angle) * line[None] + math.sin(angle) * line[:, None])).clip(0, 1)[..., None]
    return Image.fromarray((first + along * (last - first)).round().astype(np.uint8))


def rectangle(rng: random.Random, side: int, largest: float = 0.5) -> tuple[float, float, float, float]:
    """Choose a rectangle: left, top, right, bottom in pixels."""
    width, height = (rng.uniform(0.02, largest) * side for _ in range(2))
    x, y = rng.uniform(-0.1, 1) * side, rng.uniform(-0.1, 1) * side
    return x, y, x + width, y + height


def shape(rng: random.Random, draw: ImageDraw.ImageDraw, side: int) -> None:
    """Draw a rectangle, ellipse or polygon, filled or in outline."""
    kind, fill, thickness = rng.randrange(3), colour(rng), rng.choice([0, 0, 1, 2, 4]) * OVERSAMPLING
    paint = {"fill": None, "outline": fill, "width": thickness} if thickness else {"fill": fill}
    if kind == 2:
        x, y, *_ = rectangle(rng, side)
        corners = [(x + rng.uniform(-0.2, 0.2) * side, y + rng.uniform(-0.2, 0.2) * side) for _ in range(rng.randint(3, 6))]
        draw.polygon(corners, **paint)
    else:
        (draw.rectangle, draw.ellipse)[kind](rectangle(rng, side), **paint)


def straight_line(rng: random.Random, draw: ImageDraw.ImageDraw, side: int) -> None:
    """Draw a straight line across a part of the picture."""
    ends = [(rng.random() * side, rng.random() * side) for _ in range(2)]
    draw.line(ends, fill=colour(rng), width=rng.choice([1, 2, 3, 5, 8]) * OVERSAMPLING)


def lettering(rng: random.Random, draw: ImageDraw.ImageDraw, side: int) -> None:
    """Draw a few lines of letters."""
    text = "\n".join("".join(rng.choices(LETTERS + "   ", k=rng.randint(4, 24))) for _ in range(rng.randint(1, 5)))
    font = ImageFont.load_default(rng.choice([10, 12, 16, 20, 28, 40, 64]) * OVERSAMPLING)
    x, y, *_ = rectangle(rng, side)
    draw.multiline_text((x - 0.2 * side, y), text, fill=colour(rng), font=font)


def stripes(rng: random.Random, draw: ImageDraw.ImageDraw, side: int) -> None:
    """Fill a rectangle with stripes or a chequerboard of one period."""
    left, top, right, bottom = (round(edge) for edge in rectangle(rng, side))
    step, chequered, upright, fill = rng.randint(2, 16) * OVERSAMPLING, rng.random() < 0.4, rng.random() < 0.5, colour(rng)
    for row, y in enumerate(range(top, bottom, step)):
        for column, x in enumerate(range(left, right, step)):
            if (row + column if chequered else column if upright else row) % 2:
                draw.rectangle((x, y, x + step - 1, y + step - 1), fill=fill)


ELEMENTS: dict[DrawElement, float] = {shape: 5, straight_line: 2, lettering: 3, stripes: 1}
"""Elements of a picture and how often they are drawn."""


def drawing(rng: random.Random, side: int) -> Tensor:
    """Draw a random picture, uint8 ``(3, side, side)``."""
    large = gradient(rng, OVERSAMPLING * side)
    draw = ImageDraw.Draw(large)
    for element in rng.choices(list(ELEMENTS), list(ELEMENTS.values()), k=rng.randint(1, 14)):
        element(rng, draw, OVERSAMPLING * side)
    return torch.tensor(np.asarray(large.resize((side, side), Image.Resampling.BOX))).permute(2, 0, 1)
