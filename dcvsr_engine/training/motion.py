"""Clips made from photographs: a virtual camera pans, zooms and turns; a second layer may move across it."""

import math
import random
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Path2D:
    """A smooth camera path: centre (pixels), scale (photograph pixels per clip pixel), angle (radians), each per frame."""

    x: list[float]
    y: list[float]
    scale: list[float]
    angle: list[float]


def camera_path(rng: random.Random, frames: int, size: int, height: int, width: int) -> Path2D:
    """A random path of ``frames`` poses whose ``size`` × ``size`` view stays inside the photograph.

    A third of the cameras stand still, which teaches the network not to flicker there.
    """
    still = rng.random() < 1 / 3
    speed = 0.0 if still else rng.choice([0.5, 2.0, 5.0]) * rng.random()
    heading = rng.uniform(0, 2 * math.pi)
    zoom = 1.0 if still else math.exp(rng.uniform(-0.02, 0.02))
    turn = 0.0 if still else rng.uniform(-0.02, 0.02)
    scale = rng.uniform(1.0, 1.3)
    margin = size * scale * 0.72 + 2
    x, y = rng.uniform(margin, max(margin, width - margin)), rng.uniform(margin, max(margin, height - margin))
    path = Path2D([], [], [], [])
    for f in range(frames):
        path.x.append(min(max(x, margin), max(margin, width - margin)))
        path.y.append(min(max(y, margin), max(margin, height - margin)))
        path.scale.append(scale * zoom**f)
        path.angle.append(turn * f)
        x, y = x + speed * math.cos(heading), y + speed * math.sin(heading)
    return path


def render(photo: Tensor, path: Path2D, size: int) -> Tensor:
    """The clip ``(frames, 3, size, size)`` that the camera sees of ``photo`` ``(3, height, width)``, sampled bicubically."""
    _, height, width = photo.shape
    lines = torch.arange(size, dtype=torch.float32) - (size - 1) / 2
    v, u = torch.meshgrid(lines, lines, indexing="ij")
    grids = []
    for x, y, scale, angle in zip(path.x, path.y, path.scale, path.angle, strict=True):
        cos, sin = scale * math.cos(angle), scale * math.sin(angle)
        px, py = x + cos * u - sin * v, y + sin * u + cos * v
        grids.append(torch.stack([(2 * px + 1) / width - 1, (2 * py + 1) / height - 1], dim=-1))
    grid = torch.stack(grids)
    return F.grid_sample(
        photo.expand(len(grids), -1, -1, -1), grid, mode="bicubic", padding_mode="reflection", align_corners=False
    ).clamp(0, 1)


def moving_layer(rng: random.Random, background: Tensor, foreground: Tensor) -> Tensor:
    """Paste a soft-edged ellipse of ``foreground`` that crosses ``background`` (both ``(frames, 3, s, s)``)."""
    frames, _, size, _ = background.shape
    lines = torch.linspace(-1, 1, size)
    v, u = torch.meshgrid(lines, lines, indexing="ij")
    cx, cy = rng.uniform(-0.6, 0.6), rng.uniform(-0.6, 0.6)
    dx, dy = rng.uniform(-0.08, 0.08), rng.uniform(-0.08, 0.08)
    rx, ry = rng.uniform(0.2, 0.6), rng.uniform(0.2, 0.6)
    f = torch.arange(frames, dtype=torch.float32).view(-1, 1, 1)
    distance = ((u - cx - dx * f) / rx) ** 2 + ((v - cy - dy * f) / ry) ** 2
    mask = torch.sigmoid((1 - distance) * size / 8).unsqueeze(1)
    return mask * foreground + (1 - mask) * background


def synthetic_clip(rng: random.Random, photos: list[Tensor], frames: int, size: int) -> Tensor:
    """A clip ``(frames, 3, size, size)``, RGB 0..1, from randomly chosen ``photos`` (uint8 ``(3, h, w)``)."""

    def shot() -> Tensor:
        photo = photos[rng.randrange(len(photos))].float() / 255
        return render(photo, camera_path(rng, frames, size, *photo.shape[1:]), size)

    clip = shot()
    if rng.random() < 0.3:
        clip = moving_layer(rng, clip, shot())
    if rng.random() < 0.2:
        drift = 1 + rng.uniform(-0.02, 0.02) * torch.arange(frames).view(-1, 1, 1, 1)
        clip = (clip * drift).clamp(0, 1)
    flipped = clip.flip(-1) if rng.random() < 0.5 else clip
    return flipped.contiguous()
