"""Clips from photographs: a virtual camera pans, zooms and turns; a second layer may move across the scene or lie nearer."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Path2D:
    """A smooth camera path; one value per frame each.

    Attributes:
        x, y: centre in pixels of the photograph.
        scale: photograph pixels per clip pixel.
        angle: in radians.
    """

    x: list[float]
    y: list[float]
    scale: list[float]
    angle: list[float]


def camera_path(rng: random.Random, frames: int, size: int, height: int, width: int, may_rest: bool = True) -> Path2D:
    """Draw a path whose view stays inside the photograph.

    Args:
        rng: source of random numbers.
        frames: number of poses.
        size: side of the view in clip pixels.
        height, width: of the photograph in pixels.
        may_rest: let a third of the cameras stand still, which teaches the network not to flicker.
    """
    still = may_rest and rng.random() < 1 / 3
    speed = 0.0 if still else rng.choice([0.5, 2.0, 5.0]) * rng.random()
    heading = rng.uniform(0, 2 * math.pi)
    zoom = 1.0 if still else math.exp(rng.uniform(-0.02, 0.02))
    turn = 0.0 if still else rng.uniform(-0.02, 0.02)
    scale = rng.uniform(1.0, 1.3)
    # half the diagonal of the view, which turns, and the reach of bicubic sampling
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


def nearer(path: Path2D, times: float, x: float, y: float) -> Path2D:
    """Move the same camera over a nearer layer: it starts at ``(x, y)`` and moves ``times`` as far."""
    return replace(
        path,
        x=[x + times * (other - path.x[0]) for other in path.x],
        y=[y + times * (other - path.y[0]) for other in path.y],
    )


def hand_shake(rng: random.Random, path: Path2D) -> Path2D:
    """Let the same camera be held by hand: it trembles by a few pixels and a fraction of a degree, at 2 … 9 Hz of 25 fps."""
    strength = rng.choice([0.5, 1.5, 3.0]) * rng.random()

    def tremble(amplitude: float) -> list[float]:
        waves = [(rng.uniform(2, 9) / 25, rng.uniform(0, 2 * math.pi), rng.random()) for _ in range(3)]
        return [
            amplitude * sum(height * math.sin(2 * math.pi * rate * f + phase) for rate, phase, height in waves)
            for f in range(len(path.x))
        ]

    moved = ((path.x, strength), (path.y, strength), (path.angle, 0.002 * strength))
    x, y, angle = ([a + b for a, b in zip(values, tremble(amplitude), strict=True)] for values, amplitude in moved)
    return replace(path, x=x, y=y, angle=angle)


def sampling_grid(path: Path2D, size: int, height: int, width: int, readout: float = 0.0) -> Tensor:
    """Locate each pixel of the clip in the photograph.

    Args:
        path: of the camera.
        size: side of the clip in pixels.
        height, width: of the photograph in pixels.
        readout: share of the time between two frames in which a rolling shutter reads the lines one after the other.

    Returns:
        Coordinates (x, y), −1 … 1 from border to border, ``(frames, size, size, 2)``, as ``grid_sample`` takes them.
    """
    lines = torch.arange(size, dtype=torch.float32) - (size - 1) / 2
    poses = torch.tensor([path.x, path.y, path.scale, path.angle])
    # the pose at the time each line is read
    velocity = torch.gradient(poses, dim=1)[0] if readout and poses.shape[1] > 1 else torch.zeros_like(poses)
    rows = poses.unsqueeze(2) + velocity.unsqueeze(2) * (readout * lines / size)
    x, y, scale, angle = rows.unsqueeze(3)  # each (frames, lines, 1)
    cos, sin, u, v = scale * angle.cos(), scale * angle.sin(), lines, lines.view(-1, 1)
    px, py = x + cos * u - sin * v, y + sin * u + cos * v
    # without `align_corners` −1 and 1 are the borders of the picture, not the centres of its outer pixels
    return torch.stack([(2 * px + 1) / width - 1, (2 * py + 1) / height - 1], dim=-1)


def sampled(picture: Tensor, grid: Tensor) -> Tensor:
    """Sample ``picture`` ``(channels, height, width)`` at the points of a `sampling_grid`, bicubically, clamped to 0..1."""
    pictures = picture.expand(len(grid), -1, -1, -1)
    return F.grid_sample(pictures, grid, mode="bicubic", padding_mode="reflection", align_corners=False).clamp(0, 1)


def render(photo: Tensor, path: Path2D, size: int, readout: float = 0.0) -> Tensor:
    """Render the clip ``(frames, 3, size, size)`` that the camera sees of ``photo`` ``(3, height, width)``."""
    _, height, width = photo.shape
    return sampled(photo, sampling_grid(path, size, height, width, readout))


def blobs(rng: random.Random, picture: Tensor, grid: Tensor, thresholds: tuple[float, float], edge: float = 1.0) -> Tensor:
    """Draw shapes about half a view wide that are fixed in a picture and move with it.

    Args:
        rng: source of random numbers.
        picture: ``(channels, height, width)``; only its size counts.
        grid: where the clip samples it, ``(frames, size, size, 2)``.
        thresholds: range of the threshold: the higher, the fewer shapes.
        edge: sharpness of their borders.

    Returns:
        Mask 0..1 ``(frames, 1, size, size)``.
    """
    height, width, size = *picture.shape[1:], grid.shape[1]
    generator = torch.Generator().manual_seed(rng.getrandbits(31))
    cells = torch.rand(1, 1 + 2 * height // size, 1 + 2 * width // size, generator=generator)
    return torch.sigmoid((sampled(cells, grid) - rng.uniform(*thresholds)) * edge * size)


def parallax_clip(rng: random.Random, far: Tensor, near: Tensor, frames: int, size: int) -> Tensor:
    """Render a scene of two depths: parts of ``near`` in front of ``far`` move 1.3 to 3 times as far.

    The moving camera uncovers what the near layer hides.

    Args:
        rng: source of random numbers.
        far, near: photographs 0..1 ``(3, height, width)``.
        frames: number of frames.
        size: side in pixels.

    Returns:
        RGB ``(frames, 3, size, size)``.
    """
    height, width = far.shape[1:]
    path = camera_path(rng, frames, size, height, width, may_rest=False)
    height, width = near.shape[1:]
    start = rng.uniform(0.3, 0.7) * width, rng.uniform(0.3, 0.7) * height
    grid = sampling_grid(nearer(path, rng.uniform(1.3, 3.0), *start), size, height, width)
    mask = blobs(rng, near, grid, (0.45, 0.65))
    return mask * sampled(near, grid) + (1 - mask) * render(far, path, size)


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


def crossing(rng: random.Random, background: Tensor, photo: Tensor) -> Tensor:
    """Let objects cut from ``photo`` ``(3, height, width)`` cross ``background`` ``(frames, 3, s, s)`` quickly."""
    frames, _, size, _ = background.shape
    height, width = photo.shape[1:]
    speed, heading, turn = rng.uniform(2, 14), rng.uniform(0, 2 * math.pi), rng.uniform(-0.05, 0.05)
    x, y = rng.uniform(0.3, 0.7) * width, rng.uniform(0.3, 0.7) * height
    path = Path2D(
        [x + speed * math.cos(heading) * f for f in range(frames)],
        [y + speed * math.sin(heading) * f for f in range(frames)],
        [1.0] * frames,
        [turn * f for f in range(frames)],
    )
    grid = sampling_grid(path, size, height, width)
    mask = blobs(rng, photo, grid, (0.6, 0.8), rng.choice([1, 2, 5]))
    return mask * sampled(photo, grid) + (1 - mask) * background


def fade(rng: random.Random, clip: Tensor, other: Tensor) -> Tensor:
    """Cut a part of a fade to or from black or white, or of a dissolve into ``other``, both ``(frames, 3, s, s)``."""
    start = rng.random()
    change = rng.choice([-1, 1]) * rng.uniform(0.02, 0.12)
    share = (start + change * torch.arange(len(clip))).clamp(0, 1).view(-1, 1, 1, 1)
    kind = rng.random()
    target = other if kind < 0.4 else torch.zeros_like(clip) if kind < 0.85 else torch.ones_like(clip)
    return (1 - share) * clip + share * target


def handheld_clip(rng: random.Random, photo: Callable[[], Tensor], frames: int, size: int) -> Tensor:
    """Film ``(frames, 3, size, size)`` with a shaking camera and a rolling shutter; objects cross half of it, a tenth fades."""

    def shot() -> Tensor:
        scene = photo()
        path = hand_shake(rng, camera_path(rng, frames, size, *scene.shape[1:]))
        return render(scene, path, size, rng.uniform(0, 0.9))

    clip = shot()
    if rng.random() < 0.5:
        clip = crossing(rng, clip, photo())
    return fade(rng, clip, shot()) if rng.random() < 0.1 else clip


def synthetic_clip(
    rng: random.Random, photos: list[Tensor], frames: int, size: int, parallax: float = 0.0, handheld: float = 0.0
) -> Tensor:
    """Make a clip from randomly chosen photographs.

    Args:
        rng: source of random numbers.
        photos: uint8 ``(3, height, width)``.
        frames: number of frames.
        size: side in pixels.
        parallax: share of clips with two depths; at 0 no random number is drawn for it.
        handheld: share of clips of `handheld_clip`; likewise.

    Returns:
        RGB 0..1 ``(frames, 3, size, size)``.
    """

    def photo() -> Tensor:
        return photos[rng.randrange(len(photos))].float() / 255

    def shot() -> Tensor:
        scene = photo()
        return render(scene, camera_path(rng, frames, size, *scene.shape[1:]), size)

    if handheld > 0 and rng.random() < handheld:
        clip = handheld_clip(rng, photo, frames, size)
    elif parallax > 0 and rng.random() < parallax:
        clip = parallax_clip(rng, photo(), photo(), frames, size)
    else:
        clip = shot()
    if rng.random() < 0.3:
        clip = moving_layer(rng, clip, shot())
    if rng.random() < 0.2:
        drift = 1 + rng.uniform(-0.02, 0.02) * torch.arange(frames).view(-1, 1, 1, 1)
        clip = (clip * drift).clamp(0, 1)
    flipped = clip.flip(-1) if rng.random() < 0.5 else clip
    return flipped.contiguous()
